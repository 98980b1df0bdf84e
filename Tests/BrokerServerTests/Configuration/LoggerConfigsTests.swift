import Controller
import Logging
import Primitives
import Testing
import WireMessages

@testable import BrokerServer

@Suite("Levels of loggers as configuration")
struct LoggerConfigsTests {
    private let logs = NodeLogs(Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    private var configs: LoggerConfigs { LoggerConfigs(nodeID: BrokerID(2), logs: logs) }

    private func changes(
        _ items: [(String, Int8, String?)], node: String = "2"
    ) -> IncrementalAlterConfigsRequest.AlterConfigsResource {
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 8
        resource.resourceName = node
        resource.configs = items.map { name, operation, value in
            var config = IncrementalAlterConfigsRequest.AlterableConfig()
            config.name = name
            config.configOperation = operation
            config.value = value
            return config
        }
        return resource
    }

    @Test("All loggers are told with the level in force, from DYNAMIC_BROKER_LOGGER_CONFIG")
    func describes() throws {
        logs.levels.set(.debug, for: "kafka.server")
        let entries = try configs.entries(ofNode: "2")
        #expect(entries.map(\.name) == logs.levels.names)
        #expect(entries.first { $0.name == "kafka.server.ReplicaManager" }?.value == "DEBUG")
        #expect(entries.allSatisfy { $0.configSource == 6 && !$0.readOnly && !$0.isSensitive })
        #expect(throws: Refusal.self) { try configs.entries(ofNode: "3") }
        #expect(throws: Refusal.self) { try configs.entries(ofNode: "") }
    }

    @Test("SET gives a level, DELETE takes it away, a look alone changes nothing")
    func alters() {
        let name = "kafka.request.logger"
        #expect(configs.alter(changes([(name, 0, "debug")]), validatesOnly: true) == nil)
        #expect(logs.levels.level(of: name) != .debug)
        #expect(configs.alter(changes([(name, 0, "debug")]), validatesOnly: false) == nil)
        #expect(logs.levels.level(of: name) == .debug)
        #expect(configs.alter(changes([(name, 1, nil)]), validatesOnly: false) == nil)
        #expect(logs.levels.level(of: name) == logs.levels.level(of: "root"))
    }

    @Test(
        "What makes no sense is refused whole, as Kafka does",
        arguments: [
            ("nobody", Int8(0), "DEBUG", "2", ErrorCode.invalidConfig),
            ("kafka.server", 0, "LOUD", "2", .invalidConfig), ("root", 1, nil, "2", .invalidRequest),
            ("kafka.server", 2, "DEBUG", "2", .invalidRequest), ("kafka.server", 3, "DEBUG", "2", .invalidRequest),
            ("kafka.server", 0, "DEBUG", "1", .invalidRequest), ("kafka.server", 0, "DEBUG", "x", .invalidRequest),
        ] as [(String, Int8, String?, String, ErrorCode)])
    func refuses(name: String, operation: Int8, value: String?, node: String, error: ErrorCode) {
        let asked = changes([("kafka.raft", 0, "TRACE"), (name, operation, value)], node: node)
        #expect(configs.alter(asked, validatesOnly: false)?.code == error)
        #expect(logs.levels.level(of: "kafka.raft") != .trace)
    }
}
