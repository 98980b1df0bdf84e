import Primitives
import Synchronization

/// Who owns which partition of a group when, as its members know it, and what they have committed.
final class OwnershipLog: Sendable {
    /// A partition in one member's hands.
    private struct Claim {
        let member: Int
        let partition: Int32
        let epoch: Int32
        let from: MonotonicInstant
        /// Nil as long as it lasts.
        var until: MonotonicInstant?
    }

    private struct State {
        var claims: [Claim] = []
        var problems: [String] = []
        /// Partition → the greatest position whose commit was acknowledged, and when the last one was.
        var acknowledged: [Int32: (position: Int64, at: MonotonicInstant)] = [:]
        var commits = 0
    }

    private let name: String
    private let state = Mutex(State())

    init(name: String) { self.name = name }

    /// A member has been told that it owns a partition.
    func gained(_ partition: Int32, member: Int, epoch: Int32, at now: MonotonicInstant) {
        state.withLock {
            $0.claims.append(Claim(member: member, partition: partition, epoch: epoch, from: now))
        }
    }

    /// A member lets go of a partition; or learns that it was taken for dead, at some time after `now`.
    func ended(_ partition: Int32, member: Int, at now: MonotonicInstant) {
        state.withLock { state in
            let last = state.claims.lastIndex {
                $0.member == member && $0.partition == partition && $0.until == nil
            }
            if let last { state.claims[last].until = max(now, state.claims[last].from) }
        }
    }

    /// The greatest position of a partition whose commit is acknowledged; nil where none is.
    func acknowledged(_ partition: Int32) -> Int64? { state.withLock { $0.acknowledged[partition]?.position } }

    /// What the coordinator says is committed, asked after `known` had been acknowledged.
    func found(_ partition: Int32, position: Int64?, known: Int64?) {
        guard let known, position ?? -1 < known else { return }
        state.withLock { state in
            state.problems.append(
                "\(name): partition \(partition) was committed at \(known) and stands at "
                    + (position.map(String.init) ?? "nothing"))
        }
    }

    /// A commit that was sent at `asked` is acknowledged.
    func committed(
        _ partition: Int32, _ position: Int64, member: Int, asked: MonotonicInstant, answered: MonotonicInstant
    ) {
        state.withLock { state in
            state.commits += 1
            let before = state.acknowledged[partition]?.position ?? -1
            state.acknowledged[partition] = (max(before, position), answered)
            // Another one had been told that it owns it before this one asked.
            let newer = state.claims.last { $0.partition == partition && $0.from <= asked }
            if let newer, newer.member != member {
                state.problems.append(
                    "\(name): a commit of member \(member) for partition \(partition) was taken, which is member "
                        + "\(newer.member)'s")
            }
        }
    }

    /// Whether every one of these partitions has one owner, and was committed since.
    func isAtWork(_ partitions: Range<Int32>, since start: MonotonicInstant) -> Bool {
        state.withLock { state in
            partitions.allSatisfy { partition in
                state.claims.count { $0.partition == partition && $0.until == nil } == 1
                    && state.acknowledged[partition].map { $0.at >= start } ?? false
            }
        }
    }

    /// Claims and acknowledged commits so far.
    var counts: (claims: Int, commits: Int) { state.withLock { ($0.claims.count, $0.commits) } }

    /// What should not have been: a partition with two owners at once, or in one generation; positions that went back.
    ///
    /// - Parameter isByGeneration: whether an epoch is that of the whole group.
    func problems(isByGeneration: Bool) -> [String] {
        state.withLock { state in
            var found = state.problems
            let byPartition = Dictionary(grouping: state.claims, by: \.partition).sorted { $0.key < $1.key }
            for (_, claims) in byPartition {
                for (index, earlier) in claims.enumerated() {
                    for later in claims[(index + 1)...] where later.member != earlier.member {
                        found += contradictions(earlier, later, isByGeneration: isByGeneration)
                    }
                }
            }
            return found
        }
    }

    private func contradictions(_ earlier: Claim, _ later: Claim, isByGeneration: Bool) -> [String] {
        let owners =
            "\(name): partition \(earlier.partition) is member \(earlier.member)'s (epoch \(earlier.epoch)) and member "
            + "\(later.member)'s (epoch \(later.epoch))"
        var found: [String] = []
        if earlier.until.map({ $0 > later.from }) ?? true { found.append(owners + " at once") }
        if isByGeneration, later.epoch == earlier.epoch { found.append(owners + " in one generation") }
        return found
    }
}
