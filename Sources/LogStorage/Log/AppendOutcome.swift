package import Primitives

/// Where batches came to stand in the log.
package struct AppendedRange: Hashable, Sendable {
    /// The offset of the first record.
    package let baseOffset: Offset
    /// Exclusive: the log end offset a replica must reach to have all of it.
    package let endOffset: Offset
    /// The time the broker gave it, where `message.timestamp.type` is LogAppendTime.
    package let logAppendTime: Timestamp?

    package init(baseOffset: Offset, endOffset: Offset, logAppendTime: Timestamp?) {
        self.baseOffset = baseOffset
        self.endOffset = endOffset
        self.logAppendTime = logAppendTime
    }
}

/// What happened to one piece of `appendAsLeader`.
package enum AppendOutcome: Hashable, Sendable {
    case appended(AppendedRange)
    /// The same batch is in the log already (rule 23): answer with its range, for acks=all only once the high watermark
    /// has passed its end.
    case duplicate(AppendedRange)
    /// Refused, nothing of the piece was written: OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH,
    /// INVALID_RECORD, RECORD_LIST_TOO_LARGE.
    case refused(ErrorCode, reason: String)
}
