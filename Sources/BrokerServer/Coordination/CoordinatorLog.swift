package import LogStorage
package import Primitives

/// A coordinator's own log partition, as the coordinator uses it.
package protocol CoordinatorLog: AnyObject, Sendable {
    /// Where the log stands while this broker leads it in `epoch`; nil before it does and after.
    func bounds(in epoch: LeaderEpoch) -> CoordinatorLogBounds?

    /// Whether its leader hears neither a controller nor enough followers: another may coordinate by now.
    var isCutOff: Bool { get }

    /// Whole batches from `start` on that lie below the high watermark; at least one where there is one, else about
    /// `bytesMax`. Reads the disk: only from the pool.
    func read(from start: Offset, bytesMax: Int, in epoch: LeaderEpoch) throws(CoordinatorLogError) -> Bytes

    /// Appends one batch with acks=all.
    ///
    /// Called under the shard's lock, the one lock that may be held around a partition's.
    /// - Parameter whenDecided: called once, never before `append` has returned and under no lock: `noError` when the
    ///   batch is committed, else why it is not known to be.
    /// - Returns: the exclusive end of the batch in the log.
    func append(
        _ batch: Bytes, in epoch: LeaderEpoch, whenDecided: @escaping @Sendable (ErrorCode) -> Void
    ) throws(CoordinatorLogError) -> Offset

    /// Ends a producer's transaction by a marker, otherwise as `append` of a batch.
    ///
    /// - Errors: also TRANSACTION_COORDINATOR_FENCED, INVALID_PRODUCER_EPOCH.
    func append(
        _ marker: EndMarker, in epoch: LeaderEpoch, whenDecided: @escaping @Sendable (ErrorCode) -> Void
    ) throws(CoordinatorLogError) -> Offset
}

/// The part of a log that a coordinator has to know.
package struct CoordinatorLogBounds: Hashable, Sendable {
    package var start: Offset
    /// Exclusive end of what is committed.
    package var highWatermark: Offset
    /// The log's end when the present leader took over: what lies below was written before.
    package var epochStart: Offset

    package init(start: Offset, highWatermark: Offset, epochStart: Offset) {
        self.start = start
        self.highWatermark = highWatermark
        self.epochStart = epochStart
    }
}

/// A log refused to append or read.
package struct CoordinatorLogError: Error, Hashable, Sendable {
    package let code: ErrorCode
    package init(_ code: ErrorCode) { self.code = code }
}
