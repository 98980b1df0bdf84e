import ClientCore
import Primitives

/// Records that were fetched and not read yet, in the order of their arrival.
struct RecordBuffer {
    /// Records that may wait before fetching pauses.
    static let recordsMax = 50_000

    private var records: [FetchedRecord] = []
    private var index = 0

    var isEmpty: Bool { index >= records.count }

    var isFull: Bool { records.count - index >= RecordBuffer.recordsMax }

    mutating func add(_ fetched: [FetchedRecord]) { records += fetched }

    mutating func take() -> FetchedRecord? {
        guard index < records.count else {
            records.removeAll(keepingCapacity: true)
            index = 0
            return nil
        }
        defer { index += 1 }
        return records[index]
    }

    /// Forgets those of partitions that are read by somebody else now.
    mutating func drop(of places: [TopicPartition]) {
        records = records[index...].filter { !places.contains($0.place) }
        index = 0
    }
}
