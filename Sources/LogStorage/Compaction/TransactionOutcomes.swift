import Primitives
import WireProtocol
import World

/// How the transactions in a part of a log ended: a batch belongs to the next marker of its producer.
struct TransactionOutcomes: Sendable {
    private struct Marker {
        let offset: Offset
        let isAbort: Bool
    }

    /// In the order of the log.
    private var markers: [ProducerID: [Marker]] = [:]

    /// Reads the markers of a file from a batch on; blocks.
    mutating func read(_ file: SegmentFile, from position: Int64, to end: Int64) throws(StorageError) {
        var cursor = HeaderCursor(file, from: position, to: end)
        while let (header, position) = try cursor.next() {
            guard header.attributes.isControl, let producer = header.producerID, header.recordCount > 0 else {
                continue
            }
            let slice = LogSlice(
                file: file, position: position, count: header.sizeInBytes, baseOffset: header.baseOffset,
                endOffset: header.nextOffset)
            guard let marker = TransactionMarker.read(try slice.read()) else { continue }
            markers[producer, default: []].append(Marker(offset: header.baseOffset, isAbort: marker.isAbort))
        }
    }

    /// Whether the transaction of a batch was aborted.
    func isAborted(_ batch: RecordBatchHeader) -> Bool {
        guard let producer = batch.producerID, let known = markers[producer] else { return false }
        var low = 0
        var high = known.count
        while low < high {
            let middle = (low + high) / 2
            if known[middle].offset <= batch.lastOffset { low = middle + 1 } else { high = middle }
        }
        return low < known.count && known[low].isAbort
    }
}
