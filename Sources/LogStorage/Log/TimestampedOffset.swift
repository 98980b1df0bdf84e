package import Primitives

/// An offset found by time.
package struct TimestampedOffset: Hashable, Sendable {
    package let offset: Offset
    package let timestamp: Timestamp
    package let epoch: LeaderEpoch?

    package init(offset: Offset, timestamp: Timestamp, epoch: LeaderEpoch?) {
        self.offset = offset
        self.timestamp = timestamp
        self.epoch = epoch
    }
}
