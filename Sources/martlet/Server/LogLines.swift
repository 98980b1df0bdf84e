import Glibc
import Logging
import Synchronization

/// Writes log records to standard output, one line each: Kafka's look, or JSON.
///
/// What clients sent (ids, topic names) may stand in a record: control characters are escaped and long values cut, so
/// that no client can forge a line.
struct LogLines: LogHandler {
    enum Form: Sendable {
        case text
        case json
    }

    /// The longest message or value that is written.
    static let valueCharactersMax = 1024

    let label: String
    let form: Form
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let extra = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let fields = extra.sorted { $0.key < $1.key }.map { ($0.key, Self.cut("\($0.value)")) }
        let message = Self.cut("\(event.message)")
        let line: String
        switch form {
        case .text:
            let tail = fields.map { " \(Self.escaped($0.0))=\(Self.escaped($0.1))" }.joined()
            line = "[\(Self.timeOfDay())] \(Self.levelName(event.level)) \(Self.escaped(message))\(tail) (\(label))\n"
        case .json:
            let pairs =
                [
                    ("time", Self.timeOfDay()), ("level", Self.levelName(event.level)), ("logger", label),
                    ("message", message),
                ]
                + fields
            line =
                "{" + pairs.map { "\"\(Self.escaped($0.0))\":\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}\n"
        }
        Self.write(line)
    }

    private static let output = Mutex(())

    private static func write(_ line: String) {
        output.withLock { _ in
            var bytes = Array(line.utf8)[...]
            while !bytes.isEmpty {
                let written = unsafe bytes.withUnsafeBytes {
                    unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
                }
                guard written > 0 || errno == EINTR else { return }
                bytes = bytes.dropFirst(max(written, 0))
            }
        }
    }

    private static func levelName(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= valueCharactersMax ? text : String(text.prefix(valueCharactersMax)) + "…"
    }

    /// Quotes, backslashes and control characters made harmless; the same form serves text and JSON.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 32 || $0 == "\"" || $0 == "\\" || $0.value == 127 })
        else {
            return text
        }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 32 || scalar.value == 127:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func timeOfDay() -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        var seconds = now.tv_sec
        unsafe localtime_r(&seconds, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (year, month, day) = unsafe (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
        let (hour, minute, second) = unsafe (Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
        let date = "\(year)-\(padded(month, 2))-\(padded(day, 2))"
        let clock = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        return "\(date) \(clock),\(padded(now.tv_nsec / 1_000_000, 3))"
    }
}
