import Primitives
import Testing
import WireProtocol

@Suite("Compression")
struct CompressionTests {
    static let codecs: [Compression] = [.gzip, .snappy, .lz4, .zstd]

    private func text(_ count: Int) -> Bytes {
        var generator = SeededGenerator(seed: 3)
        return Bytes((0..<count).map { _ in UInt8(97 + generator.next() % 7) })
    }

    @Test("What is compressed comes back", arguments: codecs, [0, 1, 100, 32_768, 32_769, 1_000_000])
    func roundTrip(codec: Compression, count: Int) throws {
        let plain = text(count)
        let packed = codec.compress(plain)
        #expect(try codec.decompress(packed, limit: count) == plain)
    }

    @Test("One byte more than the limit is too large", arguments: codecs)
    func limit(codec: Compression) {
        let packed = codec.compress(text(100_000))
        #expect(throws: CompressionError.tooLarge) { try codec.decompress(packed, limit: 99_999) }
    }

    @Test("A bomb stops at the limit", arguments: codecs)
    func bomb(codec: Compression) {
        let packed = codec.compress(Bytes(Array(repeating: 0, count: 32 << 20)))
        #expect(throws: CompressionError.tooLarge) { try codec.decompress(packed, limit: 1 << 20) }
    }

    @Test("Compressed bytes cut anywhere are corrupt", arguments: codecs)
    func truncation(codec: Compression) {
        let packed = codec.compress(text(500))
        for length in 0..<packed.count {
            // Snappy's framing may end behind its header: that is an empty original.
            if codec == .snappy, length == 16 { continue }
            #expect(throws: CompressionError.self, "\(length) bytes") {
                try codec.decompress(packed[0..<length], limit: 1 << 20)
            }
        }
    }

    @Test("Random bytes never do more than throw", arguments: codecs)
    func garbage(codec: Compression) {
        var generator = SeededGenerator(seed: 5)
        let packed = codec.compress(text(2_000)).array
        for _ in 0..<2_000 {
            var bytes = packed
            for _ in 0..<4 {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            if let plain = try? codec.decompress(Bytes(bytes), limit: 1 << 20) { #expect(plain.count <= 1 << 20) }
        }
    }

    @Test("Snappy blocks that lie about their size are refused, bare and framed")
    func snappyLies() {
        let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00]
        #expect(throws: CompressionError.self) { try Compression.snappy.decompress(Bytes(huge), limit: 1 << 30) }
        let framing: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]
        for length: [UInt8] in [[0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 6]] {
            #expect(throws: CompressionError.self) {
                try Compression.snappy.decompress(Bytes(framing + length + huge), limit: 1 << 30)
            }
        }
    }

    @Test("Codecs are found by their names in configurations")
    func names() {
        #expect(Compression(name: "none") == .uncompressed)
        #expect(Compression(name: "zstd") == .zstd)
        #expect(Compression(name: "brotli") == nil)
    }
}
