import Testing

@testable import BrokerServer

@Suite("Levels of loggers")
struct LogLevelsTests {
    @Test("A logger has its own level, or its nearest ancestor's, at last the root's")
    func inherits() {
        let levels = LogLevels(root: .warn, given: ["kafka.server": .debug])
        #expect(levels.level(of: "kafka.server.ReplicaManager") == .debug)
        #expect(levels.level(of: "kafka.server") == .debug)
        #expect(levels.level(of: "kafka") == .warn)
        #expect(levels.level(of: "state.change.logger") == .warn)
        #expect(levels.set(.error, for: "kafka.server.ReplicaManager"))
        #expect(levels.level(of: "kafka.server.ReplicaManager") == .error)
        #expect(levels.cell(of: .replicas).level == .error)
        #expect(levels.cell(of: .brokerLife).level == .debug)
        #expect(levels.unset("kafka.server.ReplicaManager"))
        #expect(levels.cell(of: .replicas).level == .debug)
        #expect(levels.unset("kafka.server"))
        #expect(levels.cell(of: .replicas).level == .warn)
    }

    @Test("The root goes back to where it started")
    func restoresRoot() {
        let levels = LogLevels(root: .warn)
        levels.set(.trace, for: LogLevels.rootName)
        #expect(levels.cell(of: .node).level == .trace)
        levels.unset(LogLevels.rootName)
        #expect(levels.cell(of: .node).level == .warn)
    }

    @Test("Names that no logger has are refused, and listed at start")
    func refusesUnknownNames() {
        let levels = LogLevels(given: ["kafka.controller": .debug, "org.apache.zookeeper": .warn])
        #expect(levels.unknownNames == ["org.apache.zookeeper"])
        #expect(!levels.set(.debug, for: "kafka.serve"))
        #expect(!levels.unset("nobody"))
        #expect(levels.level(of: "nobody") == nil)
        #expect(levels.names.first == "root")
        #expect(levels.names.contains("kafka.controller") && levels.names.contains("kafka.request.logger"))
    }

    @Test("The configuration gives levels in Kafka's words")
    func readsConfiguration() throws {
        let levels = try LogLevels(
            Settings(
                PropertiesFile(parsing: "log.level=WARN\nlog.levels=kafka.controller=INFO, kafka.request.logger=off")))
        #expect(levels.level(of: "root") == .warn)
        #expect(levels.level(of: "kafka.controller.KafkaController") == .info)
        #expect(levels.level(of: "kafka.request.logger") == .off)
        #expect(throws: ConfigurationError.self) {
            try LogLevels(Settings(PropertiesFile(parsing: "log.level=loud")))
        }
        #expect(throws: ConfigurationError.self) {
            try LogLevels(Settings(PropertiesFile(parsing: "log.levels=kafka.controller")))
        }
    }
}
