import Primitives
import Testing
import WireProtocol

@Suite("Record batches")
struct RecordBatchTests {
    static func batch(
        _ count: Int = 3, compression: Compression = .uncompressed, producer: BatchProducer? = nil
    ) -> Bytes {
        var builder = RecordBatchBuilder(compression: compression, producer: producer)
        for index in 0..<count {
            builder.append(
                timestamp: Timestamp(1_000 + Int64(index)), key: index == 1 ? nil : Bytes(utf8: "k\(index)"),
                value: index == 2 ? nil : Bytes(Array(repeating: UInt8(index), count: 200)),
                headers: [RecordHeader(key: "h", value: Bytes([1])), RecordHeader(key: "n", value: nil)])
        }
        return builder.finish()
    }

    @Test("What is built is read again, under every compression", arguments: Compression.allCases)
    func roundTrip(compression: Compression) throws {
        var batch = try RecordBatch.produced(RecordBatchTests.batch(compression: compression))
        batch.place(at: Offset(70), leaderEpoch: LeaderEpoch(4))
        try batch.verifyChecksum()
        var records: [Record] = []
        var iterator = try RecordIterator(batch)
        while let record = try iterator.next() { records.append(record) }
        #expect(records.map(\.offset.value) == [70, 71, 72])
        #expect(records.map(\.timestamp.value) == [1_000, 1_001, 1_002])
        #expect(records[0].key == Bytes(utf8: "k0"))
        #expect(records[1].key == nil)
        #expect(records[2].value == nil)
        #expect(records[0].headers == [RecordHeader(key: "h", value: Bytes([1])), RecordHeader(key: "n", value: nil)])
        #expect(batch.header.maxTimestamp == Timestamp(1_002))
        #expect(batch.header.nextOffset == Offset(73))
    }

    @Test("The broker's time is stamped with a new checksum and holds for all records")
    func logAppendTime() throws {
        var batch = try RecordBatch(RecordBatchTests.batch())
        batch.stamp(logAppendTime: Timestamp(9_999))
        let again = try RecordBatch(batch.bytes)
        try again.verifyChecksum()
        #expect(again.header.attributes.timestampType == .logAppendTime)
        var iterator = try RecordIterator(again)
        #expect(try iterator.next()?.timestamp == Timestamp(9_999))
    }

    @Test("Batches one behind the other, and a tail that was cut")
    func sequence() throws {
        let one = RecordBatchTests.batch().array
        var whole = RecordBatches(Bytes(one + one))
        #expect(try whole.next() != nil)
        #expect(try whole.next() != nil)
        #expect(try whole.next() == nil)
        var cut = RecordBatches(Bytes(one + one.dropLast()))
        #expect(try cut.next() != nil)
        #expect(throws: RecordBatchError.self) { try cut.next() }
        #expect(cut.position == one.count)
    }

    @Test("A batch cut at any byte is refused")
    func truncation() {
        let whole = RecordBatchTests.batch()
        for length in 0..<whole.count {
            #expect(throws: RecordBatchError.self) { try RecordBatch.produced(whole[0..<length]) }
        }
    }

    @Test("A flipped bit anywhere behind the checksum is found")
    func flippedBits() {
        let whole = RecordBatchTests.batch().array
        for position in RecordBatchHeader.Position.checksum..<whole.count {
            var bytes = whole
            bytes[position] ^= 0x10
            #expect(throws: RecordBatchError.self) { try RecordBatch.produced(Bytes(bytes)) }
        }
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let error: ErrorCode
        let change: @Sendable (Bytes) -> Void
        /// Some fields are outside the checksum or are it.
        var keepsChecksum = false
    }

    static let wrongs: [Wrong] = [
        Wrong(
            testDescription: "wrong checksum", error: .corruptMessage, change: { $0.patch(1 as UInt32, at: 17) },
            keepsChecksum: true),
        Wrong(
            testDescription: "length below a header", error: .corruptMessage, change: { $0.patch(48 as Int32, at: 8) }),
        Wrong(testDescription: "negative length", error: .corruptMessage, change: { $0.patch(-1 as Int32, at: 8) }),
        Wrong(
            testDescription: "length beyond the bytes", error: .corruptMessage, change: { $0.patch(Int32.max, at: 8) }),
        Wrong(testDescription: "magic 0", error: .unsupportedForMessageFormat, change: { $0.patch(0 as Int8, at: 16) }),
        Wrong(testDescription: "magic 1", error: .unsupportedForMessageFormat, change: { $0.patch(1 as Int8, at: 16) }),
        Wrong(testDescription: "base offset 5", error: .invalidRecord, change: { $0.patch(5 as Int64, at: 0) }),
        Wrong(
            testDescription: "last offset delta -1", error: .invalidRecord, change: { $0.patch(-1 as Int32, at: 23) }),
        Wrong(testDescription: "last offset delta 7", error: .invalidRecord, change: { $0.patch(7 as Int32, at: 23) }),
        Wrong(testDescription: "no records", error: .invalidRecord, change: { $0.patch(0 as Int32, at: 57) }),
        Wrong(testDescription: "control batch", error: .invalidRecord, change: { $0.patch(0x20 as Int16, at: 21) }),
        Wrong(
            testDescription: "transactional without producer", error: .invalidRecord,
            change: { $0.patch(0x10 as Int16, at: 21) }),
        Wrong(
            testDescription: "the broker's time", error: .invalidTimestamp, change: { $0.patch(0x08 as Int16, at: 21) }),
        Wrong(testDescription: "reserved bits", error: .invalidRecord, change: { $0.patch(0x100 as Int16, at: 21) }),
        Wrong(testDescription: "codec 5", error: .unsupportedCompressionType, change: { $0.patch(5 as Int16, at: 21) }),
        Wrong(
            testDescription: "producer without sequence", error: .invalidRecord,
            change: { $0.patch(9 as Int64, at: 43) }),
        Wrong(testDescription: "negative producer", error: .invalidRecord, change: { $0.patch(-9 as Int64, at: 43) }),
    ]

