import Primitives
import Testing
import WireProtocol

@Suite("Reading values from outside")
struct WireReaderTests {
    private func read<Value>(
        _ bytes: [UInt8], flexible: Bool = true, _ body: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> Value {
        let bytes = Bytes(bytes)
        var reader = WireReader(bytes)
        reader.isFlexible = flexible
        return try body(&reader)
    }

    @Test("Integers are big-endian")
    func integers() throws {
        let bytes: [UInt8] = [0xFF, 0x80, 0, 0x12, 0x34, 0x56, 0x78]
        try read(bytes) { (reader) throws(WireError) in
            #expect(try reader.int8() == -1)
            #expect(try reader.int16() == .min)
            #expect(try reader.int32() == 0x1234_5678)
            try reader.finish()
        }
    }

    @Test(
        "Unsigned varints of up to five bytes",
        arguments: [
            ([0], 0), ([0x7F], 127), ([0x80, 0x01], 128), ([0xFF, 0xFF, 0xFF, 0xFF, 0x0F], .max), ([0x80, 0x00], 0),
        ] as [([UInt8], UInt32)])
    func varints(bytes: [UInt8], value: UInt32) throws {
        #expect(try read(bytes) { (reader) throws(WireError) in try reader.unsignedVarint() } == value)
    }

    @Test("Varints beyond their bits are refused: 6 bytes, 11 bytes, a fifth byte that is too large")
    func oversizedVarints() {
        #expect(throws: WireError.oversizedVarint) {
            try read([0x80, 0x80, 0x80, 0x80, 0x80, 0x01]) { (reader) throws(WireError) in try reader.unsignedVarint() }
        }
        #expect(throws: WireError.oversizedVarint) {
            try read([0xFF, 0xFF, 0xFF, 0xFF, 0x10]) { (reader) throws(WireError) in try reader.unsignedVarint() }
        }
        #expect(throws: WireError.oversizedVarint) {
            try read(Array(repeating: 0x80, count: 10) + [1]) { (reader) throws(WireError) in try reader.varlong() }
        }
        #expect(throws: WireError.truncated(needed: 1, remaining: 0)) {
            try read([0x80]) { (reader) throws(WireError) in try reader.unsignedVarint() }
        }
    }

    @Test("Signed varints survive writing and reading", arguments: [0, 1, -1, 63, -64, 64, .max, .min] as [Int64])
    func signedVarints(value: Int64) throws {
        var writer = WireWriter()
        writer.varlong(value)
        writer.varint(Int32(truncatingIfNeeded: value))
        let bytes = writer.finish()
        var reader = WireReader(bytes)
        #expect(try reader.varlong() == value)
        #expect(try reader.varint() == Int32(truncatingIfNeeded: value))
        try reader.finish()
    }

    @Test(
        "Strings that are not strict UTF-8 are refused: a lone continuation, an overlong form, a surrogate, a cut one",
        arguments: [[0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func invalidText(bytes: [UInt8]) {
        #expect(throws: WireError.invalidText) {
            try read([UInt8(bytes.count + 1)] + bytes) { (reader) throws(WireError) in try reader.string() }
        }
    }

    @Test("Null where a value is required, and lengths below -1, are refused")
    func nullsAndNegatives() throws {
        #expect(throws: WireError.unexpectedNull) {
            try read([0]) { (reader) throws(WireError) in try reader.string() }
        }
        #expect(throws: WireError.unexpectedNull) {
            try read([0xFF, 0xFF], flexible: false) { (reader) throws(WireError) in try reader.string() }
        }
        #expect(throws: WireError.negativeLength(-2)) {
            try read([0xFF, 0xFF, 0xFF, 0xFE], flexible: false) { (reader) throws(WireError) in
                try reader.nullableByteString()
            }
        }
        let absent = try read([0xFF, 0xFF], flexible: false) { (reader) throws(WireError) in try reader.nullableString()
        }
        #expect(absent == nil)
    }

    @Test("An array of more elements than bytes left is refused before anything is made")
    func arrayBeyondTheEnd() {
        #expect(throws: WireError.self) {
            try read([0x7F, 0xFF, 0xFF, 0xFF], flexible: false) { (reader) throws(WireError) -> [Int32] in
                try reader.values()
            }
        }
    }

    @Test("One-byte elements cannot buy more memory than the budget")
    func amplification() {
        // A million strings of no characters: one byte each on the wire, sixteen in memory.
        let count = 1_000_000
        var writer = WireWriter()
        writer.unsignedVarint(UInt32(count + 1))
        let bytes = writer.finish().array + Array(repeating: 1, count: count)
        let source = Bytes(bytes)
        var reader = WireReader(source, budget: 8 * bytes.count)
        reader.isFlexible = true
        do {
            let _: [String] = try reader.values()
            Issue.record("the budget did not hold")
        } catch {
            guard case .budgetExceeded = error else { Issue.record("\(error)"); return }
        }
    }

    @Test("Strings beyond 32,767 bytes are refused when read and cut at a character when written")
    func longText() throws {
        for flexible in [false, true] {
            var writer = WireWriter()
            writer.isFlexible = flexible
            writer.string(String(repeating: "ü", count: 20_000))
            let bytes = writer.finish()
            var reader = WireReader(bytes)
            reader.isFlexible = flexible
            #expect(try reader.string() == String(repeating: "ü", count: 16_383))
            try reader.finish()
        }
        var writer = WireWriter()
        writer.unsignedVarint(32_769)
        let bytes = Bytes(writer.finish().array + Array(repeating: 0x61, count: 32_768))
        var reader = WireReader(bytes)
        reader.isFlexible = true
        do {
            _ = try reader.string()
            Issue.record("accepted")
        } catch { #expect(error == .textTooLong(32_768)) }
    }

    @Test("Slices share the frame's region")
    func slices() throws {
        let bytes = Bytes([3, 7, 8, 9])
        var reader = WireReader(bytes)
        reader.isFlexible = true
        let slice = try reader.byteString()
        #expect(slice.array == [7, 8])
        #expect(slice.region === bytes.region)
        #expect(reader.rest().array == [9])
    }
}

