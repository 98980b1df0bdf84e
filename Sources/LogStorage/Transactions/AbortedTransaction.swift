package import Primitives

/// A transaction that was aborted, as the index of its segment has it: readers that want only what is committed leave
/// out what its producer wrote in it.
package struct AbortedTransaction: Hashable, Sendable {
    package let producerID: ProducerID
    /// Of its first record in this partition.
    package let firstOffset: Offset
    /// Of the marker that ended it.
    package let lastOffset: Offset
    /// The last stable offset right behind the marker: whoever reads no further than this needs no later entry.
    package let lastStableOffset: Offset

    package init(producerID: ProducerID, firstOffset: Offset, lastOffset: Offset, lastStableOffset: Offset) {
        self.producerID = producerID
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.lastStableOffset = lastStableOffset
    }
}

/// An entry of a `.txnindex` file, in Kafka's version 0.
extension AbortedTransaction {
    static let byteCount = 34
    private static let version: Int16 = 0

    /// Nil for a version that is not known, and for offsets that can't be.
    init?(_ bytes: Bytes, at position: Int) {
        guard bytes.bigEndian(Int16.self, at: position) == AbortedTransaction.version else { return nil }
        producerID = ProducerID(bytes.bigEndian(Int64.self, at: position + 2))
        firstOffset = Offset(bytes.bigEndian(Int64.self, at: position + 10))
        lastOffset = Offset(bytes.bigEndian(Int64.self, at: position + 18))
        lastStableOffset = Offset(bytes.bigEndian(Int64.self, at: position + 26))
        guard firstOffset >= .zero, firstOffset < lastOffset, lastOffset.value < .max else { return nil }
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: AbortedTransaction.version)
        bytes.append(bigEndian: producerID.value)
        bytes.append(bigEndian: firstOffset.value)
        bytes.append(bigEndian: lastOffset.value)
        bytes.append(bigEndian: lastStableOffset.value)
    }
}
