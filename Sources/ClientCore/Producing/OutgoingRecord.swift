package import Primitives

/// One record on its way to a partition.
package struct OutgoingRecord: Hashable, Sendable {
    /// A name and a value beside the record's own.
    package struct Header: Hashable, Sendable {
        package let key: String
        package let value: [UInt8]?

        package init(key: String, value: [UInt8]?) {
            self.key = key
            self.value = value
        }
    }

    /// The number by which the sender knows the record when it is delivered or failed.
    package let ticket: UInt64
    package let key: [UInt8]?
    package let value: [UInt8]?
    package let headers: [Header]
    package let timestamp: Timestamp

    package init(ticket: UInt64, key: [UInt8]?, value: [UInt8]?, headers: [Header] = [], timestamp: Timestamp) {
        self.ticket = ticket
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    /// Bytes of lengths and deltas that a record has at most, beside its contents.
    private static let overheadBytesMax = 32

    /// The size in a batch, rounded up.
    package var bytesMax: Int {
        let headerBytes = headers.reduce(0) { $0 + $1.key.utf8.count + ($1.value?.count ?? 0) + 10 }
        return OutgoingRecord.overheadBytesMax + (key?.count ?? 0) + (value?.count ?? 0) + headerBytes
    }
}
