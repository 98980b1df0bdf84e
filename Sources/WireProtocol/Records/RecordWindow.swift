import Primitives

/// Why records can't be read.
enum RecordReadError: Error {
    case malformed(StaticString)
    case codec(CompressionError)
    /// They are too much for the batch that they are written into.
    case outputTooLarge
}

/// The records of a batch as they go by: all of them at once, or what a codec has given of them so far.
///
/// - Invariant: nothing is read outside of what is there. Whoever makes one keeps the bytes alive and in place.
@safe struct RecordWindow: ~Copyable {
    private var next: UnsafeRawPointer
    private var end: UnsafeRawPointer
    /// Bytes from the first record to `end`.
    private var reach: Int
    private let source: RecordPieces?

    /// All of the records are there.
    init(whole: UnsafeRawBufferPointer) {
        guard let base = whole.baseAddress else { preconditionFailure("records without an address") }
        unsafe next = base
        unsafe end = base + whole.count
        reach = whole.count
        source = nil
    }

    /// They come out of a codec.
    init(_ source: RecordPieces) {
        unsafe next = UnsafeRawPointer(source.start)
        unsafe end = next
        reach = 0
        self.source = source
    }

    /// Bytes from the first record to the next byte that is read.
    var position: Int { unsafe reach - (end - next) }

    /// Nothing follows.
    mutating func isAtEnd() throws(RecordReadError) -> Bool {
        if unsafe next < end { return false }
        try fill()
        return unsafe next == end
    }

    /// A zigzag-coded number of at most 5 bytes.
    @inline(__always)
    mutating func varint() throws(RecordReadError) -> Int {
        if unsafe next < end {
            let byte = unsafe next.load(as: UInt8.self)
            if byte < 0x80 {
                unsafe next += 1
                return Int(byte >> 1) ^ -Int(byte & 1)
            }
        }
        return Int(truncatingIfNeeded: try long(bytesMax: 5))
    }

    /// A zigzag-coded number of at most 10 bytes.
    @inline(__always)
    mutating func varlong() throws(RecordReadError) -> Int64 {
        if unsafe next < end {
            let byte = unsafe next.load(as: UInt8.self)
            if byte < 0x80 {
                unsafe next += 1
                return Int64(byte >> 1) ^ -Int64(byte & 1)
            }
        }
        return try long(bytesMax: 10)
    }

    private mutating func long(bytesMax: Int) throws(RecordReadError) -> Int64 {
        if unsafe end - next < bytesMax { try fill() }
        var raw: UInt64 = 0
        for place in 0..<bytesMax {
            guard unsafe next < end else { throw .malformed("the records end inside a number") }
            let byte = unsafe next.load(as: UInt8.self)
            unsafe next += 1
            // The last of ten bytes has room for one bit only, the last of five for four.
            let isOver = place == bytesMax - 1 && byte > (bytesMax == 10 ? 1 : 15)
            if isOver { throw .malformed("a number is longer than it may be") }
            raw |= UInt64(byte & 0x7F) << UInt64(7 * place)
            if byte < 0x80 { break }
        }
        return Int64(bitPattern: raw >> 1) ^ -Int64(raw & 1)
    }

    /// Passes over `count` bytes.
    @inline(__always)
    mutating func skip(_ count: Int) throws(RecordReadError) {
        if unsafe count <= end - next {
            unsafe next += count
        } else {
            try skipFar(count)
        }
    }

    private mutating func skipFar(_ count: Int) throws(RecordReadError) {
        var left = count
        while unsafe left > end - next {
            unsafe left -= end - next
            unsafe next = end
            try fill()
            guard unsafe next < end else { throw .malformed("the records end early") }
        }
        unsafe next += left
    }

    /// Gets more out of the codec behind what was not read yet; nothing comes at the end.
    private mutating func fill() throws(RecordReadError) {
        guard let source else { return }
        let filled = try unsafe source.fill(keeping: UnsafeRawBufferPointer(start: next, count: end - next))
        unsafe next = UnsafeRawPointer(filled.next)
        unsafe end = UnsafeRawPointer(filled.end)
        unsafe reach += filled.added
    }
}

/// Gives decompressed records piece by piece, and hands each piece to a compressor where they are put into another
/// codec.
@safe final class RecordPieces {
    /// Decompressed at a time.
    static let pieceBytes = 64 << 10
    /// The longest number, which may stand across the end of a piece.
    private static let leftoverMax = 16

    private let memory: UnsafeMutableRawPointer
    private let decompressor = Decompressor()
    private var sink: Compressor?
    private var isAtEnd = false

    init() {
        unsafe memory = UnsafeMutableRawPointer.allocate(
            byteCount: RecordPieces.leftoverMax + RecordPieces.pieceBytes, alignment: 16)
    }

    deinit { unsafe memory.deallocate() }

    var start: UnsafeMutableRawPointer { unsafe memory + RecordPieces.leftoverMax }

    /// Begins with the records of another batch; `source` must stay in place until the last piece.
    func begin(
        _ source: UnsafeRawBufferPointer, _ codec: Compression, limit: Int, sink: Compressor?
    ) throws(RecordReadError) {
        do throws(CompressionError) { try unsafe decompressor.begin(source, codec, limit: limit) } catch {
            throw .codec(error)
        }
        self.sink = sink
        isAtEnd = false
    }

    /// The next piece, with what was left of the one before in front of it.
    func fill(
        keeping leftover: UnsafeRawBufferPointer
    ) throws(RecordReadError) -> (next: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer, added: Int) {
        precondition(leftover.count <= RecordPieces.leftoverMax, "more is left than a number has")
        let next = unsafe start - leftover.count
        if let base = leftover.baseAddress, unsafe !leftover.isEmpty {
            unsafe next.copyMemory(from: base, byteCount: leftover.count)
        }
        if isAtEnd { return unsafe (next, start, 0) }
        let room = unsafe UnsafeMutableRawBufferPointer(start: start, count: RecordPieces.pieceBytes)
        let count: Int
        do throws(CompressionError) { count = try unsafe decompressor.read(into: room) } catch { throw .codec(error) }
        isAtEnd = count < room.count
        if let sink {
            do throws(CompressionError) {
                try unsafe sink.write(UnsafeRawBufferPointer(start: start, count: count))
            } catch { throw .outputTooLarge }
        }
        if isAtEnd { sink = nil }
        return unsafe (next, start + count, count)
    }
}
