package import Primitives

/// Grows the bytes of one message and hands them over without a copy.
///
/// Whoever writes has negotiated the version: a value that the version cannot carry is our own bug and traps.
@safe @usableFromInline package struct WireWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    /// Bytes written so far.
    @usableFromInline package internal(set) var count = 0
    /// True where the version of the message has compact lengths and tagged fields (KIP-482).
    @usableFromInline package var isFlexible = false
    /// Sizes of the record batches that travel beside the message, in the order of its records fields; nil: inside it.
    var recordsBeside: ArraySlice<Int>?
    /// Where in the bytes those record batches belong.
    var cuts: [Int] = []
    private var isHandedOver = false

    package init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { if !isHandedOver { unsafe base.deallocate() } }

    /// Ends writing: the bytes, in a region of their own.
    package consuming func finish() -> Bytes {
        let region = unsafe MemoryRegion(adopting: base, count: capacity)
        isHandedOver = true
        return Bytes(region, start: 0, count: count)
    }

    /// Makes room for `more` bytes and returns where they start.
    @inlinable @inline(__always)
    mutating func advance(_ more: Int) -> Int {
        let start = count
        if start + more > capacity { grow(to: start + more) }
        count = start + more
        return start
    }

    @usableFromInline mutating func grow(to needed: Int) {
        let larger = max(needed, capacity * 2)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        unsafe moved.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = larger
    }

    @inlinable @inline(__always)
    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        let start = advance(MemoryLayout<Value>.size)
        unsafe (base + start).storeBytes(of: value.bigEndian, as: Value.self)
    }

    /// A signed integer of 1 byte.
    @inlinable package mutating func int8(_ value: Int8) { integer(value) }
    /// A signed integer of 2 bytes.
    @inlinable package mutating func int16(_ value: Int16) { integer(value) }
    /// A signed integer of 4 bytes.
    @inlinable package mutating func int32(_ value: Int32) { integer(value) }
    /// A signed integer of 8 bytes.
    @inlinable package mutating func int64(_ value: Int64) { integer(value) }
    /// An unsigned integer of 1 byte.
    @inlinable package mutating func uint8(_ value: UInt8) { integer(value) }
    /// An unsigned integer of 2 bytes.
    @inlinable package mutating func uint16(_ value: UInt16) { integer(value) }
    /// An unsigned integer of 4 bytes.
    @inlinable package mutating func uint32(_ value: UInt32) { integer(value) }
    /// An IEEE 754 double, big-endian.
    @inlinable package mutating func double(_ value: Double) { integer(value.bitPattern) }
    /// One byte: 1 for true.
    @inlinable package mutating func bool(_ value: Bool) { integer(value ? 1 : 0 as UInt8) }
    /// 16 bytes.
    package mutating func uuid(_ value: UUID128) {
        integer(value.high)
        integer(value.low)
    }

    /// Appends bytes as they are.
    package mutating func raw(_ bytes: Bytes) { unsafe bytes.withUnsafeBytes { unsafe raw($0) } }

    /// Appends bytes as they are.
    package mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        let start = advance(bytes.count)
        if let source = bytes.baseAddress, bytes.count > 0 {
            unsafe (base + start).copyMemory(from: source, byteCount: bytes.count)
        }
    }

    /// Appends the UTF-8 of `text` without a length.
    package mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { unsafe raw(UnsafeRawBufferPointer($0)) }
    }

    /// Overwrites a 32-bit integer that was written at `position`.
    package mutating func patch(int32 value: Int32, at position: Int) {
        precondition(position >= 0 && position + 4 <= count, "patch outside what was written")
        unsafe (base + position).storeBytes(of: value.bigEndian, as: Int32.self)
    }

    /// Overwrites one byte that was written at `position`.
    mutating func patch(uint8 value: UInt8, at position: Int) {
        precondition(position >= 0 && position < count, "patch outside what was written")
        unsafe (base + position).storeBytes(of: value, as: UInt8.self)
    }

    /// Puts the size of all that follows `position` before it, as an unsigned varint.
    mutating func insertSize(at position: Int) {
        let size = count - position
        let width = WireWriter.varintSize(UInt32(size))
        _ = advance(width)
        unsafe (base + position + width).copyMemory(from: base + position, byteCount: size)
        var rest = UInt32(size)
        for index in 0..<width {
            patch(uint8: UInt8(rest & 0x7F) | (index == width - 1 ? 0 : 0x80), at: position + index)
            rest >>= 7
        }
    }

    /// Bytes that `value` takes as an unsigned varint.
    package static func varintSize(_ value: UInt32) -> Int { max(1, (38 - value.leadingZeroBitCount) / 7) }
}
