package import Primitives

/// One record as it was read from a partition.
package struct FetchedRecord: Hashable, Sendable {
    package let place: TopicPartition
    package let offset: Offset
    package let leaderEpoch: LeaderEpoch?
    /// Nil in batches that carry none.
    package let timestamp: Timestamp?
    /// True where the broker stamped the record when it appended it.
    package let isTimestampOfAppend: Bool
    package let key: Bytes?
    package let value: Bytes?
    package let headers: [Header]

    /// A name and a value beside the record's own.
    package struct Header: Hashable, Sendable {
        package let key: String
        package let value: Bytes?

        package init(key: String, value: Bytes?) {
            self.key = key
            self.value = value
        }
    }

    package init(
        place: TopicPartition, offset: Offset, leaderEpoch: LeaderEpoch?, timestamp: Timestamp?,
        isTimestampOfAppend: Bool, key: Bytes?, value: Bytes?, headers: [Header]
    ) {
        self.place = place
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.timestamp = timestamp
        self.isTimestampOfAppend = isTimestampOfAppend
        self.key = key
        self.value = value
        self.headers = headers
    }
}
