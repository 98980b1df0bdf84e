import BrokerServer
import Primitives

/// The metadata quorum as it is, and what its replicas believe.
struct MetadataLogTruth {
    let directory = "\(SimulatedMachine.metadataDirectory)/__cluster_metadata-0"
    /// Who votes as long as no log says otherwise.
    let founders: [VoterName]
    var disks: [DiskLog]
    var witnesses: [QuorumWitness?]
    /// The ids of the machines' metadata directories, where voters are named with them.
    var directories: [DirectoryID?]
    private(set) var committed = CommittedLog()
    var voters: CommittedVoters
    private var verifiedEnds: [Offset]
    /// Who leads an epoch, as anybody believed.
    private(set) var leaders: [LeaderEpoch: BrokerID] = [:]
    private(set) var votes: [Vote: Ballot] = [:]
    private var epochs: [LeaderEpoch]

    struct Vote: Hashable {
        let voter: Int
        let epoch: LeaderEpoch
    }

    struct Ballot: Hashable {
        let candidate: BrokerID
        /// The voter, with the directory that it had.
        let voter: VoterName
    }

    init(founders: [VoterName], machines: Int) {
        self.founders = founders
        isDynamic = founders.contains { $0.directory != .zero }
        let directory = "\(SimulatedMachine.metadataDirectory)/__cluster_metadata-0"
        disks = (0..<machines).map { _ in DiskLog(directory: directory) }
        witnesses = Array(repeating: nil, count: machines)
        directories = Array(repeating: nil, count: machines)
        verifiedEnds = Array(repeating: .zero, count: machines)
        epochs = Array(repeating: .zero, count: machines)
        voters = CommittedVoters(founders: founders, machines: machines)
    }

    /// Whether voters are named with their directories.
    let isDynamic: Bool

    /// A machine's disk is a new one: what it voted and knew is forgotten, and may not be held against it. Where voters
    /// are named with their directories it has no vote any more, and may not vote for another in an epoch either.
    mutating func wiped(_ number: Int) {
        epochs[number - 1] = .zero
        verifiedEnds[number - 1] = .zero
        if !isDynamic { votes = votes.filter { $0.key.voter != number } }
    }

    /// Whether any disk has something that is not known to be committed.
    mutating func hasUncommitted(_ machines: [SimulatedMachine]) -> Bool {
        refresh(machines)
        return disks.contains { ($0.end ?? .zero) > committed.end }
    }

    mutating func refresh(_ machines: [SimulatedMachine]) { for machine in machines { refresh(machine) } }

    /// Reads what is new on a disk.
    private mutating func refresh(_ machine: SimulatedMachine) {
        let index = machine.number - 1
        guard disks[index].needsRefresh else { return }
        if let changed = disks[index].refresh(machine.files) {
            verifiedEnds[index] = min(verifiedEnds[index], changed)
        }
        voters.note(disks[index], of: machine.number)
    }

    /// Whether a disk has what was not read yet.
    func needsRefresh(_ number: Int) -> Bool { disks[number - 1].needsRefresh }

    /// Looks at a replica after an event of its node; gives the rule that is broken.
    mutating func observe(_ witness: QuorumWitness, _ machine: SimulatedMachine) -> String? {
        let index = machine.number - 1
        let isWritten = disks[index].needsRefresh
        guard isWritten || witnesses[index] != witness else { return nil }
        let wasLeading = witnesses[index].map { $0.isLeader && $0.epoch == witness.epoch } ?? false
        // One that took its own vote away commits that and resigns in one step.
        let commits = witness.isLeader || wasLeading
        witnesses[index] = witness
        refresh(machine)
        defer { voters.settle(machine.number) }
        if let reason = epochRules(witness, machine.number) { return reason }
        if witness.isLeader, !wasLeading, let reason = electionRule(witness, machine.number) { return reason }
        if let reason = logRules(witness, machine.number, commits: commits, now: machine.now) { return reason }
        return isDynamic ? voterRules(witness, machine.number, now: machine.now) : nil
    }

    /// Epochs do not go back, a voter votes once in each, and each has one leader.
    private mutating func epochRules(_ witness: QuorumWitness, _ number: Int) -> String? {
        guard witness.epoch >= epochs[number - 1] else {
            return "quorum: node \(number) went back from epoch \(epochs[number - 1]) to \(witness.epoch)"
        }
        epochs[number - 1] = witness.epoch
        if let vote = witness.votedFor {
            let key = Vote(voter: number, epoch: witness.epoch)
            if let former = votes[key]?.candidate, former != vote {
                return "quorum: node \(number) voted for \(former) and for \(vote) in epoch \(witness.epoch)"
            }
            if votes[key] == nil { votes[key] = Ballot(candidate: vote, voter: name(of: number)) }
        }
        let leader = witness.isLeader ? BrokerID(Int32(number)) : witness.leader
        if let leader, let former = leaders.updateValue(leader, forKey: witness.epoch), former != leader {
            return "quorum: epoch \(witness.epoch) has the leaders \(former) and \(leader)"
        }
        return nil
    }

    /// What is committed stays, everywhere, and a majority has it.
    private mutating func logRules(
        _ witness: QuorumWitness, _ number: Int, commits: Bool, now: MonotonicInstant
    ) -> String? {
        guard let watermark = witness.highWatermark else { return nil }
        let index = number - 1
        if commits, watermark > committed.end {
            let before = committed.end
            if let reason = committed.extend(from: disks[index], to: watermark) {
                return "quorum: leader \(number): \(reason)"
            }
            if let reason = voters.extend(from: disks[index], before, to: committed.end, at: now) { return reason }
            if let reason = majorityRule(number) { return reason }
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

    /// What is committed lies with a majority of those who vote by the leader's own log.
    private func majorityRule(_ leader: Int) -> String? {
        let sets = voters.inForce(leader)
        let isHeld = sets.contains { set in
            let holders = set.filter { !isGone($0) && hasLast($0.number) }
            // Who was replaced since had it, and counts again only once it has caught up.
            return !holders.isEmpty && holders.count + set.count(where: isGone) > set.count / 2
        }
        if isHeld { return nil }
        let holders = disks.indices.map { $0 + 1 }.filter(hasLast)
        return "quorum: \(committed.end) is committed, but only \(holders) have it, of the voters \(sets)"
    }

    private func hasLast(_ number: Int) -> Bool {
        let disk = disks[number - 1]
        guard let end = disk.end, end >= committed.end, let last = committed.batches.last else { return false }
        let index = disk.index(behind: last.base)
        return index < disk.batches.count && disk.batches[index] == last
    }
}
