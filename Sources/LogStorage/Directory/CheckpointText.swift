/// Kafka's checkpoint files: a line with the version 0, a line with the number of entries, then the entries.
struct CheckpointText: Hashable, Sendable {
    /// What is wrong with a file, and in which of its lines.
    struct Damage: Error, Hashable, CustomStringConvertible {
        /// Counted from 1.
        let line: Int
        let reason: String

        var description: String { "line \(line): \(reason)" }
    }

    var lines: [String]

    private static let version = "0"

    init(lines: [String]) { self.lines = lines }

    var encoded: [UInt8] {
        Array(([CheckpointText.version, String(lines.count)] + lines).map { $0 + "\n" }.joined().utf8)
    }

    /// - Throws: where the version is unknown or the number of entries does not fit: the file was torn.
    init(encoded content: [UInt8]) throws(Damage) {
        var rest = content.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }[...]
        guard rest.popFirst() == CheckpointText.version else { throw Damage(line: 1, reason: "expected version 0") }
        guard let count = rest.popFirst().flatMap({ Int($0) }) else {
            throw Damage(line: 2, reason: "expected the number of entries")
        }
        guard rest.count == count, content.last == UInt8(ascii: "\n") else {
            throw Damage(
                line: rest.endIndex + 1, reason: "expected \(count) entries, found \(rest.count) or a torn one")
        }
        lines = Array(rest)
    }

    /// The line of an entry in the file, counted from 1.
    static func line(ofEntry index: Int) -> Int { index + 3 }
}
