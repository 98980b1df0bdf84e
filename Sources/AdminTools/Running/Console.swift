import Glibc

/// The three streams of a tool.
package enum Console {
    /// Writes a line to standard error.
    package static func complain(_ text: String) { write(Array((text + "\n").utf8)[...], to: STDERR_FILENO) }

    /// Writes bytes to standard output at once. The program ends silently when nobody reads it any more.
    package static func write(_ bytes: [UInt8]) {
        if !write(bytes[...], to: STDOUT_FILENO) { exit(0) }
    }

    /// How often the wish to end is looked at while nothing is typed.
    private static let pollMilliseconds: Int32 = 200

    /// Up to `count` bytes of standard input; empty at its end, and when the tool is to end.
    package static func read(_ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            if Interruption.isWanted { return [] }
            var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&wanted, 1, pollMilliseconds)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            let got = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, count) }
            if got < 0, errno == EINTR { continue }
            return Array(buffer.prefix(max(got, 0)))
        }
    }

    /// True where a person types what the tool reads.
    package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    @discardableResult
    private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }
}
