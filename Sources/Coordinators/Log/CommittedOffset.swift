package import Primitives
import WireMessages

/// A partition that a group consumes, by name: offsets outlive nothing but their topic's name.
package struct ConsumedPartition: Hashable, Comparable, Sendable {
    package let topic: String
    package let index: PartitionIndex

    package init(topic: String, index: PartitionIndex) {
        self.topic = topic
        self.index = index
    }

    package static func < (left: ConsumedPartition, right: ConsumedPartition) -> Bool {
        left.topic == right.topic ? left.index < right.index : left.topic < right.topic
    }
}

/// What a group has committed for one partition.
package struct CommittedOffset: Hashable, Sendable {
    /// The next offset to read.
    package var offset: Offset
    /// The epoch of the last record read, where the client knew it.
    package var leaderEpoch: LeaderEpoch?
    /// The client's own text.
    package var metadata: String
    /// When the coordinator took it, by the calendar.
    package var commitTimestamp: Timestamp
    /// When it ends whatever the group does; only old clients ask for it (OffsetCommit 2–4).
    package var expireTimestamp: Timestamp?

    package init(
        offset: Offset, leaderEpoch: LeaderEpoch?, metadata: String, commitTimestamp: Timestamp,
        expireTimestamp: Timestamp?
    ) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
        self.commitTimestamp = commitTimestamp
        self.expireTimestamp = expireTimestamp
    }

    init(_ value: OffsetCommitValue) {
        offset = value.offset
        leaderEpoch = value.leaderEpoch.value < 0 ? nil : value.leaderEpoch
        metadata = value.metadata
        commitTimestamp = Timestamp(value.commitTimestamp)
        expireTimestamp = value.expireTimestamp < 0 ? nil : Timestamp(value.expireTimestamp)
    }

    var recordValue: OffsetCommitValue {
        var value = OffsetCommitValue()
        value.offset = offset
        value.leaderEpoch = leaderEpoch ?? LeaderEpoch(-1)
        value.metadata = metadata
        value.commitTimestamp = commitTimestamp.value
        value.expireTimestamp = expireTimestamp?.value ?? -1
        return value
    }
}
