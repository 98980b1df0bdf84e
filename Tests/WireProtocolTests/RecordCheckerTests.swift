import Primitives
import Testing
import WireProtocol

@Suite("Records of produced batches are checked without being made")
struct RecordCheckerTests {
    private typealias Position = RecordBatchHeader.Position

    /// A batch of `count` records whose values are `valueBytes` long.
    private static func batch(
        _ count: Int = 3, valueBytes: Int = 20, compression: Compression = .uncompressed, firstTime: Int64 = 1_000
    ) throws -> RecordBatch {
        var builder = RecordBatchBuilder(compression: compression)
        var generator = SeededGenerator(seed: 11)
        for index in 0..<count {
            let value = Bytes((0..<valueBytes).map { _ in UInt8(97 + generator.next() % 9) })
            builder.append(
                timestamp: Timestamp(firstTime + Int64(index)), key: index % 2 == 0 ? Bytes(utf8: "k\(index)") : nil,
                value: value, headers: index == 0 ? [RecordHeader(key: "h", value: nil)] : [])
        }
        return try RecordBatch.produced(builder.finish())
    }

    /// A batch around hand-made records.
    private static func batch(around records: [UInt8], count: Int32, compression: Compression = .uncompressed) throws
        -> RecordBatch
    {
        let header = try batch(1).bytes.array[..<RecordBatchHeader.sizeInBytes]
        let payload = compression == .uncompressed ? Bytes(records) : compression.compress(Bytes(records))
        let bytes = Bytes(Array(header) + payload.array)
        bytes.patch(Int32(bytes.count - RecordBatchHeader.prefixBytes), at: Position.length)
        bytes.patch(Int16(compression.rawValue), at: Position.attributes)
        bytes.patch(count, at: Position.recordCount)
        bytes.patch(count - 1, at: Position.lastOffsetDelta)
        return try RecordBatch(bytes)
    }

    private static func records(_ batch: RecordBatch) throws -> [Record] {
        var records: [Record] = []
        var iterator = try RecordIterator(batch)
        while let record = try iterator.next() { records.append(record) }
        return records
    }

    private static func refusal(_ batch: RecordBatch, _ rules: RecordRules = RecordRules()) -> RecordRefusal? {
        do throws(RecordRefusal) {
            _ = try RecordChecker().check(batch, rules)
            return nil
        } catch { return error }
    }

    @Test(
        "Good batches pass as the bytes that they are, whatever their size and codec",
        arguments: Compression.allCases, [(1, 0), (3, 20), (2_000, 100), (3, 200_000)])
    func good(compression: Compression, shape: (count: Int, valueBytes: Int)) throws {
        let batch = try RecordCheckerTests.batch(
            shape.count, valueBytes: shape.valueBytes, compression: compression)
        let checked = try #require(try RecordChecker().check(batch, RecordRules()))
        #expect(checked.bytes.region === batch.bytes.region)
        #expect(checked == batch)
    }

