import BrokerServer
import LogStorage
import Metadata
import Primitives
import Quorum
import WireProtocol
import World

/// Directories as a disk, or somebody with a hand on it, may leave them.
enum LogFuzz {
    private static let directory = "/logs/t-0"
    private static let names = [
        SegmentFileName.name(.zero, .log), SegmentFileName.name(.zero, .offsetIndex),
        SegmentFileName.name(.zero, .timeIndex), SegmentFileName.name(.zero, .transactionIndex),
        SegmentFileName.name(Offset(2), .log), SegmentFileName.name(Offset(2), .offsetIndex),
        SegmentFileName.name(Offset(2), .timeIndex), SegmentFileName.name(Offset(2), .producerSnapshot),
        SegmentFileName.name(Offset(.max), .log), "leader-epoch-checkpoint", "partition.metadata", "recovery-limit",
    ]

    /// The number of the file of each part of a payload; parts behind them all make the first longer.
    static let partitionFiles = names.count

    /// Flags (1: a clean stop; 2: right checksums; 4: compacted), a recovery point, then the files in order.
    static func partition(_ payload: Bytes) {
        guard payload.count > 2 else { return }
        let flags = payload[0]
        let disk = MemoryDisk()
        var pieces = Pieces(payload[2..<payload.count]).makeIterator()
        for name in names {
            guard let piece = pieces.next() else { break }
            guard let piece else { continue }
            let content = Bytes(piece.array)
            if flags & 2 == 2, name.hasSuffix(".log") { BatchFuzz.seal(content) }
            disk.put("\(directory)/\(name)", content.array)
        }
        var configuration = LogConfiguration()
        configuration.isCompacted = flags & 4 == 4
        configuration.segmentBytes = 2_000
        configuration.indexIntervalBytes = 64
        let start = RecoveryStart(
            wasCleanShutdown: flags & 1 == 1, recoveryPoint: Offset(Int64(payload[1] & 0x0F)),
            logStartOffset: Offset(Int64(payload[1] >> 4)))
        do throws(StorageError) {
            var (log, _) = try PartitionLog.open(
                directory: directory, files: disk, configuration: configuration, start: start, now: Timestamp(5))
            let end = log.logEndOffset
            try use(&log)
            // What was looked at batch by batch is sound, and stays so.
            guard !start.wasCleanShutdown else { return }
            var (again, report) = try PartitionLog.open(
                directory: directory, files: disk, configuration: configuration, start: start, now: Timestamp(5))
            precondition(again.logEndOffset == end, "a log of \(end) opens as one of \(again.logEndOffset)")
            precondition(report.truncatedBytes == 0, "a log that was repaired is repaired again")
            try change(&again)
        } catch {}
    }

    private static func use(_ log: inout PartitionLog) throws(StorageError) {
        var position = log.logStartOffset
        for _ in 0..<64 where position < log.logEndOffset {
            let slice = try log.read(from: position, maxBytes: 700, upTo: log.logEndOffset, minOneMessage: true)
            _ = try log.bytes(of: slice)
            if slice.endOffset <= position { break }
            position = slice.endOffset
        }
        for time in [-1, 0, 1_000, Int64.max] { _ = try log.offset(forTimestamp: Timestamp(time)) }
        _ = try log.offsetOfMaxTimestamp()
        for epoch in [-1, 0, 5, Int32.max] { _ = log.endOffset(for: LeaderEpoch(epoch)) }
    }

    private static func change(_ log: inout PartitionLog) throws(StorageError) {
        var builder = RecordBatchBuilder()
        builder.append(timestamp: Timestamp(2_000), key: nil, value: Bytes([1, 2, 3]))
        _ = try log.appendAsLeader([builder.finish()], epoch: LeaderEpoch(9), now: Timestamp(3_000))
        try log.flush()
        try log.truncate(to: Offset(log.logStartOffset.value + (log.logEndOffset.value - log.logStartOffset.value) / 2))
        try use(&log)
        try log.close()
    }

    /// One byte of flags (1: a right checksum), then a `.snapshot` file.
    static func producerSnapshot(_ payload: Bytes) {
        guard payload.count > 1 else { return }
        let content = Bytes(payload[1..<payload.count].array)
        if payload[0] & 1 == 1, content.count > 6 {
            content.patch(CRC32C.checksum(content[6..<content.count].span), at: 2)
        }
        guard let states = ProducerSnapshot.decode(content.array) else { return }
        let written = ProducerSnapshot.encode(states)
        guard let again = ProducerSnapshot.decode(written) else {
            preconditionFailure("a producer snapshot does not read what it wrote")
        }
        precondition(ProducerSnapshot.encode(again) == written, "a producer snapshot is not stable")
    }

    /// Flags (2: right checksums), then log, vote file, standing, recovery point, snapshot, and a part of one.
    static func metadataDirectory(_ payload: Bytes) {
        guard payload.count > 1 else { return }
        let folder = "/meta/" + MetadataStore.directoryName
        let names = [
            SegmentFileName.name(.zero, .log), "quorum-state", "voter-standing", "recovery-point-offset-checkpoint",
            "00000000000000000002-0000000001.checkpoint", SegmentFileName.name(Offset(2), .log),
            "00000000000000000009-0000000001.checkpoint.part", "leader-epoch-checkpoint",
        ]
        let disk = MemoryDisk()
        var pieces = Pieces(payload[1..<payload.count]).makeIterator()
        for name in names {
            guard let piece = pieces.next() else { break }
            guard let piece else { continue }
            let content = Bytes(piece.array)
            if payload[0] & 2 == 2, name.hasSuffix(".log") || name.hasSuffix(".checkpoint") { BatchFuzz.seal(content) }
            disk.put("\(folder)/\(name)", content.array)
        }
        guard var store = try? MetadataStore(parent: "/meta", segmentBytes: 2_000, files: disk, clock: StillClock())
        else { return }
        if let latest = store.snapshots.latest, let loaded = try? store.snapshots.load(latest) {
            for record in loaded.records { _ = try? MetadataRecordFrame.decode(record) }
        }
        _ = store.view
        _ = try? store.read(from: store.view.epochs.first?.start ?? .zero, upTo: store.end, maxBytes: 1 << 16)
        try? store.close()
    }
}
