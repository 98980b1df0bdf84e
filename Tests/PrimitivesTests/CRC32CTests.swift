import Primitives
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    private func checksum(_ text: String) -> UInt32 { CRC32C.checksum(Bytes(utf8: text).span) }

    @Test("The known values of RFC 3720 and of the catalogue of checksums")
    func known() {
        #expect(checksum("123456789") == 0xE306_9283)
        #expect(checksum("") == 0)
        #expect(CRC32C.checksum(Bytes(Array(repeating: 0, count: 32)).span) == 0x8A91_36AA)
        #expect(CRC32C.checksum(Bytes(Array(repeating: 0xFF, count: 32)).span) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Bytes(Array(0..<32)).span) == 0x46DD_794E)
    }

    @Test("The processor's instructions and the portable code agree on every length and alignment")
    func fastAndPortable() {
        var generator = SeededGenerator(seed: 9)
        let source = Bytes((0..<20_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        let lengths = Array(0...600) + [1_023, 1_024, 1_025, 4_095, 4_096, 8_191, 12_288, 16_384, 19_900]
        for length in lengths {
            let part = source[length % 64..<length % 64 + length]
            #expect(CRC32C.checksum(part.span) == CRC32C.portableChecksum(part.span), "\(length) bytes")
        }
    }

    @Test("A checksum can be continued at any point")
    func continued() {
        let whole = Bytes((0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for cut in 0...whole.count {
            let head = CRC32C.checksum(whole[0..<cut].span)
            #expect(CRC32C.checksum(whole[cut..<whole.count].span, continuing: head) == CRC32C.checksum(whole.span))
        }
    }
}
