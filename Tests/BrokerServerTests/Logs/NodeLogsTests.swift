import Logging
import Synchronization
import Testing

@testable import BrokerServer

@Suite("The loggers of a node")
struct NodeLogsTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private struct Handler: LogHandler {
        let name: String
        let lines: Lines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let times = event.metadata?["times"].map { " \($0)" } ?? ""
            lines.add("\(name) \(event.level) \(event.message)\(times)")
        }
    }

    private let lines = Lines()
    private let loop = ManualLoop()
    private let levels = LogLevels()
    private let logs: NodeLogs

    init() {
        let lines = lines
        logs = NodeLogs(levels: levels, clock: loop, loop: loop) { Handler(name: $0, lines: lines) }
    }

    @Test("A level that is changed holds for loggers that were made before")
    func followsLevels() {
        let log = logs[part: .replicas]
        log.debug("one")
        levels.set(.debug, for: "kafka.server")
        log.debug("two")
        levels.set(.off, for: "kafka.server.ReplicaManager")
        log.critical("three")
        levels.unset("kafka.server.ReplicaManager")
        log.info("four")
        #expect(
            lines.take() == ["kafka.server.ReplicaManager debug two", "kafka.server.ReplicaManager info four"])
    }

    @Test("A warning that is repeated is written some times, then counted, then told")
    func countsRepeats() {
        let log = logs[part: .logs]
        for _ in 0..<100 { log.warning("disk slow") }
        log.warning("another")
        #expect(lines.take().count == RepeatedLines.linesMax + 1)
        loop.pass(milliseconds: RepeatedLines.windowMilliseconds)
        #expect(lines.take() == ["kafka.log.LogManager warning a line was repeated and not written each time 80"])
        log.warning("disk slow")
        #expect(lines.take() == ["kafka.log.LogManager warning disk slow"])
    }

    @Test("A warning now and then is written each time, and information always")
    func writesRareWarnings() {
        let log = logs[part: .logs]
        for _ in 0..<50 {
            log.warning("disk slow")
            log.info("rolled")
            loop.pass(milliseconds: 1_000)
        }
        #expect(lines.take().count == 100)
    }

    @Test("A thousand kinds of warnings cost no memory without end, and none is lost")
    func boundsKinds() {
        let log = logs[part: .logs]
        for number in 0..<1_000 { log.warning("kind \(number)") }
        #expect(lines.take().count == 1_000)
    }
}
