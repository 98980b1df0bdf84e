package import Primitives

/// Names what the shell holds ready to be appended until the core gives it a place.
package struct AppendTicket: NumberOfAKind {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
}

/// All that can happen to a replica of the metadata log.
package enum QuorumInput: Hashable, Sendable {
    /// The first input: the replica takes up what its files say.
    case started
    /// Time passed.
    case tick
    case asked(RequestToken, QuorumRequest)
    /// Nobody waits for this answer any more.
    case askerLeft(RequestToken)
    case replied(RequestID, QuorumReply)
    case failed(RequestID, RequestFailure)
    /// A probe of the leader's address was refused after its connection had closed: its process is gone.
    case leaderRefused(BrokerID)
    /// A replica has shown of which make it is.
    case makeShown(BrokerID, isMartlet: Bool)
    /// The leader's owner wants `recordCount` records appended as one batch, if this replica still leads `epoch`.
    case append(AppendTicket, recordCount: Int64, expecting: LeaderEpoch)
    case flushed(FlushTicket)
    /// A snapshot of committed state was written here.
    case snapshotTaken(SnapshotID)
    /// The snapshot of the last `installSnapshot` says this of the voters.
    case snapshotInstalled(SnapshotID, SnapshotVoters)
    /// The log's entries below the snapshot's end are gone.
    case prefixDropped(SnapshotID)
    /// The owner of an epoch's leadership gives it up.
    case resign(LeaderEpoch)
    /// The node is to end in order: a leader hands over.
    case shutDown
}
