package import Primitives
import WireProtocol
import World

extension PartitionLog {
    /// The first record whose timestamp is at least `timestamp`, by its own clock; nil when there is none. Reads the
    /// disk and decompresses one batch.
    package func offset(forTimestamp timestamp: Timestamp) throws(StorageError) -> TimestampedOffset? {
        try checkOnline()
        for segment in segments {
            guard let newest = segment.maxTimestamp, newest >= timestamp else { continue }
            let found = try firstBatch(in: segment, notBefore: timestamp) { [logStartOffset] offset, time in
                time >= timestamp && offset >= logStartOffset
            }
            if let found { return found }
        }
        return nil
    }

    /// The first record with the greatest timestamp (KIP-734); nil for a log without timestamps.
    package func offsetOfMaxTimestamp() throws(StorageError) -> TimestampedOffset? {
        try checkOnline()
        var best: LogSegment?
        for segment in segments {
            guard let newest = segment.maxTimestamp else { continue }
            if best?.maxTimestamp.map({ newest > $0 }) ?? true { best = segment }
        }
        guard let best, let newest = best.maxTimestamp else { return nil }
        return try firstBatch(in: best, notBefore: newest) { $1 == newest }
    }

    /// The first record that `matches`, in the batches from the one on that first reaches `timestamp`.
    private func firstBatch(
        in segment: LogSegment, notBefore timestamp: Timestamp, _ matches: (Offset, Timestamp) -> Bool
    ) throws(StorageError) -> TimestampedOffset? {
        var cursor = HeaderCursor(segment.file, from: try start(in: segment, timestamp), to: segment.sizeBytes)
        while let (header, position) = try cursor.next() {
            guard header.maxTimestamp >= timestamp, header.nextOffset > logStartOffset else { continue }
            let slice = LogSlice(
                file: segment.file, position: position, count: header.sizeInBytes, baseOffset: header.baseOffset,
                endOffset: header.nextOffset)
            let bytes = try bytes(of: slice)
            do throws(RecordBatchError) {
                guard let record = try RecordBatch(bytes).firstRecord(where: matches) else { continue }
                return TimestampedOffset(
                    offset: record.offset, timestamp: record.timestamp, epoch: header.stampedEpoch)
            } catch {
                throw .corrupt(path: segment.file.path, position: position, reason: "\(error)")
            }
        }
        return nil
    }

    /// A position before which every record of the segment is older than `timestamp`.
    private func start(in segment: LogSegment, _ timestamp: Timestamp) throws(StorageError) -> Int64 {
        do throws(FileError) {
            let entry = try segment.times.last(in: files) { $0.timestamp <= timestamp.value }
            guard let entry else { return 0 }
            let place = try segment.offsets.last(in: files) { $0.relativeOffset <= entry.relativeOffset }
            return Int64(place?.position ?? 0)
        } catch { throw .file(error) }
    }
}
