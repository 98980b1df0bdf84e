/// Writes a history as text, a line for each event; `docs/verification.md` describes the format.
///
/// It keeps what was not taken yet, nothing else: take the text from time to time.
package struct HistoryWriter: Sendable {
    /// The first line of every history.
    package static let header = "martlet-history 1"

    private var text: [UInt8] = Array((header + "\n").utf8)

    package init() {}

    /// Appends a line.
    ///
    /// - Precondition: the keys are names of partitions: no spaces, nor any of `: @ ? ! #`.
    package mutating func write(_ event: HistoryEvent) {
        text += "\(event.timeMicroseconds) \(event.process) \(event.phase.rawValue) \(event.kind.rawValue)".utf8
        for item in event.items {
            switch item {
            case .write(let key, let value, let fate):
                append(" w:", key, ":\(value)")
                switch fate {
                case .asOperation: break
                case .acknowledged(let offset): text += "@\(offset)".utf8
                case .unknown: text += "?".utf8
                case .failed: text += "!".utf8
                }
            case .read(let key, let value, let offset): append(" r:", key, ":\(value)@\(offset)")
            case .key(let key): append(" ", key, "")
            }
        }
        text.append(UInt8(ascii: "\n"))
    }

    /// Appends a comment, which no reader looks at.
    package mutating func writeComment(_ comment: String) {
        for line in comment.split(separator: "\n") { text += "# \(line)\n".utf8 }
    }

    /// What was written since the last time; the header comes first.
    package mutating func take() -> [UInt8] {
        defer { text.removeAll(keepingCapacity: true) }
        return text
    }

    private mutating func append(_ before: String, _ key: String, _ after: String) {
        precondition(HistoryWriter.isKey(key.utf8), "\(key) is no name of a partition")
        text += before.utf8
        text += key.utf8
        text += after.utf8
    }

    /// Whether these bytes can name a key.
    static func isKey(_ bytes: some Sequence<UInt8>) -> Bool {
        var isEmpty = true
        for byte in bytes {
            isEmpty = false
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                break
            default: return false
            }
        }
        return !isEmpty
    }
}
