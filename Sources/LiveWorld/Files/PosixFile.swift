import CPlatform
import Glibc
import Primitives
import Synchronization
import World

/// A file of the operating system.
///
/// `sendfile` on another thread may outlive `close`: the descriptor is given back when the last reference goes.
final class PosixFile: File {
    let path: String
    private let handle: Int32

    init(path: String, handle: Int32) {
        self.path = path
        self.handle = handle
    }

    deinit { _ = Glibc.close(handle) }

    var descriptor: Int32? { handle }

    /// Pieces given to one system call at most (`IOV_MAX`).
    private static let piecesMax = 1024

    func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        var position = position
        guard pieces.count > 1 else {
            if let only = pieces.first { try write(only, at: position) }
            return
        }
        var rest = pieces[...].drop { $0.isEmpty }
        while !rest.isEmpty {
            var written = try gather(rest.prefix(PosixFile.piecesMax), at: position)
            position += Int64(written)
            while let first = rest.first, written >= first.count {
                written -= first.count
                rest.removeFirst()
            }
            guard written > 0, let first = rest.first else { continue }
            // The system took a part of a piece: finish this one alone.
            try write(first[written..<first.count], at: position)
            position += Int64(first.count - written)
            rest.removeFirst()
        }
    }

    private func gather(_ pieces: ArraySlice<Bytes>, at position: Int64) throws(FileError) -> Int {
        let vectors = unsafe pieces.map { piece in
            unsafe piece.withUnsafeBytes { buffer in
                unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
            }
        }
        while true {
            let written = unsafe pwritev(handle, vectors, Int32(vectors.count), off_t(position))
            if written >= 0 { return written }
            if errno != EINTR { throw FileError("write", path) }
        }
    }

    private func write(_ bytes: Bytes, at position: Int64) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes[done..<bytes.count]
            let written = unsafe rest.withUnsafeBytes { buffer in
                unsafe pwrite(handle, buffer.baseAddress, buffer.count, off_t(position) + done)
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw FileError("write", path)
            }
            done += written
        }
    }

    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        while true {
            let got = unsafe buffer.withUnsafeMutableBytes { memory in
                unsafe pread(handle, memory.baseAddress, memory.count, off_t(position))
            }
            if got >= 0 { return got }
            if errno != EINTR { throw FileError("read", path) }
        }
    }

    func synchronize() throws(FileError) {
        if fdatasync(handle) != 0 { throw FileError("fdatasync", path) }
    }

    func truncate(to size: Int64) throws(FileError) {
        while ftruncate(handle, off_t(size)) != 0 {
            if errno != EINTR { throw FileError("truncate", path) }
        }
    }

    func size() throws(FileError) -> Int64 {
        var about = stat()
        if unsafe fstat(handle, &about) != 0 { throw FileError("stat", path) }
        return Int64(about.st_size)
    }

    func isResident(from position: Int64, count: Int) -> Bool { martlet_is_resident(handle, position, count) != 0 }

    func switchOffReadAhead() { _ = posix_fadvise(handle, 0, 0, POSIX_FADV_RANDOM) }

    func readAhead(from position: Int64, count: Int) {
        _ = posix_fadvise(handle, off_t(position), off_t(count), POSIX_FADV_WILLNEED)
    }

    /// Nothing to do before the last reference goes: a reply that is being sent may still need the descriptor.
    func close() {}
}
