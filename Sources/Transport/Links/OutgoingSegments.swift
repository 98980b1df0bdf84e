import Glibc
import NIOCore
import Primitives
import World

/// What a round has queued on one link, in order, put together so that it costs as few system calls as possible.
struct OutgoingSegments {
    /// File ranges up to this size are read in between the bytes around them: one send instead of three.
    static let copiedFileBytesMax = 16 << 10
    /// A buffer above this size is not kept for the next round.
    private static let keptBufferBytesMax = 256 << 10

    /// Bytes up to this size are copied together; longer ones leave from where they lie.
    static let copiedBytesMax = 16 << 10

    private struct FileRange {
        let file: any File
        let descriptor: Int32
        var position: Int64
        var count: Int
    }

    /// What is not copied into `bytes`.
    private enum Piece {
        case file(FileRange)
        case bytes(Bytes)
    }

    /// A piece, and how many bytes of `bytes` go before it.
    private var pieces: [(before: Int, piece: Piece)] = []
    private var bytes = ByteBuffer()
    private(set) var count = 0
    /// The error of the last call that sent nothing.
    private var failure: Int32 = 0

    var isEmpty: Bool { count == 0 }

    var hasFileRanges: Bool {
        pieces.contains { entry in
            if case .file = entry.piece { true } else { false }
        }
    }

    /// Appends segments in order.
    ///
    /// - Errors: a file can't be read; what was appended before stays.
    mutating func append(_ segments: [Segment]) throws(FileError) {
        for segment in segments {
            switch segment {
            case .bytes(let bytes): append(bytes)
            case .file(let file, let position, let count): try append(file, position: position, count: count)
            }
        }
    }

    mutating func append(_ piece: Bytes) {
        if piece.count > OutgoingSegments.copiedBytesMax {
            pieces.append((bytes.writerIndex, .bytes(piece)))
        } else {
            _ = unsafe piece.withUnsafeBytes { unsafe bytes.writeBytes($0) }
        }
        count += piece.count
    }

    /// Appends a range of a file: without a copy where it is large.
    ///
    /// - Errors: the file can't be read, or ends before the range does.
    mutating func append(_ file: any File, position: Int64, count: Int) throws(FileError) {
        // What is long already is not made longer by copies: the client may not be reading at all.
        let isCopied = count <= OutgoingSegments.copiedFileBytesMax && bytes.readableBytes <= LinkQueue.highBytes
        if let descriptor = file.descriptor, !isCopied {
            let range = FileRange(file: file, descriptor: descriptor, position: position, count: count)
            pieces.append((bytes.writerIndex, .file(range)))
            self.count += count
            return
        }
        try readIn(file, position: position, count: count)
        self.count += count
    }

    private mutating func readIn(_ file: any File, position: Int64, count: Int) throws(FileError) {
        var failure: FileError?
        unsafe bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            // The region lives no longer than this closure, and the memory as long as that.
            let region = unsafe MemoryRegion(base: memory.baseAddress!, count: count, keptAliveBy: file)
            let target = Bytes(region, start: 0, count: count)
            var done = 0
            while done < count && failure == nil {
                do throws(FileError) {
                    let got = try file.read(into: target[done..<count], at: position + Int64(done))
                    done += got
                    if got == 0 { failure = FileError(kind: .inputOutput, operation: "read", path: file.path) }
                } catch {
                    failure = error
                }
            }
            return done
        }
        if let failure { throw failure }
    }

    // MARK: To the socket

    /// Gives the socket what it takes now; what is left stands where it stood.
    ///
    /// - Returns: false where the connection is broken.
    mutating func send(to socket: Int32) -> Bool {
        defer { if count > 0 { letGoOfSent() } }
        while let first = pieces.first {
            guard sendBytes(upTo: first.before, to: socket, hasMore: true), sendFirstPiece(to: socket) else {
                return isRoomAwaited
            }
            pieces.removeFirst()
        }
        guard sendBytes(upTo: bytes.writerIndex, to: socket, hasMore: false) else { return isRoomAwaited }
        if bytes.capacity <= OutgoingSegments.keptBufferBytesMax { bytes.clear() } else { bytes = ByteBuffer() }
        return true
    }

    /// Drops all of it.
    mutating func removeAll() {
        pieces = []
        bytes = ByteBuffer()
        count = 0
    }

    /// A connection that is never quite drained must not keep what has left.
    private mutating func letGoOfSent() {
        let gone = bytes.readerIndex
        guard gone >= OutgoingSegments.keptBufferBytesMax else { return }
        bytes.discardReadBytes()
        for index in pieces.indices { pieces[index].before -= gone }
    }

    /// Asked after a call that did not take all: whether that is for want of room only.
    private var isRoomAwaited: Bool { failure == 0 || failure == EAGAIN || failure == EWOULDBLOCK }

    /// False where the socket did not take all.
    private mutating func sendBytes(upTo end: Int, to socket: Int32, hasMore: Bool) -> Bool {
        while bytes.readerIndex < end {
            let wanted = end - bytes.readerIndex
            let sent = unsafe bytes.withUnsafeReadableBytes { memory in
                unsafe OutgoingSegments.send(memory.baseAddress, wanted, to: socket, hasMore: hasMore)
            }
            guard sent > 0 else { return fail() }
            bytes.moveReaderIndex(forwardBy: sent)
            count -= sent
        }
        return true
    }

    /// False where the socket did not take all: the rest of the piece takes its place.
    private mutating func sendFirstPiece(to socket: Int32) -> Bool {
        switch pieces[0].piece {
        case .file(let range): sendRange(range, to: socket)
        case .bytes(let bytes): sendPiece(bytes, to: socket)
        }
    }

    private mutating func sendPiece(_ piece: Bytes, to socket: Int32) -> Bool {
        let hasMore = pieces.count > 1 || bytes.writerIndex > pieces[0].before
        var done = 0
        while done < piece.count {
            let sent = unsafe piece.withUnsafeBytes { memory in
                unsafe OutgoingSegments.send(
                    memory.baseAddress! + done, memory.count - done, to: socket, hasMore: hasMore)
            }
            guard sent > 0 else {
                _ = fail()
                break
            }
            done += sent
        }
        count -= done
        if done > 0, done < piece.count { pieces[0].piece = .bytes(piece[done..<piece.count]) }
        return done == piece.count
    }

    private mutating func sendRange(_ range: FileRange, to socket: Int32) -> Bool {
        var range = range
        while range.count > 0 {
            var position = off_t(range.position)
            let sent = unsafe sendfile(socket, range.descriptor, &position, range.count)
            if sent < 0 && errno == EINTR { continue }
            guard sent > 0 else {
                // A file that ends before its range does can't be made up for.
                failure = sent < 0 ? errno : EIO
                pieces[0].piece = .file(range)
                return false
            }
            range.position += Int64(sent)
            range.count -= sent
            count -= sent
        }
        return true
    }

    /// Bytes that were taken; 0 or less where there is no room, or an error.
    private static func send(_ start: UnsafeRawPointer?, _ count: Int, to socket: Int32, hasMore: Bool) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (hasMore ? Int32(MSG_MORE) : 0)
        while true {
            let sent = unsafe Glibc.send(socket, start, count, flags)
            if sent >= 0 || errno != EINTR { return sent }
        }
    }

    private mutating func fail() -> Bool {
        failure = errno
        return false
    }
}
