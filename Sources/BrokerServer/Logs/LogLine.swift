package import Logging

/// One line of a log: in Kafka's look, or as JSON.
///
/// What clients sent (ids, topic names) may stand in it: what can't be seen is written out and long values are cut, so
/// that nobody outside can forge a line or steer a terminal.
package struct LogLine: Sendable {
    /// How it looks.
    package enum Form: Hashable, Sendable {
        case text
        case json
    }

    /// Characters of a field's value.
    package static let valueCharactersMax = 256
    /// Characters of a message, which is ours but may quote.
    package static let messageCharactersMax = 1_024
    private static let reservedNames: Set<String> = ["time", "level", "logger", "message"]

    private let level: LogLevel
    private let logger: String
    private let message: String
    private let fields: [(name: String, value: String)]

    package init(level: LogLevel, logger: String, message: String, fields: Logger.Metadata) {
        self.level = level
        self.logger = logger
        self.message = message
        self.fields = fields.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    }

    /// The line with its end; `time` as the form has it.
    package func written(as form: Form, time: String) -> String {
        switch form {
        case .text: text(time)
        case .json: json(time)
        }
    }

    private func text(_ time: String) -> String {
        let shown = OutsideText.shown(message, charactersMax: LogLine.messageCharactersMax, escapes: .controls)
        var line = "[\(time)] \(level) \(shown)"
        for (name, value) in fields { line += " \(name)=\(LogLine.textValue(value))" }
        return line + " (\(logger))\n"
    }

    /// A value that would not be seen to end stands between quotes.
    private static func textValue(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
        if isPlain { return OutsideText.shown(value, charactersMax: valueCharactersMax, escapes: .controls) }
        return "\"\(OutsideText.shown(value, charactersMax: valueCharactersMax, escapes: .controlsAndQuotes))\""
    }

    private func json(_ time: String) -> String {
        var pairs = [
            LogLine.pair("time", time), LogLine.pair("level", "\(level)"), LogLine.pair("logger", logger),
            LogLine.pair("message", message, charactersMax: LogLine.messageCharactersMax),
        ]
        for (name, value) in fields {
            pairs.append(LogLine.pair(LogLine.reservedNames.contains(name) ? "_" + name : name, value))
        }
        return "{" + pairs.joined(separator: ",") + "}\n"
    }

    private static func pair(_ name: String, _ value: String, charactersMax: Int = valueCharactersMax) -> String {
        "\"\(name)\":\"\(OutsideText.shown(value, charactersMax: charactersMax, escapes: .controlsAndQuotes))\""
    }
}