    @Test("A producer's batch with a wrong header is refused with its error", arguments: wrongs)
    func wrongHeaders(wrong: Wrong) throws {
        let bytes = RecordBatchTests.batch()
        wrong.change(bytes)
        if !wrong.keepsChecksum { bytes.patch(CRC32C.checksum(bytes[21..<bytes.count].span), at: 17) }
        do {
            _ = try RecordBatch.produced(bytes)
            Issue.record("accepted")
        } catch { #expect(error.errorCode == wrong.error) }
    }

    @Test("Two batches where one is allowed, and none at all, are refused")
    func notOneBatch() {
        let one = RecordBatchTests.batch().array
        #expect(throws: RecordBatchError.notOneBatch) { try RecordBatch.produced(Bytes(one + one)) }
        #expect(throws: RecordBatchError.notOneBatch) { try RecordBatch.produced(.empty) }
    }

    @Test("The last sequence number wraps behind the largest")
    func sequenceWraps() throws {
        let producer = BatchProducer(id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: .max - 1)
        let batch = try RecordBatch.produced(RecordBatchTests.batch(producer: producer))
        #expect(batch.header.lastSequence == 0)
        #expect(batch.header.producerID == ProducerID(1))
    }

    @Test("Control records carry their type in the key")
    func control() throws {
        let producer = BatchProducer(id: ProducerID(5), epoch: ProducerEpoch(2), baseSequence: nil)
        let bytes = RecordBatchBuilder.control(
            .commit, value: Bytes([0, 0, 0, 0, 0, 3]), timestamp: Timestamp(8), baseOffset: Offset(40),
            producer: producer, isTransactional: true)
        let batch = try RecordBatch(bytes)
        #expect(batch.header.attributes.isControl)
        #expect(batch.header.attributes.isTransactional)
        #expect(batch.header.baseSequence == nil)
        var iterator = try RecordIterator(batch)
        let record = try #require(try iterator.next())
        #expect(try ControlRecordType(key: try #require(record.key)) == .commit)
        #expect(record.offset == Offset(40))
    }

    @Test("A record that lies about its place, its size or its headers is refused", arguments: [0, 3, 4, 5, 7])
    func lyingRecords(position: Int) throws {
        // Size, attributes, timestamp delta, offset delta, key size, key, value size, value, number of headers.
        var record: [UInt8] = [0, 0, 0, 0, 1, 2, 0x76, 0]
        record[0] = UInt8((record.count - 1) * 2)
        var bytes = RecordBatchTests.batch(1).array[..<61] + record
        let good = try RecordBatch(sized(Array(bytes)))
        #expect(try RecordChecker().check(good, RecordRules()) == good)
        bytes[61 + position] += 2
        let batch = try RecordBatch(sized(Array(bytes)))
        #expect(throws: RecordRefusal.self) { try RecordChecker().check(batch, RecordRules()) }
    }

    private func sized(_ bytes: [UInt8]) -> Bytes {
        let made = Bytes(bytes)
        made.patch(Int32(bytes.count - RecordBatchHeader.prefixBytes), at: RecordBatchHeader.Position.length)
        return made
    }

    @Test("An offset at the end of its range does not stop the reader: it is outside the checksum")
    func garbageOffset() throws {
        let bytes = RecordBatchTests.batch()
        bytes.patch(Int64.max, at: RecordBatchHeader.Position.baseOffset)
        let batch = try RecordBatch(bytes)
        #expect(batch.header.nextOffset.value < 0)
        var iterator = try RecordIterator(batch)
        while try iterator.next() != nil {}
    }

    @Test("Random changes to the records never do more than throw")
    func mutatedRecords() throws {
        var generator = SeededGenerator(seed: 77)
        let whole = RecordBatchTests.batch(20).array
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<3 {
                let position = 61 + Int(generator.next() % UInt64(bytes.count - 61))
                bytes[position] = UInt8(truncatingIfNeeded: generator.next())
            }
            let batch = try RecordBatch(Bytes(bytes))
            guard var iterator = try? RecordIterator(batch) else { continue }
            while let record = try? iterator.next() { #expect((record.value?.count ?? 0) <= bytes.count) }
            _ = try? RecordChecker().check(batch, RecordRules())
        }
    }
}
