package import Primitives
package import Quorum

/// The metadata log as the controller and the publisher of metadata see it: an ordered list of committed record
/// batches, written by the one active controller.
///
/// Every call is made on the control loop.
package protocol MetadataLog: AnyObject, Sendable {
    /// Appends `records` (each the value of one record: frame version, type, version, fields) as one atomic batch.
    ///
    /// - Parameter epoch: the epoch the caller believes to lead; the append is refused when it is over.
    /// - Returns: the offset of the last record; it is committed when `MetadataLogListener.committed` has passed it.
    ///   Nil when this node does not lead in `epoch` any more, or has lost its quorum; nothing was written then.
    func append(_ records: [Bytes], expecting epoch: LeaderEpoch) -> Offset?

    /// Gives up leadership of `epoch`, when the controller cannot go on; nothing happens when it is over already.
    func resign(_ epoch: LeaderEpoch)

    /// Who hears of commits and leadership. Set once, before `start`.
    func listen(_ listener: any MetadataLogListener)

    /// The node that leads the quorum as far as this node knows, and the epoch it is in.
    var leader: QuorumLeader { get }

    /// Whether this node leads without having heard a majority for so long that another may lead by now: it was held
    /// up, and is about to give up.
    var hasLostQuorum: Bool { get }

    /// The exclusive end of what is known to be committed; nil until a leader told.
    var highWatermark: Offset? { get }

    /// The exclusive end of this node's own copy of the log.
    var logEndOffset: Offset { get }
}

/// Who leads the metadata quorum; there may be nobody in an epoch.
package struct QuorumLeader: Hashable, Sendable {
    package let id: BrokerID?
    package let epoch: LeaderEpoch

    package init(id: BrokerID?, epoch: LeaderEpoch) {
        self.id = id
        self.epoch = epoch
    }
}

/// One committed batch of metadata records: applied whole or not at all.
package struct CommittedBatch: Hashable, Sendable {
    /// The offset of the first record; record `i` has offset `baseOffset + i`.
    package let baseOffset: Offset
    package let epoch: LeaderEpoch
    package let appendedAt: Timestamp
    /// The values of the records, in order. Empty for a control batch, which still fills its offsets.
    package let records: [Bytes]
    /// The exclusive end of the offsets the batch fills.
    package let endOffset: Offset

    package init(baseOffset: Offset, endOffset: Offset, epoch: LeaderEpoch, appendedAt: Timestamp, records: [Bytes]) {
        self.baseOffset = baseOffset
        self.endOffset = endOffset
        self.epoch = epoch
        self.appendedAt = appendedAt
        self.records = records
    }
}

/// A whole snapshot of the metadata: it replaces all that was applied before.
package struct LoadedSnapshot: Hashable, Sendable {
    /// The exclusive end of the log that the snapshot stands for.
    package let endOffset: Offset
    /// The epoch of the last record in it.
    package let epoch: LeaderEpoch
    /// When the last record in it was appended.
    package let lastContainedLogTimestamp: Timestamp
    /// The values of its records, in order.
    package let records: [Bytes]
    /// Who voted at its end.
    package let voters: SnapshotVoters

    package init(
        endOffset: Offset, epoch: LeaderEpoch, lastContainedLogTimestamp: Timestamp, records: [Bytes],
        voters: SnapshotVoters = SnapshotVoters()
    ) {
        self.endOffset = endOffset
        self.epoch = epoch
        self.lastContainedLogTimestamp = lastContainedLogTimestamp
        self.records = records
        self.voters = voters
    }
}

/// Who follows the metadata log. All calls come on the control loop, in log order.
package protocol MetadataLogListener: AnyObject, Sendable {
    /// Batches became committed; they follow without a gap on what was told before, and are one at least. There may be
    /// more that is committed: it is told piece by piece.
    func committed(_ batches: [CommittedBatch])

    /// A snapshot was loaded at start, or fetched because the log before it is gone at the leader. Drop what was
    /// applied and apply this. Never called on the active controller.
    func snapshotLoaded(_ snapshot: LoadedSnapshot)

    /// This node leads the quorum in `epoch`. It must not decide anything before what is committed reaches past
    /// `startOffset`, the offset of its own leader-change record (reliability rules 9d and 19).
    func becameLeader(epoch: LeaderEpoch, startOffset: Offset)

    /// Leadership of `epoch` is over: what was appended in it may or may not commit.
    func lostLeadership(epoch: LeaderEpoch)

    /// The known leader or the epoch changed, on any node.
    func leaderChanged(_ leader: QuorumLeader)

    /// Asks for the metadata at exactly the committed end that was last told, as records; nil to put it off.
    func snapshotRecords() -> [Bytes]?
}

/// A listener for nodes or tests that need none of it.
package final class SilentMetadataLogListener: MetadataLogListener {
    package init() {}
    package func committed(_ batches: [CommittedBatch]) {}
    package func snapshotLoaded(_ snapshot: LoadedSnapshot) {}
    package func becameLeader(epoch: LeaderEpoch, startOffset: Offset) {}
    package func lostLeadership(epoch: LeaderEpoch) {}
    package func leaderChanged(_ leader: QuorumLeader) {}
    package func snapshotRecords() -> [Bytes]? { nil }
}
