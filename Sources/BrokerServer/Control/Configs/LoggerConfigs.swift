import Controller
import Metadata
package import Primitives
import WireMessages

/// The levels of this node's loggers, as resources of the kind BROKER_LOGGER: read and changed here, never by the
/// controller, and forgotten with the process (KIP-412).
package struct LoggerConfigs: Sendable {
    typealias Entry = DescribeConfigsResponse.DescribeConfigsResourceResult
    typealias Changes = IncrementalAlterConfigsRequest.AlterConfigsResource

    /// Kafka's number of the source DYNAMIC_BROKER_LOGGER_CONFIG.
    private static let source: Int8 = 6

    private let nodeID: BrokerID
    private let logs: NodeLogs

    package init(nodeID: BrokerID, logs: NodeLogs) {
        self.nodeID = nodeID
        self.logs = logs
    }

    /// Every logger with the level in force.
    func entries(ofNode name: String) throws(Refusal) -> [Entry] {
        guard !name.isEmpty else { throw Refusal(.invalidRequest, "Broker id must not be empty") }
        guard let id = Int32(name) else {
            throw Refusal(.invalidRequest, "Broker id must be an integer, but it is: \(name)")
        }
        guard BrokerID(id) == nodeID else {
            throw Refusal(.invalidRequest, "Unexpected broker id, expected \(nodeID) but received \(name)")
        }
        return logs.levels.names.map { logger in
            var entry = Entry()
            entry.name = logger
            entry.value = logs.levels.level(of: logger).map(\.description)
            entry.configSource = LoggerConfigs.source
            return entry
        }
    }

    /// Makes all changes of one resource, or none: then why not.
    func alter(_ changes: Changes, validatesOnly: Bool) -> Refusal? {
        if let refusal = refusal(ofNode: changes.resourceName) { return refusal }
        var levels: [(name: String, level: LogLevel?)] = []
        for change in changes.configs {
            guard logs.levels.isKnown(change.name) else {
                return Refusal(.invalidConfig, "Logger \(change.name) does not exist!")
            }
            switch ConfigOperation(rawValue: change.configOperation) {
            case .set:
                guard let level = change.value.flatMap({ LogLevel($0) }) else {
                    let words = LogLevel.allCases.reversed().map(\.description).joined(separator: ", ")
                    return Refusal(
                        .invalidConfig,
                        "Cannot set the log level of \(change.name) to \(change.value ?? "null") as it is not a "
                            + "supported log level. Valid log levels are \(words)")
                }
                levels.append((change.name, level))
            case .delete:
                guard change.name != LogLevels.rootName else {
                    return Refusal(.invalidRequest, "Removing the log level of the root logger is not allowed")
                }
                levels.append((change.name, nil))
            default:
                return Refusal(
                    .invalidRequest, "Only SET and DELETE are allowed for resources of type BROKER_LOGGER")
            }
        }
        if !validatesOnly { for (name, level) in levels { logs.setLevel(level, of: name) } }
        return nil
    }

    private func refusal(ofNode name: String) -> Refusal? {
        guard let id = Int32(name) else {
            return Refusal(.invalidRequest, "Node id must be an integer, but it is: \(name)")
        }
        return BrokerID(id) == nodeID
            ? nil : Refusal(.invalidRequest, "Unexpected broker id, expected \(nodeID), but received \(name)")
    }
}
