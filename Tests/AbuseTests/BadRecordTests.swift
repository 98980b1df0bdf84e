import Primitives
import Testing
import WireMessages
import WireProtocol

/// Cases A10 and A11: batches whose headers are right, and whose records are not.
@Suite("Bad records are refused with their whole batch", .serialized)
struct BadRecordTests {
    /// One record of these parts, its length before it.
    private static func record(_ parts: [UInt8]..., length: Int64? = nil) -> [UInt8] {
        let body = parts.flatMap { $0 }
        return Batches.zigzag(length ?? Int64(body.count)) + body
    }

    /// Attributes, time and offset of a record, then null for key and value.
    private static func head(_ offset: Int64 = 0, key: Int64 = -1, value: Int64 = -1) -> [UInt8] {
        [0, 0] + Batches.zigzag(offset) + Batches.zigzag(key) + Batches.zigzag(value)
    }

    private static let good = record(head(), [0])

    /// Payloads of batches that claim to hold so many records.
    private static let bad: [(String, [UInt8], Int32)] = [
        ("a length that is too great", record(head(), [0], length: 60), 1),
        ("a length that is too small", record(head(), [0], length: 4), 1),
        ("a length below zero", record(head(), [0], length: -1), 1),
        ("a length of six bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 1] + head() + [0], 1),
        ("more headers than bytes", record(head(), Batches.zigzag(1 << 30)), 1),
        ("fewer headers than none", record(head(), Batches.zigzag(-1)), 1),
        ("a key size of −2", record(head(key: -2), [0]), 1),
        ("a value size of −2", record(head(value: -2), [0]), 1),
        ("a value beyond the record", record(head(value: 50), [0]), 1),
        ("a header without a key", record(head(), [2], Batches.zigzag(-1), Batches.zigzag(-1)), 1),
        ("a header key beyond the record", record(head(), [2], Batches.zigzag(90), Batches.zigzag(-1)), 1),
        ("a header value of −2", record(head(), [2], Batches.zigzag(1), [0x61], Batches.zigzag(-2)), 1),
        ("bytes behind the last part", record(head(), [0, 7, 7]), 1),
        ("bytes behind the last record", good + [7, 7, 7, 7, 7, 7, 7], 1),
        ("a second offset that is the first's", good + record(head(0), [0]), 2),
        ("an offset that is left out", good + record(head(2), [0]), 2),
        ("a bad record behind a good one", good + record(head(1, key: -2), [0]), 2),
        ("fewer records than claimed", good + record(head(1), [0]), 3),
    ]

    @Test("A10: each wrong record refuses its batch, in every codec, and nothing of it is in the log")
    func records() throws {
        let node = try WholeNode()
        let good = try GoodTraffic(port: node.port)
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("records") == .noError)
        #expect(
            try client.produce(Batches.holding(BadRecordTests.good, count: 1), to: "records")?.errorCode == .noError)
        let before = try client.fetchAll("records")
        for (name, payload, count) in BadRecordTests.bad {
            for codec in Compression.allCases {
                let packed = codec == .uncompressed ? payload : codec.compress(Bytes(payload)).array
                let batch = Batches.holding(packed, count: count, codec: codec)
                let answer = try client.produce(batch, to: "records")
                #expect(answer?.errorCode == .invalidRecord, "\(name), \(codec)")
            }
        }
        #expect(try client.fetchAll("records").array == before.array)
        good.expectUnharmed()
        try node.stop()
    }

    @Test("A10: a compressed stream that is cut or goes on is refused; a record of a hundred thousand headers is not")
    func streams() throws {
        let node = try WholeNode()
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("streams") == .noError)
        for codec in Compression.allCases where codec != .uncompressed {
            let packed = codec.compress(Bytes(BadRecordTests.good)).array
            for (name, payload) in [("cut", Array(packed.dropLast(3))), ("empty", []), ("longer", packed + [1, 2, 3])] {
                let answer = try client.produce(Batches.holding(payload, count: 1, codec: codec), to: "streams")
                let isRefused = [.corruptMessage, .invalidRecord].contains(answer?.errorCode)
                #expect(isRefused, "\(codec), \(name): \(String(describing: answer?.errorCode))")
            }
            let headers = [UInt8](repeating: 0, count: 200_000).enumerated().map { UInt8($0.offset % 2) }
            let body = BadRecordTests.record(BadRecordTests.head(), Batches.zigzag(100_000), headers)
            let batch = Batches.holding(codec.compress(Bytes(body)).array, count: 1, codec: codec)
            #expect(try client.produce(batch, to: "streams")?.errorCode == .noError, "\(codec)")
        }
        try node.stop()
    }

    /// Streams that are small and promise, or are, too much.
    private static func bombs() -> [(String, Compression, [UInt8])] {
        let zeros = Bytes([UInt8](repeating: 0, count: 66 << 20))
        // 64 MiB and more out of a few hundred kilobytes, or less.
        var bombs: [(String, Compression, [UInt8])] = [Compression.gzip, .zstd, .lz4].map {
            ("\($0) of 66 MiB of zeros", $0, $0.compress(zeros).array)
        }
        bombs.append(("gzip in gzip", .gzip, Compression.gzip.compress(Compression.gzip.compress(zeros)).array))
        // A zstd frame with a window of 2³¹ bytes, then one empty last block.
        bombs.append(("zstd window", .zstd, [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00]))
        // A zstd frame that says it holds 2⁶² bytes.
        bombs.append(
            ("zstd size", .zstd, [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x58, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x01, 0x00, 0x00]))
        // lz4 frames: a content size of 2⁶² with a wrong header checksum, and a block of 2³¹ − 1 bytes.
        bombs.append(("lz4 size", .lz4, [4, 0x22, 0x4D, 0x18, 0x68, 0x70, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x00]))
        bombs.append(("lz4 block", .lz4, [4, 0x22, 0x4D, 0x18, 0x60, 0x70, 0x73, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0]))
        // Snappy, raw and in Java's framing: a length of 2³¹ and more.
        bombs.append(("snappy length", .snappy, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]))
        let xerial: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]
        bombs.append(("xerial chunk", .snappy, xerial + [0x7F, 0xFF, 0xFF, 0xFF, 0, 0]))
        bombs.append(("xerial chunk below zero", .snappy, xerial + [0x80, 0, 0, 0, 0, 0]))
        return bombs
    }

    @Test("A11: a small stream that would become a great one is refused, in bounded memory")
    func bombs() throws {
        let node = try WholeNode()
        let good = try GoodTraffic(port: node.port)
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("bombs") == .noError)
        let bombs = BadRecordTests.bombs()
        let before = AbusedServer.residentBytes
        for (name, codec, payload) in bombs {
            let answer = try client.produce(Batches.holding(payload, count: 1, codec: codec), to: "bombs")
            let isRefused = [.corruptMessage, .messageTooLarge, .invalidRecord].contains(answer?.errorCode)
            #expect(isRefused, "\(name): \(String(describing: answer?.errorCode))")
            #expect(answer?.baseOffset == Offset(-1), "\(name)")
        }
        #expect(AbusedServer.residentBytes - before < 128 << 20)
        #expect(try client.produce(Batches.plain(), to: "bombs")?.baseOffset == .zero)
        good.expectUnharmed()
        try node.stop()
    }
}
