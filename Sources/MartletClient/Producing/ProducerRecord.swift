/// A record to be written.
public struct ProducerRecord: Hashable, Sendable {
    public var topic: String
    /// Chosen by the key's hash, or in turn for records without a key, where it is left out.
    public var partition: Int32?
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [(key: String, value: [UInt8]?)] {
        get { storedHeaders.map { ($0.key, $0.value) } }
        set { storedHeaders = newValue.map { Header(key: $0.key, value: $0.value) } }
    }
    /// Milliseconds since 1970; now, where it is left out.
    public var timestampMilliseconds: Int64?

    private struct Header: Hashable, Sendable {
        let key: String
        let value: [UInt8]?
    }
    private var storedHeaders: [Header] = []

    public init(topic: String, key: [UInt8]? = nil, value: [UInt8]?, partition: Int32? = nil) {
        self.topic = topic
        self.key = key
        self.value = value
        self.partition = partition
    }
}

/// Where a record was written.
public struct RecordPlace: Hashable, Sendable {
    public let topic: String
    public let partition: Int32
    /// Nil where the broker did not say: with acks=0, or for a repeat whose first answer got lost.
    public let offset: Int64?
}
