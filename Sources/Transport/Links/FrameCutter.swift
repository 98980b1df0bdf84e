import NIOCore
import Primitives

/// Cuts the bytes of one connection into frames, in place: a frame is a slice of the buffer it was read into.
struct FrameCutter {
    enum Step {
        case frame(Bytes)
        case incomplete
        /// A length below zero or above the limit: nothing after it can be understood.
        case bad
    }

    static let prefixBytes = 4

    /// Nil where there are no frames: what a read brings is handed over whole.
    private(set) var frameLimitBytes: Int?
    /// Frames handed over so far: tells one frame from the next.
    private(set) var frames: UInt64 = 0
    /// What is left of the last read; empty once `keepRest` gave it back.
    private var buffer = ByteBuffer()
    /// The memory of `buffer`, from its first byte to be read on, once a frame was cut out of it.
    private var region: MemoryRegion?
    private var regionStart = 0
    /// Bytes of the frame that has been started and is being read on.
    private(set) var startedBytes = 0
    /// Bytes that the started frame still lacks; 0 where its length is not known.
    private(set) var missingBytes = 0

    init(frameLimitBytes: Int?) { self.frameLimitBytes = frameLimitBytes }

    /// Sets the largest frame from now on; without effect where there are none.
    mutating func setFrameLimit(bytes: Int) { if frameLimitBytes != nil { frameLimitBytes = bytes } }

    /// True while bytes of a pause are left that may hold frames.
    var hasFrames: Bool { buffer.readableBytes > 0 }

    /// Bytes of a pause that are left.
    var unreadBytes: Int { buffer.readableBytes }

    /// Takes the bytes of a read: those of the started frame before them, as `ReceiveBuffers` arranges it. After a
    /// pause, what was not cut yet stands before them.
    mutating func take(_ read: ByteBuffer) {
        if buffer.readableBytes > 0 {
            buffer.writeImmutableBuffer(read)
        } else {
            buffer = read
        }
        region = nil
        startedBytes = 0
        missingBytes = 0
    }

    private var announced: Int? {
        buffer.getInteger(at: buffer.readerIndex, as: Int32.self).map(Int.init)
    }

    mutating func next() -> Step {
        guard let frameLimitBytes else { return whole() }
        guard let length = announced else { return .incomplete }
        if length < 0 || length > frameLimitBytes { return .bad }
        guard buffer.readableBytes - FrameCutter.prefixBytes >= length else { return .incomplete }
        let memory = regionOfBuffer()
        let start = buffer.readerIndex - regionStart + FrameCutter.prefixBytes
        buffer.moveReaderIndex(forwardBy: FrameCutter.prefixBytes + length)
        frames += 1
        return .frame(Bytes(memory, start: start, count: length))
    }

    private mutating func whole() -> Step {
        let length = buffer.readableBytes
        guard length > 0 else { return .incomplete }
        let memory = regionOfBuffer()
        let start = buffer.readerIndex - regionStart
        buffer.moveReaderIndex(forwardBy: length)
        frames += 1
        return .frame(Bytes(memory, start: start, count: length))
    }

    /// The memory that the frames of this buffer are slices of.
    private mutating func regionOfBuffer() -> MemoryRegion {
        if let region { return region }
        let made = unsafe buffer.withUnsafeReadableBytesWithStorageManagement { bytes, storage in
            unsafe MemoryRegion(
                base: UnsafeMutableRawPointer(mutating: bytes.baseAddress!), count: bytes.count,
                keptAliveBy: storage.takeUnretainedValue())
        }
        region = made
        regionStart = buffer.readerIndex
        return made
    }

    /// Gives the started frame, if there is one, back to be read on.
    mutating func keepRest(in buffers: ReceiveBuffers) {
        let isShared = region != nil
        let frameBytes = announced.map { $0 + FrameCutter.prefixBytes }
        var rest = ByteBuffer()
        swap(&rest, &buffer)
        region = nil
        startedBytes = rest.readableBytes
        missingBytes = frameBytes.map { max($0 - startedBytes, 0) } ?? 0
        if startedBytes > 0 {
            buffers.keep(rest, frameBytes: frameBytes, isShared: isShared)
        } else {
            buffers.retire(rest)
        }
    }
}
