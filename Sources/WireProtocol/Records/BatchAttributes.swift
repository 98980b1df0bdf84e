/// The flags of a record batch.
///
/// - Shape: bits 0–2 compression, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon; the rest is reserved.
package struct BatchAttributes: Hashable, Sendable {
    package var bits: Int16

    package init(bits: Int16) { self.bits = bits }

    package init(
        compression: Compression = .uncompressed, timestampType: TimestampType = .createTime,
        isTransactional: Bool = false, isControl: Bool = false
    ) {
        bits = Int16(compression.rawValue)
        if timestampType == .logAppendTime { bits |= 0x08 }
        if isTransactional { bits |= 0x10 }
        if isControl { bits |= 0x20 }
    }

    /// Nil for the three numbers that mean no codec.
    package var compression: Compression? { Compression(rawValue: UInt8(bits & 0x07)) }
    package var timestampType: TimestampType { bits & 0x08 == 0 ? .createTime : .logAppendTime }
    package var isTransactional: Bool { bits & 0x10 != 0 }
    package var isControl: Bool { bits & 0x20 != 0 }
    /// The base timestamp is the time from which tombstones may go (KIP-534).
    package var hasDeleteHorizon: Bool { bits & 0x40 != 0 }
    package var hasReservedBits: Bool { bits & ~0x7F != 0 }
}

/// Whose clock a batch's timestamps are from.
package enum TimestampType: Hashable, Sendable {
    /// The producer's, one for each record.
    case createTime
    /// The broker's: the batch's maximum timestamp holds for all its records.
    case logAppendTime
}
