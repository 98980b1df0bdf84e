package import Primitives

/// What one control record of the metadata log changes about the quorum.
package struct QuorumChange: Hashable, Sendable {
    /// What is new.
    package enum Content: Hashable, Sendable {
        case voters(VoterSet)
        case kraftVersion(Int16)
    }

    /// Where the record lies.
    package let offset: Offset
    package let content: Content

    package init(offset: Offset, _ content: Content) {
        self.offset = offset
        self.content = content
    }
}

/// What a snapshot says of the quorum.
package struct SnapshotVoters: Hashable, Sendable {
    /// Nil where it is of a quorum with static voters.
    package let voters: VoterSet?
    package let kraftVersion: Int16

    package init(voters: VoterSet? = nil, kraftVersion: Int16 = 0) {
        self.voters = voters
        self.kraftVersion = kraftVersion
    }
}

/// Who votes at each place of the log: what the newest record says counts from the moment it is in the log, committed
/// or not, and no longer than it is there (Raft's membership changes, KIP-853).
///
/// - Invariant: offsets ascend.
package struct VoterHistory: Hashable, Sendable {
    private struct Fact<Value: Hashable & Sendable>: Hashable, Sendable {
        let offset: Offset
        let value: Value
    }

    /// The static voters of the configuration; they count as long as neither log nor formatting names any.
    package let configured: VoterSet
    /// The voters that the node was formatted with; its first leader writes them to the log.
    package let founding: VoterSet?
    private var voterFacts: [Fact<VoterSet>] = []
    private var versionFacts: [Fact<Int16>] = []

    package init(configured: VoterSet, founding: VoterSet? = nil) {
        self.configured = configured
        self.founding = founding
    }

    /// Those who vote now.
    package var voters: VoterSet { voterFacts.last?.value ?? founding ?? configured }

    /// Those who voted before the newest record; the same where there is no record, or none before it is known.
    package var formerVoters: VoterSet {
        voterFacts.count > 1 ? voterFacts[voterFacts.count - 2].value : founding ?? configured
    }

    /// The level of the feature `kraft.version`: 1 where the voters stand in the log.
    package var kraftVersion: Int16 { versionFacts.last?.value ?? (founding == nil ? 0 : 1) }

    /// Where the voters stand in the log; nil where they do not.
    package var votersOffset: Offset? { voterFacts.last?.offset }

    /// Whether the voters are those of the formatting, which are in no log yet.
    package var isFounding: Bool { voterFacts.isEmpty && founding != nil }

    /// Whether voters are replaced by changing the log, and told apart by their directories.
    package var isDynamic: Bool { kraftVersion >= 1 }

    /// Takes a change in that lies behind all others.
    package mutating func append(_ change: QuorumChange) {
        switch change.content {
        case .voters(let set): voterFacts.append(Fact(offset: change.offset, value: set))
        case .kraftVersion(let level): versionFacts.append(Fact(offset: change.offset, value: level))
        }
    }

    /// Forgets what the log lost.
    package mutating func truncate(to end: Offset) {
        voterFacts.removeAll { $0.offset >= end }
        versionFacts.removeAll { $0.offset >= end }
    }

    /// Begins with what a snapshot says, which stands for all below `end`.
    package mutating func reset(to snapshot: SnapshotVoters, end: Offset) {
        let last = Offset(max(end.value - 1, 0))
        voterFacts = snapshot.voters.map { [Fact(offset: last, value: $0)] } ?? []
        versionFacts = snapshot.kraftVersion > 0 ? [Fact(offset: last, value: snapshot.kraftVersion)] : []
    }

    /// What a snapshot of everything below `end` has to say.
    package func snapshot(below end: Offset) -> SnapshotVoters {
        SnapshotVoters(
            voters: voterFacts.last { $0.offset < end }?.value,
            kraftVersion: versionFacts.last { $0.offset < end }?.value ?? 0)
    }

    /// Forgets what no snapshot at or after `start` needs.
    package mutating func dropPrefix(before start: Offset) {
        voterFacts.removeFirst(voterFacts.lastIndex { $0.offset < start } ?? 0)
        versionFacts.removeFirst(versionFacts.lastIndex { $0.offset < start } ?? 0)
    }
}
