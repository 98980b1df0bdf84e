package import ArgumentParser
import LiveWorld
import LogStorage
import Primitives
import WireProtocol
import World

/// `martlet dump-log`, `kafka-dump-log`: prints what the files of a log hold; no cluster is asked.
package struct DumpLogCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "dump-log", abstract: "Print the contents of log, index and snapshot files.")

    @Option(name: .customLong("files"), help: "The files, divided by commas.") package var files: String?
    @Flag(name: .customLong("print-data-log"), help: "Print keys and values.") package var printsData = false
    @Flag(name: .customLong("deep-iteration"), help: "Print each record.") package var isDeep = false
    @Flag(name: .customLong("verify-index-only"), help: "Check indexes without printing them.")
    package var verifiesOnly = false
    @Flag(name: .customLong("index-sanity-check"), help: "Check only the shape of indexes.") package var checksShape =
        false
    @Option(name: .customLong("max-message-size"), help: "The largest batch.") package var batchBytesMax = 5_242_880
    @Option(name: .customLong("max-bytes"), help: "Stop after so many bytes of a log.") package var bytesMax = Int64.max
    @Flag(name: .customLong("skip-record-metadata"), help: "Print only keys and values.")
    package var skipsMetadata = false

    package init() {}

    package func run() throws {
        guard let files else { throw ToolFailure.missing("files") }
        for path in files.split(separator: ",").map(String.init) {
            print("Dumping \(path)")
            do throws(FileError) { try dump(path) } catch { throw ToolFailure("\(error)") }
        }
    }

    private func dump(_ path: String) throws(FileError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if name.hasSuffix(".log") || name.hasSuffix(".checkpoint") {
            if let line = DumpLogCommand.secondLine(name) { print(line) }
            try dumpLog(path)
        } else if name.hasSuffix(".index") {
            try dumpIndex(path, name, entryBytes: 8)
        } else if name.hasSuffix(".timeindex") {
            try dumpIndex(path, name, entryBytes: 12)
        } else if name.hasSuffix(".snapshot") {
            try dumpProducers(path)
        } else {
            Console.complain("Ignoring unknown file \(path)")
        }
    }

    /// What the name alone says.
    package static func secondLine(_ name: String) -> String? {
        if name == "bootstrap.checkpoint" { return "KRaft bootstrap snapshot" }
        if let snapshot = SnapshotFileName(name) {
            return "Snapshot end offset: \(snapshot.endOffset), epoch: \(snapshot.epoch)"
        }
        return SegmentFileName.parse(name, .log).map { "Log starting offset: \($0)" }
    }

    private func dumpLog(_ path: String) throws(FileError) {
        var detail = BatchText.Detail()
        detail.showsRecords = isDeep || printsData
        detail.showsData = printsData
        detail.skipsMetadata = skipsMetadata
        var reader = try LogFileReader(path: path, batchBytesMax: batchBytesMax)
        var gaps: [String] = []
        var expected: Offset?
        loop: while reader.position < bytesMax {
            switch try reader.next() {
            case .end: break loop
            case .invalid(let bytes):
                let name = path.split(separator: "/").last ?? ""
                print("Found \(bytes) invalid bytes at the end of \(name)")
                break loop
            case .batch(let batch, let position):
                if let expected, batch.header.baseOffset != expected {
                    gaps.append("  \(expected.value - 1) is followed by \(batch.header.baseOffset)")
                }
                expected = batch.header.nextOffset
                if !skipsMetadata { print(BatchText.line(batch, at: position)) }
                if detail.showsRecords { dumpRecords(batch, detail) }
            }
        }
        if !gaps.isEmpty {
            Console.complain("Non-consecutive offsets in \(path)")
            for gap in gaps { Console.complain(gap) }
        }
    }

    private func dumpRecords(_ batch: RecordBatch, _ detail: BatchText.Detail) {
        do throws(RecordBatchError) {
            var records = try RecordIterator(batch)
            var index: Int32 = 0
            while let record = try records.next() {
                print(BatchText.line(record, index: index, in: batch.header, detail))
                index += 1
            }
        } catch { print("| records can't be read: \(error)") }
    }

    private func dumpIndex(_ path: String, _ name: String, entryBytes: Int) throws(FileError) {
        let base = SegmentFileName.parse(name, entryBytes == 8 ? .offsetIndex : .timeIndex) ?? .zero
        let content = Bytes(try PosixFileStore().readAll(path))
        let entries = IndexText.entries(content, base: base, entryBytes: entryBytes)
        if entries.isEmpty { return print("\(path) is empty.") }
        if checksShape {
            let isSound = content.count % entryBytes == 0
            return print(isSound ? "\(path) passed sanity check." : "\(path) has a part of an entry at its end.")
        }
        if !verifiesOnly { for entry in entries { print(entry) } }
        if entryBytes == 8 { try verify(path, content, base: base) }
    }

    /// Compares each entry of an offset index with the batch that it points to.
    private func verify(_ path: String, _ content: Bytes, base: Offset) throws(FileError) {
        let log = String(path.dropLast(".index".count)) + ".log"
        guard PosixFileStore().exists(log) else { return }
        let reader = try LogFileReader(path: log, batchBytesMax: batchBytesMax)
        var mismatches: [String] = []
        for (offset, position) in IndexText.offsetEntries(content, base: base) {
            let bytes = try reader.bytes(at: Int64(position), count: RecordBatchHeader.sizeInBytes)
            let found = (try? RecordBatchHeader(bytes))?.lastOffset
            if found != offset {
                mismatches.append("  Index offset: \(offset), log offset: \(found.map(\.description) ?? "-1")")
            }
        }
        guard !mismatches.isEmpty else { return }
        Console.complain("Mismatches in :\(path)")
        for line in mismatches { Console.complain(line) }
    }

    private func dumpProducers(_ path: String) throws(FileError) {
        guard let states = ProducerSnapshot.decode(try PosixFileStore().readAll(path)) else {
            return print("\(path) is damaged: its checksum or length is wrong")
        }
        for line in ProducerText.lines(states) { print(line) }
    }
}
