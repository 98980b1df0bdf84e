import Foundation
import Primitives
import Testing
import WireProtocol

@Suite("Batches that other implementations wrote")
struct RecordBatchGoldenTests {
    static let batches: [String: Bytes] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        let text = (try? String(contentsOfFile: folder + "/Golden/record-batches.txt", encoding: .utf8)) ?? ""
        var found: [String: Bytes] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            let digits = Array(words[1].utf8).map { $0 <= 57 ? $0 - 48 : $0 - 87 }
            found[String(words[0])] = Bytes(
                stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
        }
        return found
    }()

    /// The records of the first five batches.
    static let records: [Record] = (0..<20).map { index in
        Record(
            offset: Offset(Int64(index)), timestamp: Timestamp(1_700_000_000_000 + Int64(index) * 10),
            key: index % 5 == 4 ? nil : Bytes(utf8: "key-\(index)"),
            value: index % 7 == 6
                ? nil : Bytes(utf8: "value-\(index)-" + String(repeating: "abc", count: index)),
            headers: index % 3 == 0
                ? [
                    RecordHeader(key: "header-\(index)", value: Bytes([1, 2, UInt8(index)])),
                    RecordHeader(key: "null", value: nil),
                ] : [])
    }

    private func records(_ batch: RecordBatch) throws -> [Record] {
        var iterator = try RecordIterator(batch)
        var found: [Record] = []
        while let record = try iterator.next() { found.append(record) }
        return found
    }

    @Test("Kafka's records are read under every compression", arguments: Compression.allCases)
    func read(compression: Compression) throws {
        let batch = try RecordBatch.produced(try #require(RecordBatchGoldenTests.batches[compression.name]))
        #expect(batch.header.attributes.compression == compression)
        #expect(batch.header.attributes.isTransactional)
        #expect(batch.header.producerID == ProducerID(77))
        #expect(batch.header.producerEpoch == ProducerEpoch(3))
        #expect(batch.header.baseSequence == 41)
        #expect(batch.header.lastSequence == 60)
        #expect(batch.header.leaderEpoch == LeaderEpoch(-1))
        #expect(try records(batch) == RecordBatchGoldenTests.records)
        var rules = RecordRules()
        rules.createTimes = 0...Int64.max
        let checked = try #require(try RecordChecker().check(batch, rules))
        #expect(checked == batch)
        #expect(checked.header.maxTimestamp == Timestamp(1_700_000_000_190))
    }

    @Test("Our builder writes the same bytes as Kafka's")
    func build() throws {
        var builder = RecordBatchBuilder(
            producer: BatchProducer(id: ProducerID(77), epoch: ProducerEpoch(3), baseSequence: 41),
            isTransactional: true)
        for record in RecordBatchGoldenTests.records {
            builder.append(
                timestamp: record.timestamp, key: record.key, value: record.value, headers: record.headers)
        }
        #expect(builder.finish() == RecordBatchGoldenTests.batches["none"])
    }

    @Test(
        "Transaction markers are the same bytes as Kafka's",
        arguments: [("commit", ControlRecordType.commit, 55, 0), ("abort", .abort, 56, 1)]
            as [(String, ControlRecordType, Int64, Int64)])
    func markers(name: String, type: ControlRecordType, offset: Int64, time: Int64) {
        // Version 0 and coordinator epoch 12.
        let made = RecordBatchBuilder.control(
            type, value: Bytes([0, 0, 0, 0, 0, 12]), timestamp: Timestamp(1_700_000_000_000 + time),
            baseOffset: Offset(offset), leaderEpoch: LeaderEpoch(9),
            producer: BatchProducer(id: ProducerID(77), epoch: ProducerEpoch(3), baseSequence: nil),
            isTransactional: true)
        #expect(made == RecordBatchGoldenTests.batches[name])
    }

    @Test("A leader change is read as control record")
    func leaderChange() throws {
        let batch = try RecordBatch(try #require(RecordBatchGoldenTests.batches["leader"]))
        try batch.verifyChecksum()
        #expect(batch.header.attributes.isControl)
        #expect(batch.header.baseOffset == Offset(100))
        #expect(batch.header.leaderEpoch == LeaderEpoch(6))
        let record = try #require(try records(batch).first)
        #expect(try ControlRecordType(key: try #require(record.key)) == .leaderChange)
    }

    @Test("kafka-python's batches are read", arguments: ["kafka-python-none", "kafka-python-gzip"])
    func kafkaPython(name: String) throws {
        let batch = try RecordBatch.produced(try #require(RecordBatchGoldenTests.batches[name]))
        let found = try records(batch)
        #expect(found.map(\.key) == (0..<5).map { $0 % 2 == 1 ? Bytes(utf8: "key-\($0)") : nil })
        #expect(found.map(\.value) == (0..<5).map { Bytes(utf8: "value-\($0)") })
        #expect(found[3].headers.map(\.key) == ["h", "n"])
    }

    @Test("Snappy without framing, as librdkafka sends it, is read")
    func bareSnappy() throws {
        let packed = try #require(RecordBatchGoldenTests.batches["snappy-raw"])
        #expect(
            try Compression.snappy.decompress(packed, limit: 400)
                == Bytes(utf8: String(repeating: "martlet ", count: 50)))
    }
}
