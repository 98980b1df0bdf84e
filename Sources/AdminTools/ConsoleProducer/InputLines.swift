/// Standard input, line by line; the last one may lack its end.
final class InputLines {
    private static let readBytes = 65_536
    private var pending: [UInt8] = []
    private var start = 0
    private var hasEnded = false

    /// The next line without its end; nil at the end of the input.
    func next() -> [UInt8]? {
        var searched = start
        while true {
            if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                let line = pending[start..<end]
                return Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            }
            if hasEnded {
                guard start < pending.count else { return nil }
                defer { start = pending.count }
                return Array(pending[start...])
            }
            pending.removeFirst(start)
            start = 0
            searched = pending.count
            let more = Console.read(InputLines.readBytes)
            if more.isEmpty { hasEnded = true } else { pending += more }
        }
    }
}
