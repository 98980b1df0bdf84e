import BrokerServer
import Metadata
import Primitives

/// One replica as it is, beside what it believes.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class ReplicaTruth: @unchecked Sendable {
    /// The number of its machine.
    let node: Int
    /// What its disk has.
    var disk: DiskLog
    /// What the present process believes; nil while it has not opened the log, or there is no process.
    var witness: ReplicaWitness?
    /// Whether it led before its node's last event and not behind it: what it counted as committed in between counts.
    var hasJustLed = false
    /// Up to here its disk was compared with what is committed.
    var verifiedEnd = Offset.zero
    /// The epoch that it was last seen to lead.
    var claimedEpoch: LeaderEpoch?
    /// A byte of its log that is known to be another than the one that was written.
    var rot: Rot?

    struct Rot: Hashable, Sendable {
        let path: String
        let position: Int
        let value: UInt8

        /// Whether the byte is still there.
        func isThere(_ files: VirtualFiles) -> Bool { files.look(into: path, from: position)?.first == value }
    }

    init(node: Int, disk: DiskLog) {
        self.node = node
        self.disk = disk
    }

    /// Where its log begins.
    var start: Offset { witness?.logStart ?? disk.batches.first?.base ?? .zero }
}

/// The replicas of a partition, by the number of the machine: looked up several times after each event.
struct ReplicasByMachine {
    private var places: [ReplicaTruth?] = []

    subscript(number: Int) -> ReplicaTruth? { places.indices.contains(number) ? places[number] : nil }

    mutating func put(_ replica: ReplicaTruth) {
        while places.count <= replica.node { places.append(nil) }
        places[replica.node] = replica
    }

    /// In order.
    var numbers: [Int] { places.indices.filter { places[$0] != nil } }
}

/// Who is what by a registration, by the numbers of the machines: plain numbers, for those who ask often.
struct RegisteredRoles {
    let leaderEpoch: LeaderEpoch
    let leader: Int?
    /// Who is in ISR or ELR, a bit for each.
    private var electable: UInt64 = 0

    init(_ registration: PartitionRegistration) {
        leaderEpoch = registration.leaderEpoch
        leader = registration.leader.map { Int($0.value) }
        for id in registration.isr + registration.eligibleLeaderReplicas { electable |= 1 << UInt64(id.value) }
    }

    func isElectable(_ number: Int) -> Bool { electable & 1 << UInt64(number) != 0 }
}

/// One partition of the cluster as it is.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class PartitionTruth: @unchecked Sendable {
    let id: TopicPartitionID
    let topicName: String
    /// As the newest metadata that any node applied has it; nil once it is deleted.
    var registration: PartitionRegistration? { didSet { roles = registration.map(RegisteredRoles.init) } }
    /// What the rules ask of that after each event.
    private(set) var roles: RegisteredRoles?
    var committed = CommittedLog()
    private(set) var replicas = ReplicasByMachine()
    /// The machines that have, or had, a replica.
    private(set) var numbers: [Int] = []
    /// What they have, in order of their numbers.
    private(set) var all: [ReplicaTruth] = []
    /// The end that consumers were told last.
    var shownEnd = Offset.zero
    /// The leader epoch that an unclean election began; nil where there was none. Who leads in an earlier one commits
    /// nothing, and who is not in sync with the leader may still have what was lost.
    private(set) var uncleanEpoch: LeaderEpoch?

    init(id: TopicPartitionID, topicName: String) {
        self.id = id
        self.topicName = topicName
    }

    var name: String { "\(topicName)-\(id.index)" }

    /// One outside of ISR and ELR leads, as an operator wanted: what its disk lacks is lost, as may be what is being
    /// written there.
    func ledUnclean(by disk: DiskLog, below logEnd: Offset?, in epoch: LeaderEpoch) {
        uncleanEpoch = epoch
        committed.cut(to: disk, below: logEnd)
        shownEnd = min(shownEnd, committed.end)
        for number in numbers {
            guard let replica = replicas[number] else { continue }
            replica.verifiedEnd = min(replica.verifiedEnd, committed.end)
        }
    }

    /// Whether what a replica has must be what is committed, as far as it goes.
    func isBound(_ witness: ReplicaWitness, of node: Int) -> Bool {
        guard let uncleanEpoch else { return true }
        return witness.leaderEpoch >= uncleanEpoch && registration?.isr.contains(BrokerID(Int32(node))) == true
    }

    /// A machine has a replica, new or in another place.
    func put(_ replica: ReplicaTruth) {
        replicas.put(replica)
        numbers = replicas.numbers
        all = numbers.compactMap { replicas[$0] }
    }

    /// Compares a replica with what is committed, as far as `limit`.
    func verify(_ replica: ReplicaTruth, below limit: Offset) -> String? {
        let verifiedEnd = replica.verifiedEnd
        // What is rotten is not served: that is judged where it would arrive.
        guard verifiedEnd < limit, replica.rot == nil else { return nil }
        let from = max(verifiedEnd, replica.start)
        guard from < limit else { return nil }
        if let reason = committed.difference(to: replica.disk, from: from, below: limit) { return reason }
        replica.verifiedEnd = max(replica.verifiedEnd, limit)
        return nil
    }
}
