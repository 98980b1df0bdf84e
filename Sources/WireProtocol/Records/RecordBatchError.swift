package import Primitives

/// Why records from outside were refused; each reason has its error code on the wire.
package enum RecordBatchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Fewer bytes than a header, or than the header's length says.
    case truncated(needed: Int, available: Int)
    /// The length is smaller than a header.
    case invalidLength(Int32)
    /// Another format than 2.
    case unsupportedMagic(Int8)
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// A partition's records are not exactly one batch.
    case notOneBatch
    /// A producer's batch starts at offset 0.
    case invalidBaseOffset(Offset)
    /// The number of records and the last offset delta do not fit together, or there are none.
    case invalidCount(count: Int32, lastOffsetDelta: Int32)
    case reservedAttributes(Int16)
    case unknownCompression(Int16)
    /// Only the broker writes control batches.
    case controlBatchFromClient
    /// Only the broker stamps batches with its own time.
    case logAppendTimeFromClient
    case transactionalWithoutProducer
    /// A producer id without an epoch or sequence, or a negative one.
    case invalidProducer
    /// A record that lies about its size, its place or its parts.
    case malformedRecord(index: Int, reason: String)
    /// A record without a key where the topic needs one.
    case missingKey(index: Int)
    case corruptCompression
    /// More bytes than `max.message.bytes`.
    case tooLarge(Int, max: Int)
    /// The records decompress to more than is allowed.
    case decompressedTooLarge

    /// What the sender is told.
    package var errorCode: ErrorCode {
        switch self {
        case .truncated, .invalidLength, .checksumMismatch, .corruptCompression: .corruptMessage
        case .decompressedTooLarge, .tooLarge: .messageTooLarge
        case .unsupportedMagic(let magic): magic == 0 || magic == 1 ? .unsupportedForMessageFormat : .corruptMessage
        case .unknownCompression: .unsupportedCompressionType
        case .logAppendTimeFromClient: .invalidTimestamp
        case .notOneBatch, .invalidBaseOffset, .invalidCount, .reservedAttributes, .controlBatchFromClient,
            .transactionalWithoutProducer, .invalidProducer, .malformedRecord, .missingKey:
            .invalidRecord
        }
    }

    package var description: String {
        switch self {
        case .truncated(let needed, let available): "batch ends early: \(needed) bytes needed, \(available) there"
        case .invalidLength(let length): "batch length \(length) is smaller than a header"
        case .unsupportedMagic(let magic): "message format \(magic) is not supported"
        case .checksumMismatch(let stored, let computed): "checksum \(computed) is not the stored \(stored)"
        case .notOneBatch: "a partition takes exactly one batch at a time"
        case .invalidBaseOffset(let offset): "base offset \(offset) is not 0"
        case .invalidCount(let count, let delta): "\(count) records do not fit the last offset delta \(delta)"
        case .reservedAttributes(let bits): "reserved attributes are set: \(bits)"
        case .unknownCompression(let bits): "unknown compression in attributes \(bits)"
        case .controlBatchFromClient: "clients may not write control batches"
        case .logAppendTimeFromClient: "clients may not stamp batches with the broker's time"
        case .transactionalWithoutProducer: "transactional batch without a producer id"
        case .invalidProducer: "producer id, epoch and sequence do not fit together"
        case .malformedRecord(let index, let reason): "record \(index): \(reason)"
        case .missingKey(let index): "record \(index) has no key, which a compacted topic needs"
        case .corruptCompression: "compressed records are corrupt"
        case .tooLarge(let size, let most): "the batch has \(size) bytes; max.message.bytes is \(most)"
        case .decompressedTooLarge: "records decompress to more than is allowed"
        }
    }
}
