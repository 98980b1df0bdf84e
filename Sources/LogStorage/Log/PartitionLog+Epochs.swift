package import Primitives

extension PartitionLog {
    /// The epoch of the last batch or assignment.
    package var latestEpoch: LeaderEpoch? { epochs.latest?.epoch }

    /// A leader begins: `epoch` starts at `startOffset`, its log end. Before it serves (rule 1).
    package mutating func assign(_ epoch: LeaderEpoch, startOffset: Offset) {
        epochs.assign(epoch, startOffset: startOffset)
    }

    /// The largest epoch at or below `epoch` that this log has, and where it ends (exclusive).
    ///
    /// For an epoch that is older than all known ones: that epoch, and the start of the first known one. Nil when the
    /// log knows no epoch at all (KIP-101, KIP-279).
    package func endOffset(for epoch: LeaderEpoch) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        epochs.endOffset(for: epoch, logEndOffset: logEndOffset)
    }

    /// The epoch in which the record at `offset` was written.
    package func epoch(at offset: Offset) -> LeaderEpoch? { epochs.epoch(at: offset) }
}
