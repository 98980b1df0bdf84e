package import ClientCore
import Primitives

/// A record as it was read.
public struct ConsumedRecord: Sendable {
    /// Whose clock stamped a record.
    public enum TimestampKind: Hashable, Sendable {
        case createTime
        case logAppendTime
        case noTimestamp
    }

    package let fetched: FetchedRecord

    package init(_ fetched: FetchedRecord) { self.fetched = fetched }

    public var topic: String { fetched.place.topic }
    public var partition: Int32 { fetched.place.partition.value }
    public var offset: Int64 { fetched.offset.value }
    /// The epoch of the leader that wrote it, where it is known.
    public var leaderEpoch: Int32? { fetched.leaderEpoch?.value }
    public var key: [UInt8]? { fetched.key?.array }
    public var value: [UInt8]? { fetched.value?.array }
    /// Bytes of the key and of the value; 0 where there is none.
    package var keyBytes: Int { fetched.key?.count ?? 0 }
    package var valueBytes: Int { fetched.value?.count ?? 0 }
    public var headers: [(key: String, value: [UInt8]?)] {
        fetched.headers.map { ($0.key, $0.value?.array) }
    }
    /// Milliseconds since 1970.
    public var timestampMilliseconds: Int64? { fetched.timestamp?.value }
    public var timestampKind: TimestampKind {
        if fetched.timestamp == nil { return .noTimestamp }
        return fetched.isTimestampOfAppend ? .logAppendTime : .createTime
    }
}
