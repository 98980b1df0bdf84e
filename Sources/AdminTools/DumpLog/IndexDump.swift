import LiveWorld
import LogStorage
import Primitives
import WireProtocol
import World

/// Prints an index file and compares it with its log.
struct IndexDump {
    let path: String
    let name: String
    let options: DumpLogOptions

    /// The path of the log beside the index.
    private func logPath(_ ending: String) -> String { String(path.dropLast(ending.count)) + ".log" }

    func dumpOffsets(_ findings: inout DumpFindings) throws(FileError) {
        let base = SegmentFileName.parse(name, .offsetIndex) ?? .zero
        let content = Bytes(try PosixFileStore().readAll(path))
        let entries = IndexText.offsetEntries(content, base: base)
        if entries.isEmpty { return print("\(path) is empty.") }
        if options.checksShape { return checkShape(content, entryBytes: IndexText.offsetEntryBytes) }
        let log = logPath(".index")
        let reader =
            PosixFileStore().exists(log)
            ? try LogFileReader(path: log, batchBytesMax: options.batchBytesMax, bytesMax: nil) : nil
        var mismatches: [String] = []
        for (offset, position) in entries {
            if let reader {
                let found = try reader.header(at: Int64(position))?.lastOffset ?? Offset(-1)
                if found != offset { mismatches.append("  Index offset: \(offset), log offset: \(found)") }
            }
            if !options.verifiesOnly { print("offset: \(offset) position: \(position)") }
        }
        if !mismatches.isEmpty { findings.mismatches[path] = mismatches.reversed() }
    }

    func dumpTimes(_ findings: inout DumpFindings) throws(FileError) {
        let base = SegmentFileName.parse(name, .timeIndex) ?? .zero
        let content = Bytes(try PosixFileStore().readAll(path))
        let entries = IndexText.timeEntries(content, base: base)
        if entries.isEmpty { return print("\(path) is empty.") }
        if options.checksShape { return checkShape(content, entryBytes: IndexText.timeEntryBytes) }
        let batches = try batchesOfLog()
        var before: Int64?
        for (timestamp, offset) in entries {
            if let batches { compare(timestamp, offset, before: before, with: batches, &findings) }
            if !options.verifiesOnly { print("timestamp: \(timestamp) offset: \(offset)") }
            before = timestamp
        }
    }

    private func checkShape(_ content: Bytes, entryBytes: Int) {
        let isSound = content.count % entryBytes == 0
        print(isSound ? "\(path) passed sanity check." : "\(path) has a part of an entry at its end.")
    }

    /// The headers of the log beside the index, in their order; nil where it is not there.
    private func batchesOfLog() throws(FileError) -> [RecordBatchHeader]? {
        let log = logPath(".timeindex")
        guard PosixFileStore().exists(log) else { return nil }
        var reader = try LogFileReader(path: log, batchBytesMax: options.batchBytesMax, bytesMax: nil)
        var headers: [RecordBatchHeader] = []
        while case .batch(let batch, _) = try reader.next() { headers.append(batch.header) }
        return headers
    }

    private func compare(
        _ timestamp: Int64, _ offset: Offset, before: Int64?, with batches: [RecordBatchHeader],
        _ findings: inout DumpFindings
    ) {
        guard let batch = batches.first(where: { $0.lastOffset >= offset }), batch.baseOffset <= offset else {
            findings.offsetsNotFound.append("Indexed offset: \(offset), found log offset: -1")
            return
        }
        if batch.maxTimestamp.value != timestamp {
            findings.timeMismatches[path, default: []].append(
                "  Index timestamp: \(timestamp), log timestamp: \(batch.maxTimestamp)")
        }
        if let before, before >= timestamp {
            findings.timesOutOfOrder[path, default: []].append(
                "  Index timestamp: \(timestamp), Previously indexed timestamp: \(before)")
        }
    }
}
