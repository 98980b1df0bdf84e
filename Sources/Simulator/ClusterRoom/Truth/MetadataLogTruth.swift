import BrokerServer
import Primitives

/// The metadata quorum as it is, and what its replicas believe.
struct MetadataLogTruth {
    let directory = "\(SimulatedMachine.metadataDirectory)/__cluster_metadata-0"
    /// The numbers of the voters.
    let voters: [Int]
    var disks: [DiskLog]
    var witnesses: [QuorumWitness?]
    private(set) var committed = CommittedLog()
    private var verifiedEnds: [Offset]
    /// Who leads an epoch, as anybody believed.
    private var leaders: [LeaderEpoch: BrokerID] = [:]
    private var votes: [Vote: BrokerID] = [:]
    private var epochs: [LeaderEpoch]
    private var leaderWatermark = Offset.zero

    private struct Vote: Hashable {
        let voter: Int
        let epoch: LeaderEpoch
    }

    init(voters: [Int], machines: Int) {
        self.voters = voters
        let directory = "\(SimulatedMachine.metadataDirectory)/__cluster_metadata-0"
        disks = (0..<machines).map { _ in DiskLog(directory: directory) }
        witnesses = Array(repeating: nil, count: machines)
        verifiedEnds = Array(repeating: .zero, count: machines)
        epochs = Array(repeating: .zero, count: machines)
    }

    /// A machine's disk is a new one: what it voted and knew is forgotten, and may not be held against it.
    mutating func wiped(_ number: Int) {
        epochs[number - 1] = .zero
        verifiedEnds[number - 1] = .zero
        votes = votes.filter { $0.key.voter != number }
    }

    /// How many epochs had a leader.
    var ledEpochs: Int { leaders.count }

    /// Whether any disk has something that is not known to be committed.
    mutating func hasUncommitted(_ machines: [SimulatedMachine]) -> Bool {
        for machine in machines {
            let index = machine.number - 1
            if let changed = disks[index].refresh(machine.files) {
                verifiedEnds[index] = min(verifiedEnds[index], changed)
            }
        }
        return disks.contains { ($0.end ?? .zero) > committed.end }
    }

    /// Looks at a replica after an event of its node; gives the rule that is broken.
    mutating func observe(_ witness: QuorumWitness, _ machine: SimulatedMachine) -> String? {
        let index = machine.number - 1
        let isWritten = disks[index].needsRefresh
        guard isWritten || witnesses[index] != witness else { return nil }
        witnesses[index] = witness
        if isWritten, let changed = disks[index].refresh(machine.files) {
            verifiedEnds[index] = min(verifiedEnds[index], changed)
        }
        return epochRules(witness, machine.number) ?? logRules(witness, machine.number)
    }

    /// Epochs do not go back, a voter votes once in each, and each has one leader.
    private mutating func epochRules(_ witness: QuorumWitness, _ number: Int) -> String? {
        guard witness.epoch >= epochs[number - 1] else {
            return "quorum: node \(number) went back from epoch \(epochs[number - 1]) to \(witness.epoch)"
        }
        epochs[number - 1] = witness.epoch
        if let vote = witness.votedFor {
            let key = Vote(voter: number, epoch: witness.epoch)
            if let former = votes.updateValue(vote, forKey: key), former != vote {
                return "quorum: node \(number) voted for \(former) and for \(vote) in epoch \(witness.epoch)"
            }
        }
        let leader = witness.isLeader ? BrokerID(Int32(number)) : witness.leader
        if let leader, let former = leaders.updateValue(leader, forKey: witness.epoch), former != leader {
            return "quorum: epoch \(witness.epoch) has the leaders \(former) and \(leader)"
        }
        return nil
    }

    /// What is committed stays, everywhere, and a majority has it.
    private mutating func logRules(_ witness: QuorumWitness, _ number: Int) -> String? {
        guard let watermark = witness.highWatermark else { return nil }
        let index = number - 1
        if witness.isLeader, watermark > committed.end {
            if let reason = committed.extend(from: disks[index], to: watermark) {
                return "quorum: leader \(number): \(reason)"
            }
            if let reason = majorityRule() { return reason }
        }
        let start = disks[index].batches.first?.base ?? witness.logStart
        let from = max(verifiedEnds[index], start)
        let limit = min(watermark, committed.end)
        guard from < limit else { return nil }
        if let reason = committed.difference(to: disks[index], from: from, below: limit) {
            return "quorum: node \(number) below its high watermark \(watermark): \(reason)"
        }
        verifiedEnds[index] = limit
        return nil
    }

    private func majorityRule() -> String? {
        let holders = voters.filter { number in
            let disk = disks[number - 1]
            guard let end = disk.end, end >= committed.end, let last = committed.batches.last else { return false }
            let index = disk.index(behind: last.base)
            return index < disk.batches.count && disk.batches[index] == last
        }
        if holders.count > voters.count / 2 { return nil }
        return "quorum: \(committed.end) is committed, but only \(holders) of the voters \(voters) have it"
    }
}
