import Primitives
import WireProtocol
import World

/// Prints the batches of a log or snapshot file, with their records where that is asked for.
struct LogDump {
    let path: String
    let name: String
    let options: DumpLogOptions

    func run(_ findings: inout DumpFindings) throws(FileError) {
        var reader = try LogFileReader(path: path, batchBytesMax: options.batchBytesMax, bytesMax: options.bytesMax)
        var expected: Offset?
        loop: while true {
            switch try reader.next() {
            case .end: break loop
            case .invalid(let bytes):
                // A limit may cut the last batch.
                if options.bytesMax == nil { print("Found \(bytes) invalid bytes at the end of \(name)") }
                break loop
            case .batch(let batch, let position):
                print(BatchText.line(batch, at: position))
                if options.detail.showsRecords {
                    dumpRecords(batch, &expected, &findings)
                } else {
                    note(batch.header.baseOffset, &expected, &findings)
                    expected = batch.header.nextOffset
                }
            }
        }
    }

    private func note(_ offset: Offset, _ expected: inout Offset?, _ findings: inout DumpFindings) {
        if let expected, offset != expected {
            findings.nonConsecutive[path, default: []].append("  \(expected.value - 1) is followed by \(offset)")
        }
        expected = offset + 1
    }

    private func dumpRecords(_ batch: RecordBatch, _ expected: inout Offset?, _ findings: inout DumpFindings) {
        do throws(RecordBatchError) {
            var records = try RecordIterator(batch)
            var index: Int32 = 0
            while let record = try records.next() {
                note(record.offset, &expected, &findings)
                if let line = BatchText.line(record, index: index, in: batch.header, options.detail, options.decoder) {
                    print(line)
                }
                index += 1
            }
        } catch { print("| records can't be read: \(error)") }
    }
}
