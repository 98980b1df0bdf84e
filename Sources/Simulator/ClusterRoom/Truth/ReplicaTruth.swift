import BrokerServer
import Metadata
import Primitives

/// One replica as it is, beside what it believes.
struct ReplicaTruth {
    /// The number of its machine.
    let node: Int
    /// What its disk has.
    var disk: DiskLog
    /// What the present process believes; nil while it has not opened the log, or there is no process.
    var witness: ReplicaWitness?
    /// Up to here its disk was compared with what is committed.
    var verifiedEnd = Offset.zero

    /// Where its log begins.
    var start: Offset { witness?.logStart ?? disk.batches.first?.base ?? .zero }
}

/// One partition of the cluster as it is.
struct PartitionTruth {
    let id: TopicPartitionID
    let topicName: String
    /// As the newest metadata that any node applied has it; nil once it is deleted.
    var registration: PartitionRegistration?
    var committed = CommittedLog()
    /// By the number of the machine.
    var replicas: [Int: ReplicaTruth] = [:]
    /// The machines that have, or had, a replica.
    private(set) var numbers: [Int] = []
    /// The end that consumers were told last.
    var shownEnd = Offset.zero

    var name: String { "\(topicName)-\(id.index)" }

    /// A machine has a replica, new or in another place.
    mutating func put(_ replica: ReplicaTruth) {
        replicas[replica.node] = replica
        numbers = replicas.keys.sorted()
    }

    /// Compares a replica with what is committed, as far as `limit`.
    mutating func verify(_ node: Int, below limit: Offset) -> String? {
        guard var replica = replicas[node] else { return nil }
        let from = max(replica.verifiedEnd, replica.start)
        guard from < limit else { return nil }
        if let reason = committed.difference(to: replica.disk, from: from, below: limit) { return reason }
        replica.verifiedEnd = max(replica.verifiedEnd, limit)
        replicas[node] = replica
        return nil
    }
}
