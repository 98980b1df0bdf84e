/// A number of one kind, so that an offset can't be passed where an epoch is meant.
///
/// - Shape: one stored integer; as cheap as the integer itself.
@usableFromInline package protocol NumberOfAKind: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The integer on the wire and on the disk.
    associatedtype Value: FixedWidthInteger & Sendable
    /// The plain integer.
    var value: Value { get }
    /// Wraps a plain integer.
    init(_ value: Value)
}

// Inlined everywhere: called through the protocol, each of these would cost more than what it compares.
extension NumberOfAKind {
    @inlinable package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
    @inlinable package static func == (left: Self, right: Self) -> Bool { left.value == right.value }
    @inlinable package func hash(into hasher: inout Hasher) { hasher.combine(value) }
    @usableFromInline package var description: String { "\(value)" }
}

/// The id of a node, whether it acts as broker, controller or both (`node.id`).
@usableFromInline package struct BrokerID: NumberOfAKind {
    @usableFromInline package let value: Int32
    @inlinable package init(_ value: Int32) { self.value = value }
}

/// A position in one partition: the first record is 0. Ends are exclusive: a log end offset is the next to be written.
@usableFromInline package struct Offset: NumberOfAKind {
    @usableFromInline package let value: Int64
    @inlinable package init(_ value: Int64) { self.value = value }
    @inlinable package static var zero: Offset { Offset(0) }
    /// The offset that lies `count` records further.
    @inlinable package static func + (left: Offset, count: Int64) -> Offset { Offset(left.value + count) }
    /// The number of offsets between two positions.
    @inlinable package static func - (left: Offset, right: Offset) -> Int64 { left.value - right.value }
}

/// The epoch of a partition's (or the quorum's) leader: grows with each leader; carried by all that may arrive late.
@usableFromInline package struct LeaderEpoch: NumberOfAKind {
    @usableFromInline package let value: Int32
    @inlinable package init(_ value: Int32) { self.value = value }
    @inlinable package static var zero: LeaderEpoch { LeaderEpoch(0) }
    @inlinable package var next: LeaderEpoch { LeaderEpoch(value + 1) }
}

/// The version of a partition's registration at the controller: grows with each change of it.
@usableFromInline package struct PartitionEpoch: NumberOfAKind {
    @usableFromInline package let value: Int32
    @inlinable package init(_ value: Int32) { self.value = value }
    @inlinable package var next: PartitionEpoch { PartitionEpoch(value + 1) }
}

/// The life of a broker: the offset of its registration record in the metadata log.
@usableFromInline package struct BrokerEpoch: NumberOfAKind {
    @usableFromInline package let value: Int64
    @inlinable package init(_ value: Int64) { self.value = value }
}

/// The number of a partition within its topic, from 0.
@usableFromInline package struct PartitionIndex: NumberOfAKind {
    @usableFromInline package let value: Int32
    @inlinable package init(_ value: Int32) { self.value = value }
}

/// The id of a producer, unique in the cluster.
@usableFromInline package struct ProducerID: NumberOfAKind {
    @usableFromInline package let value: Int64
    @inlinable package init(_ value: Int64) { self.value = value }
}

/// The epoch of a producer: a higher one fences the lower.
@usableFromInline package struct ProducerEpoch: NumberOfAKind {
    @usableFromInline package let value: Int16
    @inlinable package init(_ value: Int16) { self.value = value }
}

/// The number that pairs a response with its request on one connection.
@usableFromInline package struct CorrelationID: NumberOfAKind {
    @usableFromInline package let value: Int32
    @inlinable package init(_ value: Int32) { self.value = value }
}

/// A time of day, in milliseconds since 1970; only record timestamps and retention may use it.
@usableFromInline package struct Timestamp: NumberOfAKind {
    @usableFromInline package let value: Int64
    @inlinable package init(_ value: Int64) { self.value = value }
}

/// A point on this node's monotonic clock, in nanoseconds from an arbitrary start; never compared between nodes.
@usableFromInline package struct MonotonicInstant: NumberOfAKind {
    @usableFromInline package let value: Int64
    @inlinable package init(_ value: Int64) { self.value = value }
    /// The instant that lies `count` milliseconds later; the last one there is where a setting means "never".
    @inlinable package func advanced(byMilliseconds count: Int64) -> MonotonicInstant {
        let (nanoseconds, isHuge) = count.multipliedReportingOverflow(by: 1_000_000)
        let (later, isLate) = value.addingReportingOverflow(nanoseconds)
        return MonotonicInstant(isHuge || isLate ? (count < 0 ? .min : .max) : later)
    }
    /// Whole milliseconds from `earlier` to this instant.
    @inlinable package func milliseconds(since earlier: MonotonicInstant) -> Int64 {
        (value - earlier.value) / 1_000_000
    }
}
