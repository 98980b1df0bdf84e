package import Logging

/// How much a logger says, in Kafka's words.
package enum LogLevel: UInt8, CaseIterable, Comparable, Hashable, Sendable, CustomStringConvertible {
    case trace
    case debug
    case info
    case warn
    case error
    case fatal
    case off

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

    /// Reads Kafka's names, in either case, and those of swift-log that differ.
    package init?(_ text: String) {
        switch text.lowercased() {
        case "trace", "all": self = .trace
        case "debug": self = .debug
        case "info", "notice": self = .info
        case "warn", "warning": self = .warn
        case "error": self = .error
        case "fatal", "critical": self = .fatal
        case "off": self = .off
        default: return nil
        }
    }

    package init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info, .notice: self = .info
        case .warning: self = .warn
        case .error: self = .error
        case .critical: self = .fatal
        }
    }

    package var description: String {
        switch self {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO"
        case .warn: "WARN"
        case .error: "ERROR"
        case .fatal: "FATAL"
        case .off: "OFF"
        }
    }

    /// The least level that swift-log lets through; `off` has none, and its lines are dropped later.
    package var threshold: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        case .fatal, .off: .critical
        }
    }
}
