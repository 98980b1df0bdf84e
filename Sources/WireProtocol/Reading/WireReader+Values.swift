package import Primitives

/// Values with a length before them: strings, bytes, arrays; compact where the version is flexible.
extension WireReader {
    /// The length of a compact value: nil is null.
    @_lifetime(self: copy self)
    private mutating func compactLength() throws(WireError) -> Int? {
        let raw = try unsignedVarint()
        return raw == 0 ? nil : Int(raw) - 1
    }

    @inline(__always)
    private func checked(_ length: Int) throws(WireError) -> Int? {
        if length >= 0 { return length }
        guard length == -1 else { throw .negativeLength(length) }
        return nil
    }

    /// The length before a string: 16 bits, or compact; nil is null.
    @_lifetime(self: copy self)
    private mutating func textLength() throws(WireError) -> Int? {
        guard isFlexible else {
            let length = try int16()
            return try checked(Int(length))
        }
        let length = try compactLength()
        if let length, length > WireReader.textMaxBytes { throw .textTooLong(length) }
        return length
    }

    /// The length before bytes or an array: 32 bits, or compact; nil is null.
    @_lifetime(self: copy self)
    @usableFromInline mutating func longLength() throws(WireError) -> Int? {
        if isFlexible { return try compactLength() }
        let length = try int32()
        return try checked(Int(length))
    }

    /// Text in strict UTF-8.
    @_lifetime(self: copy self)
    package mutating func string() throws(WireError) -> String {
        guard let length = try textLength() else { throw .unexpectedNull }
        return try text(length)
    }

    /// Text in strict UTF-8, or null.
    @_lifetime(self: copy self)
    package mutating func nullableString() throws(WireError) -> String? {
        guard let length = try textLength() else { return nil }
        return try text(length)
    }

    /// The same, for text that is mostly `known`: then that is given again, and nothing is made.
    @_lifetime(self: copy self)
    mutating func nullableString(like known: String?) throws(WireError) -> String? {
        guard let length = try textLength() else { return nil }
        if let known, try isNext(known, length) { return known }
        return try text(length)
    }

    /// Whether the next `count` bytes are the UTF-8 of `known`; then they are read.
    @_lifetime(self: copy self)
    private mutating func isNext(_ known: String, _ count: Int) throws(WireError) -> Bool {
        guard count <= remaining, known.utf8.count == count else { return false }
        let text = known.utf8Span.span
        for index in 0..<count {
            let byte = unsafe span.unsafeLoad(fromUncheckedByteOffset: position + index, as: UInt8.self)
            if byte != text[index] { return false }
        }
        try skip(count)
        return true
    }

    /// A slice of the frame, not a copy.
    @_lifetime(self: copy self)
    package mutating func byteString() throws(WireError) -> Bytes {
        guard let length = try longLength() else { throw .unexpectedNull }
        return try slice(length)
    }

    /// A slice of the frame, not a copy.
    @_lifetime(self: copy self)
    package mutating func nullableByteString() throws(WireError) -> Bytes? {
        guard let length = try longLength() else { return nil }
        return try slice(length)
    }

    /// The number of elements of an array, checked against what is left and charged at `size` in-memory bytes each.
    @_lifetime(self: copy self)
    @inlinable package mutating func elementCount(of size: Int) throws(WireError) -> Int? {
        guard let count = try longLength() else { return nil }
        // Every element takes a byte at least.
        guard count <= remaining else { throw .truncated(needed: count, remaining: remaining) }
        try charge(count, of: size)
        return count
    }

    /// An array of scalars or strings.
    @_lifetime(self: copy self)
    @inlinable package mutating func values<Element: WireValue>() throws(WireError) -> [Element] {
        guard let made: [Element] = try nullableValues() else { throw .unexpectedNull }
        return made
    }

    /// An array of scalars or strings, or null.
    @_lifetime(self: copy self)
    @inlinable package mutating func nullableValues<Element: WireValue>() throws(WireError) -> [Element]? {
        guard let count = try elementCount(of: MemoryLayout<Element>.stride) else { return nil }
        var made: [Element] = []
        // The elements are paid for; a few are reserved to save the first reallocations.
        made.reserveCapacity(min(count, 16))
        for _ in 0..<count { made.append(try Element(from: &self)) }
        return made
    }

    /// An array of structures.
    @_lifetime(self: copy self)
    @inlinable package mutating func array<Element: WireStruct>(_ version: Int16) throws(WireError) -> [Element] {
        guard let made: [Element] = try nullableArray(version) else { throw .unexpectedNull }
        return made
    }

    /// An array of structures, or null.
    @_lifetime(self: copy self)
    @inlinable package mutating func nullableArray<Element: WireStruct>(_ version: Int16) throws(WireError)
        -> [Element]?
    {
        guard let count = try elementCount(of: MemoryLayout<Element>.stride) else { return nil }
        var made: [Element] = []
        // The elements are paid for; a few are reserved to save the first reallocations.
        made.reserveCapacity(min(count, 16))
        for _ in 0..<count { made.append(try Element(from: &self, version: version)) }
        return made
    }

    /// A structure that may be absent.
    @_lifetime(self: copy self)
    @inlinable package mutating func nullableStruct<Value: WireStruct>(_ version: Int16) throws(WireError) -> Value? {
        let mark = try int8()
        switch mark {
        case -1: return nil
        case 1: return try Value(from: &self, version: version)
        default: throw .invalidPresenceMark(mark)
        }
    }
}

/// Record batches: the same encoding as bytes, in messages of their own kind.
extension WireReader {
    /// A slice of the frame, not a copy.
    @_lifetime(self: copy self)
    package mutating func nullableRecords() throws(WireError) -> Bytes? { try nullableByteString() }
}
