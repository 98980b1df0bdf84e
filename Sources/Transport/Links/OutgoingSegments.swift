import NIOCore
import Primitives
import World

/// What a round has queued on one link, in order, put together so that it costs as few system calls as possible.
struct OutgoingSegments {
    /// File ranges up to this size are read in between the bytes around them: one send instead of three.
    static let copiedFileBytesMax = 64 << 10
    /// A buffer above this size is not kept for the next round.
    private static let keptBufferBytesMax = 256 << 10

    private struct FileRange {
        let file: any File
        let descriptor: Int32
        let position: Int64
        let count: Int
    }

    /// A file range, and how many bytes of `bytes` go before it.
    private var ranges: [(before: Int, range: FileRange)] = []
    private var bytes = ByteBuffer()
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var hasFileRanges: Bool { !ranges.isEmpty }

    mutating func append(_ piece: Bytes) {
        _ = unsafe piece.withUnsafeBytes { unsafe bytes.writeBytes($0) }
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
            ranges.append((bytes.writerIndex, range))
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

    /// Hands all pieces to `write`, in order; a file stays open until its range has been sent.
    ///
    /// - Returns: the buffer, for `reclaim` once the socket had a chance to take it.
    mutating func drain(
        _ write: (IOData, EventLoopPromise<Void>?) -> Void, makePromise: () -> EventLoopPromise<Void>
    ) -> ByteBuffer {
        var rest = bytes
        bytes = ByteBuffer()
        count = 0
        if ranges.isEmpty {
            write(.byteBuffer(rest), nil)
            return rest
        }
        var done = 0
        for (before, range) in ranges {
            if before > done, let slice = rest.readSlice(length: before - done) { write(.byteBuffer(slice), nil) }
            done = before
            writeRange(range, write, makePromise())
        }
        if rest.readableBytes > 0 { write(.byteBuffer(rest), nil) }
        ranges.removeAll()
        return rest
    }

    private func writeRange(
        _ range: FileRange, _ write: (IOData, EventLoopPromise<Void>?) -> Void, _ sent: EventLoopPromise<Void>
    ) {
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: range.descriptor)
        let region = FileRegion(
            fileHandle: handle, readerIndex: Int(range.position), endIndex: Int(range.position) + range.count)
        let file = range.file
        sent.futureResult.whenComplete { _ in
            // The descriptor is the file's; the handle must forget it, and the file live until here.
            _ = try? handle.takeDescriptorOwnership()
            withExtendedLifetime(file) {}
        }
        write(.fileRegion(region), sent)
    }

    /// Takes a drained buffer back for the next round, where the socket has taken all of it.
    mutating func reclaim(_ drained: consuming ByteBuffer) {
        guard count == 0, drained.capacity <= OutgoingSegments.keptBufferBytesMax else { return }
        if drained.modifyIfUniquelyOwned({ $0.clear() }) != nil { bytes = drained }
    }
}
