package import Primitives

/// One record of a batch; key, value and header values are slices of the batch (or of what it decompressed to).
package struct Record: Hashable, Sendable {
    package var offset: Offset
    package var timestamp: Timestamp
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [RecordHeader]

    package init(
        offset: Offset, timestamp: Timestamp, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// A name and a value that travel with a record.
package struct RecordHeader: Hashable, Sendable {
    package var key: String
    package var value: Bytes?

    package init(key: String, value: Bytes?) {
        self.key = key
        self.value = value
    }
}
