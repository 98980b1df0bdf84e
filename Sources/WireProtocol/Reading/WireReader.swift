package import Primitives

/// A cursor over the bytes of one message, with a memory budget: what it hands out is bounded by what came in.
///
/// - Errors: all reads throw `WireError`; the position is then of no meaning.
/// - Invariant: nothing is allocated before its in-memory size is charged, nothing reserved from a declared length.
/// - Source: Kafka protocol guide, primitive types; KIP-482 (compact encodings, tagged fields).
@usableFromInline package struct WireReader: ~Copyable, ~Escapable {
    /// In-memory bytes that a message may take for each byte on the wire, above `budgetFloor`.
    package static let budgetFactor = 16
    /// In-memory bytes that even the smallest message may take.
    package static let budgetFloor = 4096
    /// Bytes of the longest string in any message.
    package static let textMaxBytes = 32_767
    /// Unknown tagged fields allowed in one structure.
    static let unknownTagsMax = 256
    /// Unknown tagged fields allowed in one message.
    static let unknownTagsInMessageMax = 65_536

    /// The same bytes as `span`, to cut slices that keep their region alive.
    private let bytes: Bytes
    @usableFromInline let span: RawSpan
    /// Bytes read so far.
    @usableFromInline package internal(set) var position = 0
    /// In-memory bytes that may still be charged.
    @usableFromInline package internal(set) var budget: Int
    /// True where the version of the message has compact lengths and tagged fields (KIP-482).
    @usableFromInline package var isFlexible = false
    @usableFromInline var unknownTags = 0

    /// Starts at the first of `bytes`; `budget` is the in-memory size the message may grow to.
    @_lifetime(borrow bytes)
    package init(_ bytes: borrowing Bytes, budget: Int? = nil) {
        self.bytes = copy bytes
        self.budget = budget ?? WireReader.budgetFloor + WireReader.budgetFactor * bytes.count
        span = bytes.span
    }

    /// Bytes not read yet.
    @inlinable package var remaining: Int { span.byteCount - position }

    /// Takes the in-memory size of `count` elements of `size` bytes from the budget, before they are made.
    @_lifetime(self: copy self)
    @inlinable
    package mutating func charge(_ count: Int, of size: Int) throws(WireError) {
        let (needed, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, needed <= budget else {
            throw .budgetExceeded(needed: overflow ? .max : needed, left: budget)
        }
        budget -= needed
    }

    /// Moves over `count` bytes and returns where they start.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    mutating func advance(_ count: Int) throws(WireError) -> Int {
        let start = position
        guard count <= span.byteCount - start else { throw .truncated(needed: count, remaining: remaining) }
        position = start + count
        return start
    }

    /// Skips `count` bytes.
    @_lifetime(self: copy self)
    package mutating func skip(_ count: Int) throws(WireError) {
        guard count >= 0 else { throw .negativeLength(count) }
        _ = try advance(count)
    }

    /// The next `count` bytes as a slice of the frame, without a copy.
    @_lifetime(self: copy self)
    package mutating func slice(_ count: Int) throws(WireError) -> Bytes {
        guard count >= 0 else { throw .negativeLength(count) }
        let start = try advance(count)
        return bytes[start..<start + count]
    }

    /// All that is left, as a slice of the frame.
    @_lifetime(self: copy self)
    package mutating func rest() -> Bytes {
        let start = position
        position = span.byteCount
        return bytes[start..<span.byteCount]
    }

    /// Ends the message: bytes left over are an error.
    package func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }

    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type
    ) throws(WireError) -> Value {
        let start = try advance(MemoryLayout<Value>.size)
        return Value(bigEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: Value.self))
    }

    /// A signed integer of 1 byte.
    @_lifetime(self: copy self)
    @inlinable package mutating func int8() throws(WireError) -> Int8 { try integer(Int8.self) }
    /// A signed integer of 2 bytes.
    @_lifetime(self: copy self)
    @inlinable package mutating func int16() throws(WireError) -> Int16 { try integer(Int16.self) }
    /// A signed integer of 4 bytes.
    @_lifetime(self: copy self)
    @inlinable package mutating func int32() throws(WireError) -> Int32 { try integer(Int32.self) }
    /// A signed integer of 8 bytes.
    @_lifetime(self: copy self)
    @inlinable package mutating func int64() throws(WireError) -> Int64 { try integer(Int64.self) }
    /// An unsigned integer of 1 byte.
    @_lifetime(self: copy self)
    @inlinable package mutating func uint8() throws(WireError) -> UInt8 { try integer(UInt8.self) }
    /// An unsigned integer of 2 bytes.
    @_lifetime(self: copy self)
    @inlinable package mutating func uint16() throws(WireError) -> UInt16 { try integer(UInt16.self) }
    /// An unsigned integer of 4 bytes.
    @_lifetime(self: copy self)
    @inlinable package mutating func uint32() throws(WireError) -> UInt32 { try integer(UInt32.self) }
    /// An IEEE 754 double, big-endian.
    @_lifetime(self: copy self)
    @inlinable package mutating func double() throws(WireError) -> Double {
        Double(bitPattern: try integer(UInt64.self))
    }
    /// One byte; any but zero is true.
    @_lifetime(self: copy self)
    @inlinable package mutating func bool() throws(WireError) -> Bool { try integer(UInt8.self) != 0 }
    /// 16 bytes.
    @_lifetime(self: copy self)
    package mutating func uuid() throws(WireError) -> UUID128 {
        UUID128(high: try integer(UInt64.self), low: try integer(UInt64.self))
    }

    /// The text of the next `count` bytes, which must be strict UTF-8.
    @_lifetime(self: copy self)
    package mutating func text(_ count: Int) throws(WireError) -> String {
        if count == 0 { return "" }
        let start = try advance(count)
        // Up to 15 bytes live inside the String itself, which its owner has been charged for.
        if count > 15 { try charge(count + 32, of: 1) }
        let made = unsafe span.extracting(unchecked: start..<start + count).withUnsafeBytes { raw in
            unsafe String(validating: raw, as: UTF8.self)
        }
        guard let made else { throw .invalidText }
        return made
    }
}
