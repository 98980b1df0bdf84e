import DequeModule
import Primitives
import WireProtocol

/// Where the newest batches of the active segment stand: reads at the log's end need no index and no disk.
struct RecentBatches: Sendable {
    struct Entry: Hashable, Sendable {
        let baseOffset: Offset
        let endOffset: Offset
        let position: Int64
        let byteCount: Int

        var endPosition: Int64 { position + Int64(byteCount) }
    }

    private var entries: Deque<Entry> = []

    private static let entriesMax = 256

    mutating func append(_ header: RecordBatchHeader, at position: Int64) {
        if entries.count == RecentBatches.entriesMax { entries.removeFirst() }
        entries.append(
            Entry(
                baseOffset: header.baseOffset, endOffset: header.nextOffset, position: position,
                byteCount: header.sizeInBytes))
    }

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// The batch that contains `offset` or is the first behind it; nil when it may stand before the oldest known.
    func batch(at offset: Offset) -> Entry? {
        guard let first = entries.first, offset >= first.baseOffset else { return nil }
        let index = partitionPoint { $0.endOffset <= offset }
        return index < entries.count ? entries[index] : nil
    }

    /// The last batch that ends at or before `position`, and starts at or behind `start`.
    func lastBatch(from start: Int64, endingBy position: Int64) -> Entry? {
        guard let first = entries.first, first.position <= start else { return nil }
        let after = partitionPoint { $0.endPosition <= position }
        guard after > 0, entries[after - 1].position >= start else { return nil }
        return entries[after - 1]
    }

    /// Whether every batch from `position` on is known.
    func covers(_ position: Int64) -> Bool { entries.first.map { $0.position <= position } ?? false }

    private func partitionPoint(_ isBefore: (Entry) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
