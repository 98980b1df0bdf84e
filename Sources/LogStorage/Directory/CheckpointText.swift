/// Kafka's checkpoint files: a line with the version 0, a line with the number of entries, then the entries.
struct CheckpointText: Hashable, Sendable {
    var lines: [String]

    private static let version = "0"

    init(lines: [String]) { self.lines = lines }

    var encoded: [UInt8] {
        Array(([CheckpointText.version, String(lines.count)] + lines).map { $0 + "\n" }.joined().utf8)
    }

    /// Nil when the version is unknown or the number of entries does not fit: the file was torn.
    init?(encoded content: [UInt8]) {
        var rest = content.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }[...]
        guard rest.popFirst() == CheckpointText.version, let count = rest.popFirst().flatMap({ Int($0) }),
            rest.count == count, content.last == UInt8(ascii: "\n")
        else { return nil }
        lines = Array(rest)
    }
}
