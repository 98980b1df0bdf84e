package import Primitives

/// The coordinator of what one partition of its topic keeps, as its host runs it.
///
/// A request is decided from the present state; what must be remembered goes out as records, and changes the stored
/// state when it is replayed. On lost leadership the shard is dropped as a whole after `fail`, so nothing uncommitted
/// survives (rule 32).
package protocol CoordinatorShard: Sendable {
    associatedtype Settings: Sendable
    associatedtype Image: ShardImage
    /// The answer to a request that may have waited.
    associatedtype Reply: Hashable, Sendable
    /// What a shard has the host do besides; `Never` where there is nothing.
    associatedtype Order: Hashable, Sendable
    typealias Effect = ShardEffect<Image.Record, Reply, Order>

    /// The topic whose partitions are shards.
    static var topicName: String { get }

    /// When `expire` is to be called next, at the latest.
    var nextDeadline: MonotonicInstant { get }

    /// Goes on with what the one before had begun.
    mutating func start(at time: CoordinatorTime) -> [Effect]

    /// The oldest write not appended yet is in the log up to `end`: its records are replayed.
    mutating func appended(_ id: WriteID, end: Offset)

    /// The oldest write not appended yet was not taken by the log: nothing of it holds.
    mutating func refused(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [Effect]

    /// The high watermark has reached `highWatermark`: what waited for it follows, in log order.
    mutating func committed(upTo highWatermark: Offset, at time: CoordinatorTime) -> [Effect]

    /// Whether a write is neither committed nor refused.
    func awaitsCommit(of id: WriteID) -> Bool

    /// A write is committed, and with it all before it.
    mutating func committed(through id: WriteID, at time: CoordinatorTime) -> [Effect]

    /// A write is in the log, but not as safely as was asked for, or nobody knows: who waits for it is told so.
    ///
    /// With NOT_ENOUGH_REPLICAS_AFTER_APPEND the high watermark has passed it, so it counts. With any other error it is
    /// left to the next commitment, or to the loss of leadership.
    mutating func unconfirmed(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [Effect]

    /// Leadership is lost: every request that waits is sent to look for the coordinator. The shard is of no use after.
    mutating func fail() -> [Effect]

    /// Topics are gone; one that is made anew under the name starts from nothing.
    mutating func topicsDeleted(_ topics: Set<String>, at time: CoordinatorTime) -> [Effect]

    /// Does all that is due at `time`.
    mutating func expire(at time: CoordinatorTime) -> [Effect]
}

/// What the log of a shard says: changed by replay alone, on the leader and at a load alike. A copy is cheap.
package protocol ShardImage: Sendable {
    associatedtype Record: ShardRecord

    init()

    /// How many groups or transactional ids there are.
    var count: Int { get }

    /// Applies a record. `producer` is that of a transactional batch, whose records wait for its marker.
    mutating func replay(_ record: Record, by producer: ProducerID?)

    /// Applies the end of a producer's transaction.
    mutating func replayEnd(of producer: ProducerID, isCommit: Bool)
}

/// One record of a coordinator's log.
package protocol ShardRecord: Hashable, Sendable {
    associatedtype Failure: Error

    /// The key as the log holds it.
    var keyBytes: Bytes { get }

    /// The value as the log holds it; nil for a tombstone.
    ///
    /// - Parameter level: the finalized feature that decides over its version; not all records heed one.
    func valueBytes(level: Int16) -> Bytes?

    /// Reads a record back; nil for a kind that this coordinator does not keep.
    ///
    /// - Throws: where the bytes are not what their version says.
    static func decode(key: Bytes, value: Bytes?) throws(Failure) -> Self?
}
