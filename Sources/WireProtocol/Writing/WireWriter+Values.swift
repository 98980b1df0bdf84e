package import Primitives

/// Values with a length before them, compact where the version is flexible, and tagged fields.
extension WireWriter {
    /// Seven bits a byte, the lowest first.
    package mutating func unsignedVarint(_ value: UInt32) { unsignedVarlong(UInt64(value)) }

    /// Seven bits a byte, the lowest first.
    package mutating func unsignedVarlong(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            uint8(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        uint8(UInt8(rest))
    }

    /// A zigzag-coded signed integer.
    package mutating func varint(_ value: Int32) { unsignedVarint(UInt32(bitPattern: value << 1 ^ value >> 31)) }

    /// A zigzag-coded signed integer.
    package mutating func varlong(_ value: Int64) { unsignedVarlong(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    private mutating func textLength(_ length: Int) {
        if isFlexible { unsignedVarint(UInt32(length + 1)) } else { int16(Int16(length)) }
    }

    @usableFromInline mutating func longLength(_ length: Int) {
        if isFlexible { unsignedVarint(UInt32(length + 1)) } else { int32(Int32(length)) }
    }

    @usableFromInline mutating func null(short: Bool = false) {
        if isFlexible { uint8(0) } else if short { int16(-1) } else { int32(-1) }
    }

    /// Text with its length before it; cut where no reader would take it (error messages that quote long names).
    package mutating func string(_ value: String) {
        guard value.utf8.count > WireReader.textMaxBytes else {
            textLength(value.utf8.count)
            return text(value)
        }
        let bytes = Array(value.utf8)
        var end = WireReader.textMaxBytes
        while bytes[end] & 0xC0 == 0x80 { end -= 1 }
        textLength(end)
        raw(Bytes(Array(bytes[..<end])))
    }

    /// Text with its length before it, or null.
    package mutating func nullableString(_ value: String?) {
        if let value { string(value) } else { null(short: true) }
    }

    /// Bytes with their length before them.
    package mutating func byteString(_ value: Bytes) {
        longLength(value.count)
        raw(value)
    }

    /// Bytes with their length before them, or null.
    package mutating func nullableByteString(_ value: Bytes?) {
        if let value { byteString(value) } else { null() }
    }

    /// An array of scalars or strings.
    @inlinable package mutating func values<Element: WireValue>(_ elements: [Element]) {
        longLength(elements.count)
        for element in elements { element.write(to: &self) }
    }

    /// An array of scalars or strings, or null.
    @inlinable package mutating func nullableValues<Element: WireValue>(_ elements: [Element]?) {
        if let elements { values(elements) } else { null() }
    }

    /// An array of structures.
    @inlinable package mutating func array<Element: WireStruct>(_ elements: [Element], _ version: Int16) {
        longLength(elements.count)
        for element in elements { element.write(to: &self, version: version) }
    }

    /// An array of structures, or null.
    @inlinable package mutating func nullableArray<Element: WireStruct>(_ elements: [Element]?, _ version: Int16) {
        if let elements { array(elements, version) } else { null() }
    }

    /// A structure that may be absent.
    @inlinable package mutating func nullableStruct<Value: WireStruct>(_ value: Value?, _ version: Int16) {
        int8(value == nil ? -1 : 1)
        value?.write(to: &self, version: version)
    }

    /// Ends a structure that has no tagged fields of its own.
    package mutating func endStruct() { if isFlexible { uint8(0) } }

    /// Starts the tagged fields of a structure; returns the mark that `beginTag` and `endTag` take.
    package mutating func beginTags() -> TagMark {
        uint8(0)
        return TagMark(section: count - 1)
    }

    /// Starts the content of one tagged field. Tags must ascend.
    package mutating func beginTag(_ tag: UInt32, _ mark: inout TagMark) {
        unsignedVarint(tag)
        mark.content = count
    }

    /// Ends the content of one tagged field: its size goes before it.
    package mutating func endTag(_ mark: inout TagMark) {
        insertSize(at: mark.content)
        mark.fields += 1
        precondition(mark.fields < 0x80, "too many tagged fields in one structure")
        patch(uint8: mark.fields, at: mark.section)
    }
}

/// Where the tagged fields of one structure are being written.
package struct TagMark {
    let section: Int
    var content = 0
    var fields: UInt8 = 0
}

/// Record batches: the same encoding as bytes, in messages of their own kind.
extension WireWriter {
    /// Record batches, or only their size where they travel beside the message.
    package mutating func nullableRecords(_ value: Bytes?) {
        guard let size = recordsBeside?.popFirst() else { return nullableByteString(value) }
        longLength(size)
        cuts.append(count)
    }
}
