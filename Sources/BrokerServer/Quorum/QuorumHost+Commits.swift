import Logging
import Primitives
import Quorum
import WireProtocol
import World

#if MUTANTS
    import Mutants
#endif

/// Decides when the next snapshot is due.
struct SnapshotPace {
    let bytesMax: Int64
    /// 0 for never by time.
    let intervalMilliseconds: Int64
    private var bytes: Int64 = 0
    private var last = MonotonicInstant(0)

    init(bytesMax: Int64, intervalMilliseconds: Int64) {
        self.bytesMax = bytesMax
        self.intervalMilliseconds = intervalMilliseconds
    }

    mutating func begin(now: MonotonicInstant) {
        bytes = 0
        last = now
    }

    mutating func committed(bytes count: Int) { bytes += Int64(count) }

    func isDue(now: MonotonicInstant) -> Bool {
        if bytes >= bytesMax { return true }
        return bytes > 0 && intervalMilliseconds > 0 && now.milliseconds(since: last) >= intervalMilliseconds
    }
}

/// Telling what is committed, and writing snapshots of it.
extension QuorumHost {
    /// Bytes of log that are decoded at a time.
    private static let chunkBytes = 1 << 20

    /// Hands the listener every batch up to the high watermark.
    func deliver() {
        #if MUTANTS
            let highWatermark =
                Mutant.uncommittedMetadata.isOn ? highWatermark.flatMap { _ in store?.end } : highWatermark
        #endif
        do {
            while let end = highWatermark, delivered < end, let bytes = try read(from: delivered, upTo: end) {
                let batches = try QuorumHost.committed(in: bytes).filter { $0.endOffset > delivered }
                guard let last = batches.last else { break }
                delivered = last.endOffset
                snapshotPace.committed(bytes: bytes.count)
                listener.committed(batches)
            }
            try snapshotIfDue()
        } catch { fail("reading the metadata log failed: \(error)") }
    }

    private func read(from offset: Offset, upTo end: Offset) throws -> Bytes? {
        try store?.read(from: offset, upTo: end, maxBytes: QuorumHost.chunkBytes)
    }

    private static func committed(in bytes: Bytes) throws -> [CommittedBatch] {
        var batches = RecordBatches(bytes)
        var made: [CommittedBatch] = []
        while let batch = try batches.next() {
            let header = batch.header
            var values: [Bytes] = []
            if !header.attributes.isControl {
                values.reserveCapacity(Int(header.recordCount))
                var records = try RecordIterator(batch)
                while let record = try records.next() { values.append(record.value ?? .empty) }
            }
            made.append(
                CommittedBatch(
                    baseOffset: header.baseOffset, endOffset: header.nextOffset, epoch: header.leaderEpoch,
                    appendedAt: header.maxTimestamp, records: values))
        }
        return made
    }

    private func snapshotIfDue() throws {
        let now = world.clock.now
        guard snapshotPace.isDue(now: now), delivered > .zero, delivered > store?.snapshots.latest?.endOffset ?? .zero,
            let epoch = store?.epoch(below: delivered), let records = listener.snapshotRecords()
        else { return }
        let id = SnapshotID(endOffset: delivered, epoch: epoch)
        let dropped = try store?.write(
            id, records: records, voters: replica?.history.snapshot(below: delivered) ?? SnapshotVoters(),
            lastContainedLogTimestamp: world.clock.timeOfDay)
        snapshotPace.begin(now: now)
        logger.info("wrote the metadata snapshot at offset \(id.endOffset), epoch \(epoch): \(records.count) records")
        feed(.snapshotTaken(id))
        guard let dropped, dropped.endOffset > replica?.log.start ?? .zero else { return }
        try store?.dropPrefix(upTo: dropped)
        feed(.prefixDropped(dropped))
    }
}