@Suite("Tagged fields")
struct TaggedFieldTests {
    private func end(_ bytes: [UInt8]) throws(WireError) {
        let bytes = Bytes(bytes)
        var reader = WireReader(bytes)
        reader.isFlexible = true
        try reader.endStruct()
        try reader.finish()
    }

    @Test("Unknown ones are skipped")
    func skipped() throws { try end([2, 3, 2, 0xAA, 0xBB, 9, 0]) }

    @Test("Repeated and unordered tags are refused")
    func order() {
        #expect(throws: WireError.taggedFieldOutOfOrder(3)) { try end([2, 3, 0, 3, 0]) }
        #expect(throws: WireError.taggedFieldOutOfOrder(2)) { try end([2, 3, 0, 2, 0]) }
    }

    @Test("A field that says it is larger than the message is refused")
    func size() { #expect(throws: WireError.truncated(needed: 5, remaining: 1)) { try end([1, 0, 5, 1]) } }

    @Test("Twenty million unknown fields stop at the bound")
    func many() {
        var writer = WireWriter()
        writer.unsignedVarint(20_000_000)
        for tag in 0..<100_000 as Range<UInt32> {
            writer.unsignedVarint(tag)
            writer.uint8(0)
        }
        let bytes = writer.finish().array
        #expect(throws: WireError.tooManyTaggedFields) { try end(bytes) }
    }

    @Test("A known field must have its declared size", arguments: [1, 3] as [UInt8])
    func knownSize(size: UInt8) throws {
        let bytes = Bytes([1, 0, size, 0, 7, 0])
        var reader = WireReader(bytes)
        var tags = try reader.tags()
        #expect(try reader.nextTag(&tags) == 0)
        #expect(try reader.int16() == 7)
        do {
            _ = try reader.nextTag(&tags)
            Issue.record("accepted")
        } catch { #expect(error == .taggedFieldSize(0)) }
    }

    @Test("Sizes of 127 bytes and more move the content they stand before", arguments: [0, 1, 126, 127, 128, 20_000])
    func writtenSizes(count: Int) throws {
        var writer = WireWriter()
        writer.isFlexible = true
        var mark = writer.beginTags()
        writer.beginTag(5, &mark)
        writer.raw(Bytes(Array(repeating: 0x5A, count: count)))
        writer.endTag(&mark)
        let bytes = writer.finish()
        var reader = WireReader(bytes)
        var tags = try reader.tags()
        #expect(try reader.nextTag(&tags) == 5)
        #expect(try reader.slice(count).array == Array(repeating: 0x5A, count: count))
        #expect(try reader.nextTag(&tags) == nil)
        try reader.finish()
    }
}
