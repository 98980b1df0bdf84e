import BrokerServer
import Logging
import Primitives
import Synchronization
import Testing
import World

@Suite("What is said of refused requests")
struct RefusalLogTests {
    /// Keeps the lines.
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        var all: [String] { kept.withLock { $0 } }
        func add(_ line: String) { kept.withLock { $0.append(line) } }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.add("\(event.message) \(event.metadata?["count"].map { "\($0)" } ?? "")")
        }
    }

    private final class ManualClock: Clock {
        private let instant = Mutex(MonotonicInstant(0))
        var now: MonotonicInstant { instant.withLock { $0 } }
        var timeOfDay: Timestamp { Timestamp(0) }
        func pass(_ milliseconds: Int64) {
            instant.withLock { $0 = $0.advanced(byMilliseconds: milliseconds) }
        }
    }

    @Test("A flood of refusals is a few lines a second, and the number of the rest")
    func flood() {
        let lines = Lines()
        let clock = ManualClock()
        let log = RefusalLog(log: Logger(label: "test") { _ in Handler(lines: lines) }, clock: clock)
        for _ in 0..<1_000 { log.say(.info, "refused", [:]) }
        #expect(lines.all == Array(repeating: "refused ", count: RefusalLog.linesMax))
        clock.pass(1_000)
        log.say(.info, "refused", [:])
        #expect(lines.all.suffix(2) == ["more was refused \(1_000 - RefusalLog.linesMax)", "refused "])
    }
}
