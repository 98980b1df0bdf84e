import Glibc
package import Histories

/// A history in a file, read in pieces: the text is never whole in memory.
package enum HistoryFile {
    private static let pieceBytes = 1 << 20

    /// Reads the file, or standard input for `-`.
    package static func read(_ path: String) throws(HistoryError) -> History {
        var reader = HistoryReader()
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refused("it can't be opened: errno \(errno)") }
        defer { if path != "-" { close(descriptor) } }
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            let got = unsafe piece.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw refused("it can't be read: errno \(errno)") }
            guard got > 0 else { return try reader.finish() }
            try reader.feed(Array(piece[..<got]))
        }
    }

    private static func refused(_ problem: String) -> HistoryError {
        HistoryError(line: nil, problem, remedy: "give a file that exists and may be read")
    }
}
