import BrokerServer
import Glibc
import Logging
import Synchronization

/// Writes log records to standard output, one line each; which of them, others decide.
struct LogLines: LogHandler {
    let name: String
    let form: LogLine.Form
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    init(name: String, form: LogLine.Form) {
        self.name = name
        self.form = form
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = LogLine(
            level: LogLevel(event.level), logger: name, message: "\(event.message)",
            fields: metadata.merging(event.metadata ?? [:]) { _, new in new })
        Self.write(line.written(as: form, time: Self.timeOfDay(form)))
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

    /// Text: local time in Kafka's look. JSON: UTC in ISO 8601.
    private static func timeOfDay(_ form: LogLine.Form) -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        var seconds = now.tv_sec
        switch form {
        case .text: unsafe localtime_r(&seconds, &parts)
        case .json: unsafe gmtime_r(&seconds, &parts)
        }
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (year, month, day) = unsafe (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
        let (hour, minute, second) = unsafe (Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
        let date = "\(year)-\(padded(month, 2))-\(padded(day, 2))"
        let clock = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        let milliseconds = padded(now.tv_nsec / 1_000_000, 3)
        return form == .text ? "\(date) \(clock),\(milliseconds)" : "\(date)T\(clock).\(milliseconds)Z"
    }
}
