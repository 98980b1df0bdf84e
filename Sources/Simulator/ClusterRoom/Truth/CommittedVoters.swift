import Primitives

/// Who votes in the metadata quorum: by what is committed, and by each machine's own log, as read from the disks.
struct CommittedVoters {
    private let founders: [VoterName]
    /// The sets that were committed, in order, with the founders first.
    private(set) var sets: [[VoterName]]
    /// The sets by the machines' own logs, as they are and as they were before their last event.
    private var present: [[VoterName]]
    private var before: [[VoterName]]
    /// What was committed when, for so long as an added voter may be behind.
    private var ends: [(at: MonotonicInstant, end: Offset)] = []

    /// A voter is added when it had all that there was so long ago (`controller.quorum.fetch.timeout.ms`).
    private static let behindMilliseconds: Int64 = 600

    init(founders: [VoterName], machines: Int) {
        self.founders = founders
        sets = [founders]
        present = Array(repeating: founders, count: machines)
        before = present
    }

    /// The newest committed set.
    var newest: [VoterName] { sets[sets.count - 1] }

    /// Those who count for a machine in the event that it has just had: a leader may commit and begin a change at once.
    func inForce(_ number: Int) -> [[VoterName]] {
        present[number - 1] == before[number - 1] ? [present[number - 1]] : [present[number - 1], before[number - 1]]
    }

    /// A log changed.
    mutating func note(_ disk: DiskLog, of number: Int) { present[number - 1] = disk.voters.newest ?? founders }

    /// The event is over.
    mutating func settle(_ number: Int) {
        if before[number - 1] != present[number - 1] { before[number - 1] = present[number - 1] }
    }

    /// More of a leader's log is committed. From one set of voters to the next one comes at most, or one goes.
    mutating func extend(
        from disk: DiskLog, _ start: Offset, to end: Offset, at now: MonotonicInstant
    ) -> String? {
        ends.append((now, end))
        while ends.count > 1, now.milliseconds(since: ends[1].at) > CommittedVoters.behindMilliseconds {
            ends.removeFirst()
        }
        for record in disk.voters.records where record.base >= start && record.base < end {
            let (old, new) = (Set(newest), Set(record.voters))
            if new.isEmpty { return "quorum: the last voter was removed" }
            if old.symmetricDifference(new).count > 1 {
                return "quorum: the voters went from \(newest) to \(record.voters) at once"
            }
            // A voter that tells where it listens is the same one.
            if newest != record.voters { sets.append(record.voters) }
        }
        return nil
    }

    /// What was committed so long ago that a voter that is added now has to have it.
    func endOfWhoIsAdded(at now: MonotonicInstant) -> Offset {
        ends.last { now.milliseconds(since: $0.at) > CommittedVoters.behindMilliseconds }?.end ?? .zero
    }
}
