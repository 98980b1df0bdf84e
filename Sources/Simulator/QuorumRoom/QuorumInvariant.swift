package import Primitives
package import Quorum

/// What is true of a simulated quorum, whatever its nodes believe.
package struct QuorumTruth: Sendable {
    package internal(set) var nodes: [QuorumNode]
    /// Every record that any node ever called committed, by offset.
    package internal(set) var committed: [QuorumEntry] = []
    /// What was acknowledged to a client, in order of the acknowledgements.
    package internal(set) var acknowledged: [(offset: Int, value: UInt64)] = []
    /// Who led which epoch.
    package internal(set) var leaders: [LeaderEpoch: BrokerID] = [:]

    /// The sets of voters among what is committed, in order; the founders first.
    package internal(set) var committedVoters: [VoterSet]
    package internal(set) var now = MonotonicInstant(0)
    /// Whether voters are named with their directories and change in the run.
    package let isDynamic: Bool
}

/// A rule that holds after every event (reliability 2.1, controller quorum). Each stands in a file of its own.
package protocol QuorumInvariant: Sendable {
    /// Says what is wrong after an event at `node`; nil when nothing is. The other nodes are as they were.
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String?
}

/// All of them.
struct QuorumInvariants: Sendable {
    private var all: [any QuorumInvariant] = [
        OneLeaderPerEpoch(), EpochNeverDecreases(), OneVotePerEpoch(), MemoryIsDisk(), CommittedNeverChanges(),
        LeaderHighWatermarkNeverDecreases(), LeaderHasAllCommitted(), CommittedByMajority(),
        MajorityHasCommitted(), AcknowledgedIsCommitted(), LogStartIsSnapshotEnd(), OneVoterAtATime(),
        OneOpenChange(), AddedHaveCaughtUp(), VotersAreTheLogs(), OnlyVotersAreVotedFor(),
    ]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        for index in all.indices {
            if let reason = all[index].violation(in: truth, at: node) { return reason }
        }
        return nil
    }
}
