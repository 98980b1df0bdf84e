/// A region of memory that slices share: its own, or one that another object keeps alive.
///
/// `@unchecked Sendable`: the pointer is fixed for life; bytes change only through `Bytes.patch…` and
/// `ByteBuilder`, by the one owner that has not handed the region on yet.
@safe @usableFromInline package final class MemoryRegion: @unchecked Sendable {
    // Visible to inlined readers and writers of the bytes; nobody else may use it.
    @usableFromInline package let base: UnsafeMutableRawPointer
    @usableFromInline package let count: Int
    /// What keeps `base` alive; nil when the region frees it itself.
    private let keeper: AnyObject?

    /// A fresh region of `count` uninitialised bytes.
    package init(count: Int) {
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        self.count = count
        keeper = nil
    }

    /// Takes over memory that was allocated with `UnsafeMutableRawPointer.allocate`.
    package init(adopting base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.base = base
        self.count = count
        keeper = nil
    }

    /// A region whose memory `keeper` keeps alive and unmoved.
    package init(base: UnsafeMutableRawPointer, count: Int, keptAliveBy keeper: AnyObject) {
        unsafe self.base = base
        self.count = count
        self.keeper = keeper
    }

    deinit { if keeper == nil { unsafe base.deallocate() } }
}

/// A range of bytes in a shared region: what crosses from `Transport` to `BrokerServer` and back without a copy.
@usableFromInline package struct Bytes: Sendable {
    @usableFromInline package let region: MemoryRegion
    @usableFromInline package let start: Int
    @usableFromInline package let count: Int

    @inlinable
    package init(_ region: MemoryRegion, start: Int, count: Int) {
        precondition(start >= 0 && count >= 0 && start + count <= region.count, "slice outside its region")
        self.region = region
        self.start = start
        self.count = count
    }

    /// A copy of `array`.
    package init(_ array: [UInt8]) {
        let region = MemoryRegion(count: array.count)
        unsafe array.withUnsafeBytes { source in
            if let first = source.baseAddress { unsafe region.base.copyMemory(from: first, byteCount: source.count) }
        }
        self.init(region, start: 0, count: array.count)
    }

    /// A copy of the UTF-8 of `text`.
    package init(utf8 text: String) { self.init(Array(text.utf8)) }

    package static let empty = Bytes(MemoryRegion(count: 0), start: 0, count: 0)

    @inlinable
    package var isEmpty: Bool { count == 0 }

    /// The bytes, readable while `self` lives.
    @inlinable
    package var span: RawSpan {
        @_lifetime(borrow self)
        get {
            let whole = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(region.base + start), byteCount: count)
            return unsafe _overrideLifetime(whole, borrowing: self)
        }
    }

    /// Read access by pointer, for calls into C.
    @inlinable
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: region.base + start, count: count))
    }

    /// Write access for whoever fills or patches the region before handing it on.
    @inlinable
    package func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeMutableRawBufferPointer(start: region.base + start, count: count))
    }

    /// A part of it, by position relative to its start.
    @inlinable
    package subscript(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside its parent")
        return Bytes(region, start: start + range.lowerBound, count: range.count)
    }

    @inlinable
    package subscript(_ index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "index outside the slice")
        return unsafe region.base.load(fromByteOffset: start + index, as: UInt8.self)
    }

    /// The big-endian integer at `offset`.
    @inlinable
    package func bigEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "read outside the slice")
        return Value(bigEndian: unsafe region.base.loadUnaligned(fromByteOffset: start + offset, as: Value.self))
    }

    /// Overwrites a big-endian integer in place. Only the owner of a region not handed on yet may do this.
    @inlinable
    package func patch<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "patch outside the slice")
        unsafe (region.base + start + offset).storeBytes(of: value.bigEndian, as: Value.self)
    }

    /// Copies `other`, which may overlap, to the start. Only the owner of a region not handed on yet may do this.
    package func move(_ other: Bytes) {
        precondition(other.count <= count, "copy outside the slice")
        unsafe (region.base + start).copyMemory(from: other.region.base + other.start, byteCount: other.count)
    }

    /// A copy as an array; for tests and small things.
    package var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

extension Bytes: Hashable {
    @inlinable
    package static func == (left: Bytes, right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { a in unsafe right.withUnsafeBytes { b in unsafe a.elementsEqual(b) } }
    }

    @inlinable
    package func hash(into hasher: inout Hasher) { unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }
}