    /// Wrong records behind each other's names: bytes, how many the header counts.
    private static let wrong: [(String, [UInt8], Int32)] = [
        ("no room for what its length says", [40, 0, 0, 0, 1, 2, 0x76, 0], 1),
        ("a length below its parts", [12, 0, 0, 0, 1, 2, 0x76, 0], 1),
        ("a length above its parts", [16, 0, 0, 0, 1, 2, 0x76, 0, 0], 1),
        ("a negative length", [1, 0, 0, 0, 1, 2, 0x76, 0], 1),
        ("an offset that is not the next", [14, 0, 0, 2, 1, 2, 0x76, 0], 1),
        ("a key size of -2", [14, 0, 0, 0, 3, 2, 0x76, 0], 1),
        ("a value size of -2", [14, 0, 0, 0, 1, 3, 0x76, 0], 1),
        ("a value beyond the record", [14, 0, 0, 0, 1, 100, 0x76, 0], 1),
        ("a negative number of headers", [14, 0, 0, 0, 1, 2, 0x76, 1], 1),
        ("more headers than bytes", [14, 0, 0, 0, 1, 2, 0x76, 0x7E], 1),
        ("a header without a key", [18, 0, 0, 0, 1, 2, 0x76, 2, 1, 1], 1),
        ("a header value of -2", [18, 0, 0, 0, 1, 2, 0x76, 2, 0, 3], 1),
        ("a number that does not end", [14, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1),
        ("more records counted than there are", [14, 0, 0, 0, 1, 2, 0x76, 0], 2),
        ("fewer records counted than there are", [14, 0, 0, 0, 1, 2, 0x76, 0, 14, 0, 0, 2, 1, 2, 0x76, 0], 1),
        ("a byte behind the last", [14, 0, 0, 0, 1, 2, 0x76, 0, 0], 1),
        ("nothing at all", [], 1),
    ]

    @Test(
        "A10: a record that lies makes the whole batch INVALID_RECORD, under every codec",
        arguments: Compression.allCases)
    func lies(compression: Compression) throws {
        for (name, records, count) in RecordCheckerTests.wrong {
            let batch = try RecordCheckerTests.batch(around: records, count: count, compression: compression)
            let refusal = RecordCheckerTests.refusal(batch)
            #expect(refusal?.code == .invalidRecord, "\(name)")
            #expect(refusal?.faults.count == 1, "\(name)")
        }
    }

    @Test("A10: a million headers are passed over, one too many is refused")
    func manyHeaders() throws {
        let headers = [UInt8](repeating: 0, count: 2_000_000)
        func record(_ claimed: Int) -> [UInt8] {
            let body = [0, 0, 0, 1, 1] + RecordCheckerTests.varint(claimed) + headers
            return RecordCheckerTests.varint(body.count) + body
        }
        let good = try RecordCheckerTests.batch(around: record(1_000_000), count: 1)
        #expect(try RecordChecker().check(good, RecordRules()) == good)
        let bad = try RecordCheckerTests.batch(around: record(1_000_001), count: 1)
        #expect(RecordCheckerTests.refusal(bad)?.code == .invalidRecord)
    }

    private static func varint(_ value: Int) -> [UInt8] {
        var raw = UInt32(value) << 1
        var bytes: [UInt8] = []
        while raw >= 0x80 {
            bytes.append(UInt8(raw & 0x7F) | 0x80)
            raw >>= 7
        }
        return bytes + [UInt8(raw)]
    }

    @Test("The latest time in the header is made that of the records, with a new checksum")
    func latestTime() throws {
        let batch = try RecordCheckerTests.batch()
        batch.bytes.patch(Int64(5), at: Position.maxTimestamp)
        var rules = RecordRules()
        rules.createTimes = 0...10_000
        let checked = try #require(try RecordChecker().check(try RecordBatch(batch.bytes), rules))
        #expect(checked.header.maxTimestamp == Timestamp(1_002))
        try RecordBatch(checked.bytes).verifyChecksum()
    }

    @Test("Times out of range are INVALID_TIMESTAMP, each record by its index; a record without a time is no error")
    func times() throws {
        var rules = RecordRules()
        rules.createTimes = 1_001...1_005
        let refusal = try #require(RecordCheckerTests.refusal(try RecordCheckerTests.batch(8), rules))
        #expect(refusal.code == .invalidTimestamp)
        #expect(refusal.faults.map(\.index) == [0, 6, 7])
        #expect(refusal.faults[0].message.contains("within [1001, 1005]"))
        let timeless = try RecordCheckerTests.batch(1, firstTime: -1)
        #expect(try RecordChecker().check(timeless, rules)?.header.maxTimestamp == Timestamp(-1))
    }

    @Test("A compacted topic names each record without a key, a hundred at most")
    func keys() throws {
        var rules = RecordRules()
        rules.needsKeys = true
        let refusal = try #require(RecordCheckerTests.refusal(try RecordCheckerTests.batch(6), rules))
        #expect(refusal.code == .invalidRecord)
        #expect(refusal.faults.map(\.index) == [1, 3, 5])
        #expect(RecordCheckerTests.refusal(try RecordCheckerTests.batch(1_000), rules)?.faults.count == 100)
    }

    @Test(
        "Every codec is put into every other, record by record the same", arguments: Compression.allCases,
        Compression.allCases)
    func conversion(from: Compression, to: Compression) throws {
        for shape in [(1, 1), (50, 100), (3_000, 100), (2, 300_000)] {
            let batch = try RecordCheckerTests.batch(shape.0, valueBytes: shape.1, compression: from)
            var rules = RecordRules()
            rules.storedAs = .codec(to, level: nil)
            rules.createTimes = 0...10_000
            let stored = try #require(try RecordChecker().check(batch, rules))
            try stored.verifyChecksum()
            #expect(try RecordBatch.produced(stored.bytes) == stored)
            #expect(stored.header.attributes.compression == to)
            #expect(try RecordCheckerTests.records(stored) == RecordCheckerTests.records(batch))
            if from == to { #expect(stored.bytes.region === batch.bytes.region) }
        }
    }

    @Test("Levels make a difference, and what the highest writes can be read within the window that we accept")
    func levels() throws {
        let batch = try RecordCheckerTests.batch(3_000, valueBytes: 200)
        func stored(_ codec: Compression, _ level: Int32) throws -> RecordBatch {
            var rules = RecordRules()
            rules.storedAs = .codec(codec, level: level)
            return try #require(try RecordChecker().check(batch, rules))
        }
        for (codec, low, high) in [(Compression.gzip, Int32(1), Int32(9)), (.zstd, -5, 22), (.lz4, 1, 12)] {
            let (small, large) = (try stored(codec, high), try stored(codec, low))
            #expect(small.sizeInBytes < large.sizeInBytes, "\(codec)")
            #expect(try RecordCheckerTests.records(small) == RecordCheckerTests.records(batch))
        }
    }

    @Test("A batch that grows beyond the largest one in another codec is MESSAGE_TOO_LARGE")
    func grows() throws {
        let batch = try RecordCheckerTests.batch(2_000, valueBytes: 100, compression: .gzip)
        var rules = RecordRules()
        rules.storedAs = .codec(.uncompressed, level: nil)
        rules.batchBytesMax = 100_000
        #expect(RecordCheckerTests.refusal(batch, rules)?.code == .messageTooLarge)
    }

    @Test("A11: a bomb stops at the limit, under every codec", arguments: [Compression.gzip, .snappy, .lz4, .zstd])
    func bombs(codec: Compression) throws {
        let body = [0, 0, 0, 1] + RecordCheckerTests.varint(32 << 20) + [UInt8](repeating: 0, count: 32 << 20) + [0]
        let batch = try RecordCheckerTests.batch(
            around: RecordCheckerTests.varint(body.count) + body, count: 1, compression: codec)
        #expect(try RecordChecker().check(batch, RecordRules()) == batch)
        var rules = RecordRules()
        rules.decompressedBytesMax = 32 << 20
        #expect(RecordCheckerTests.refusal(batch, rules)?.code == .messageTooLarge)
        // A loop does not even begin with the rest of it.
        #expect(try RecordChecker().check(batch, RecordRules(), patience: .ofLoop) == nil)
    }

    @Test("A11: a zstd frame that asks for a window of 2 GiB is MESSAGE_TOO_LARGE, bad frames are CORRUPT_MESSAGE")
    func windows() throws {
        func batch(_ payload: [UInt8], _ codec: Compression) throws -> RecordBatch {
            let made = try RecordCheckerTests.batch(around: payload, count: 1)
            made.bytes.patch(Int16(codec.rawValue), at: Position.attributes)
            return try RecordBatch(made.bytes)
        }
        // Magic, a descriptor without a content size, the window 2^31.
        let wide: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00]
        #expect(RecordCheckerTests.refusal(try batch(wide, .zstd))?.code == .messageTooLarge)
        // Magic, descriptors with a wrong header checksum.
        let badHeader: [UInt8] = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x00, 0, 0, 0, 0]
        #expect(RecordCheckerTests.refusal(try batch(badHeader, .lz4))?.code == .corruptMessage)
        let hugeBlock: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00]
        #expect(RecordCheckerTests.refusal(try batch(hugeBlock, .snappy))?.code == .corruptMessage)
        for codec in [Compression.gzip, .snappy, .lz4, .zstd] {
            #expect(RecordCheckerTests.refusal(try batch([1, 2, 3, 4, 5], codec))?.code == .corruptMessage)
        }
    }

    @Test("A record is found by offset or time without being made, under every codec", arguments: Compression.allCases)
    func search(codec: Compression) throws {
        for shape in [(1, 1), (3_000, 100), (3, 200_000)] {
            var batch = try RecordCheckerTests.batch(shape.0, valueBytes: shape.1, compression: codec)
            batch.place(at: Offset(500), leaderEpoch: LeaderEpoch(1))
            for record in [0, shape.0 / 2, shape.0 - 1] {
                let found = try batch.firstRecord { _, time in time >= Timestamp(1_000 + Int64(record)) }
                #expect(found?.offset == Offset(500 + Int64(record)))
                #expect(found?.timestamp == Timestamp(1_000 + Int64(record)))
            }
            #expect(try batch.firstRecord { offset, _ in offset > Offset(500 + Int64(shape.0)) } == nil)
        }
    }

    @Test("A header that is no text is accepted as Kafka accepts it, and stands in no search's way")
    func headerWithoutText() throws {
        let record: [UInt8] = [20, 0, 0, 0, 1, 1, 2, 4, 0xFF, 0xFE, 1]
        let batch = try RecordCheckerTests.batch(around: record, count: 1)
        #expect(try RecordChecker().check(batch, RecordRules()) == batch)
        #expect(try batch.firstRecord { _, _ in true }?.offset == Offset(0))
    }

    @Test("Patience ends before anything is changed")
    func patience() throws {
        let batch = try RecordCheckerTests.batch(2_000, valueBytes: 100, compression: .zstd)
        let patience = RecordChecker.Patience(decompressedBytesMax: 10_000, convertedBytesMax: 1_000)
        let before = batch.bytes.array
        #expect(try RecordChecker().check(batch, RecordRules(), patience: patience) == nil)
        #expect(batch.bytes.array == before)
        #expect(try RecordChecker().check(try RecordCheckerTests.batch(), RecordRules(), patience: patience) != nil)
    }

    @Test("One checker serves batch after batch, good and bad, in any codec")
    func reuse() throws {
        let checker = RecordChecker()
        for round in 0..<40 {
            let codec = Compression.allCases[round % Compression.allCases.count]
            let batch = try RecordCheckerTests.batch(100 + round, compression: codec)
            #expect(try checker.check(batch, RecordRules()) == batch)
            let bad = try RecordCheckerTests.batch(around: [2, 0, 0], count: 1, compression: codec)
            #expect(throws: RecordRefusal.self) { try checker.check(bad, RecordRules()) }
        }
    }
}
