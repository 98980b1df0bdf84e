import BrokerServer
import Primitives

/// The rules of voters that come and go (KIP-853), by what lies on the disks.
extension MetadataLogTruth {
    /// A machine as a voter; without a directory where voters are static.
    func name(of number: Int) -> VoterName {
        VoterName(number: number, directory: isDynamic ? directories[number - 1] ?? .zero : .zero)
    }

    /// Whether the directory that has the vote exists no more.
    func isGone(_ voter: VoterName) -> Bool {
        voter.directory != .zero && directories[voter.number - 1] != voter.directory
    }

    /// Who leads has a vote, or had one until the newest record took it, and was voted for by a majority of the voters
    /// by its own log.
    func electionRule(_ witness: QuorumWitness, _ number: Int) -> String? {
        guard isDynamic else { return nil }
        let me = name(of: number)
        let log = disks[number - 1].voters
        guard ([log.newest ?? founders, log.former ?? founders].contains { $0.contains(me) }) else {
            return "quorum: node \(me) leads epoch \(witness.epoch) without a vote"
        }
        let isElected = voters.inForce(number).contains { set in
            set.count { voter in
                let ballot = votes[Vote(voter: voter.number, epoch: witness.epoch)]
                return ballot?.voter == voter && ballot?.candidate.value == Int32(number)
            } > set.count / 2
        }
        if isElected { return nil }
        return "quorum: node \(number) leads epoch \(witness.epoch) without the votes of a majority"
    }

    /// A log has one change that is not committed, of one voter, and who is added had caught up.
    func voterRules(_ witness: QuorumWitness, _ number: Int, now: MonotonicInstant) -> String? {
        let log = disks[number - 1].voters
        let open = log.uncommitted(from: committed.end)
        guard open.count <= 1 else {
            return "quorum: node \(number) has changes of the voters at \(open.map(\.base)), and none is committed"
        }
        let isLatest = !leaders.keys.contains { $0 > witness.epoch }
        guard witness.isLeader, isLatest, let record = open.last, let former = log.former else { return nil }
        let come = Set(record.voters).subtracting(former)
        let gone = Set(former).subtracting(record.voters)
        if come.count + gone.count > 1 { return "quorum: leader \(number) goes from \(former) to \(record.voters)" }
        guard let added = come.first, !isGone(added) else { return nil }
        let end = disks[added.number - 1].end ?? .zero
        let needed = voters.endOfWhoIsAdded(at: now)
        return end >= needed ? nil : "quorum: leader \(number) adds \(added), which ends at \(end) of \(needed)"
    }

    // MARK: what may be lost

    /// A change that an operator asked for, and that may be made yet.
    enum Wish: Hashable, Sendable {
        case remove(VoterName)
        case add(VoterName)

        var isAddition: Bool { if case .add = self { true } else { false } }

        func isMade(in set: [VoterName]) -> Bool {
            switch self {
            case .remove(let voter): !set.contains(voter)
            case .add(let voter): set.contains(voter)
            }
        }

        /// The set with the change.
        func made(to set: [VoterName]) -> [VoterName] {
            switch self {
            case .remove(let voter): set.filter { $0 != voter }
            case .add(let voter): set.contains { $0.number == voter.number } ? set : set + [voter]
            }
        }
    }

    /// The voters whose directories exist no more, by what is committed.
    var lost: [VoterName] { voters.newest.filter(isGone) }

    /// Whether a majority is left, whatever of the changes that are not committed, or not even written, is made.
    func survives(_ wishes: [Wish], losing number: Int? = nil) -> Bool {
        var sets = Set([voters.newest])
        for disk in disks { sets.formUnion(disk.voters.uncommitted(from: committed.end).map(\.voters)) }
        for wish in wishes { sets.formUnion(sets.map { wish.made(to: $0).sorted() }) }
        return sets.allSatisfy { set in
            set.count { !isGone($0) && $0.number != number } > set.count / 2
        }
    }

    /// Whether the disk of a voter may be lost: all others that vote are there, and have all that is committed.
    func mayLose(_ number: Int, _ wishes: [Wish]) -> Bool {
        let others = voters.newest.filter { $0.number != number }
        return others.allSatisfy { !isGone($0) && disks[$0.number - 1].end ?? .zero >= committed.end }
            && survives(wishes, losing: number)
    }
}
