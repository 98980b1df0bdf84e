import NIOCore

/// Gives the socket the memory it reads into, so that no byte of a frame is copied after the kernel did: the buffer of
/// the frame that has been started, or a fresh one.
///
/// A buffer belongs to one read; its frames are handed up as slices of it and it is not written again before nobody
/// has any of them. Only the started frame at its end is moved, once, to a buffer of its own that grows as bytes
/// arrive: a length that a peer merely announces reserves nothing.
///
/// Touched on its loop only.
final class ReceiveBuffers {
    static let smallestBytes = 4 << 10
    static let largestBytes = 512 << 10
    /// Where frames are larger than that, buffers are as large as they are, up to this size.
    static let largeFrameBytesMax = 2 << 20
    /// After so many reads that used an eighth of their buffer or less, buffers become smaller.
    private static let smallReadsBeforeShrinking = 16

    private let spares: SpareBuffers
    private var started: ByteBuffer?
    private var nextBytes = ReceiveBuffers.smallestBytes
    private var smallReads = 0
    /// What a frame lately took that outgrew its buffer; 0 where none did: the next one is read without being moved.
    private var largeFrameBytes = 0
    private var lentBytes = 0
    private var isStartedLent = false

    /// - Parameter spares: those of the connection's loop.
    init(spares: SpareBuffers = SpareBuffers()) { self.spares = spares }

    /// Memory that the started frame takes.
    var keptBytes: Int { started?.capacity ?? 0 }

    /// The memory for one read: `record` or `giveBack` comes next.
    func buffer() -> ByteBuffer {
        guard let rest = started else {
            let wanted = max(nextBytes, largeFrameBytes)
            let lent = spares.take(bytes: wanted) ?? ByteBufferAllocator().buffer(capacity: wanted)
            lentBytes = lent.capacity
            return lent
        }
        started = nil
        isStartedLent = true
        lentBytes = rest.writableBytes
        return rest
    }

    /// Takes back what was lent for a read that brought nothing.
    func giveBack(_ buffer: consuming ByteBuffer) {
        if isStartedLent { started = buffer } else { spares.give(buffer) }
        isStartedLent = false
    }

    /// Takes note of how much a read brought.
    func record(actualReadBytes: Int) {
        if actualReadBytes >= lentBytes {
            nextBytes = min(nextBytes * 8, ReceiveBuffers.largestBytes)
            smallReads = 0
        } else if actualReadBytes <= nextBytes / 8 {
            smallReads += 1
            if smallReads == ReceiveBuffers.smallReadsBeforeShrinking {
                nextBytes = max(nextBytes / 2, ReceiveBuffers.smallestBytes)
                largeFrameBytes = 0
                smallReads = 0
            }
        } else {
            smallReads = 0
        }
        isStartedLent = false
    }

    /// Keeps what is left of a read, which begins with a frame of `frameBytes` (with its length field), if known.
    ///
    /// - Parameter isShared: Whether frames of the same buffer have been handed up.
    func keep(_ rest: ByteBuffer, frameBytes: Int?, isShared: Bool) {
        let wanted = max(min(frameBytes ?? 0, 2 * rest.readableBytes), nextBytes)
        if !isShared && rest.readerIndex == 0 && rest.capacity > rest.writerIndex {
            started = rest
            return
        }
        var moved = ByteBufferAllocator().buffer(capacity: max(wanted, rest.readableBytes + 1))
        moved.writeImmutableBuffer(rest)
        if let frameBytes, rest.readableBytes >= ReceiveBuffers.largestBytes {
            largeFrameBytes = min(frameBytes, ReceiveBuffers.largeFrameBytesMax)
        }
        started = moved
        spares.give(rest)
    }

    /// Takes back a buffer whose last byte has been handed up.
    func retire(_ buffer: consuming ByteBuffer) { spares.give(buffer) }
}
