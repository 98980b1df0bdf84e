import Controller
import Metadata
package import Primitives

/// Which changes of configuration a node answers itself, and which go to the active controller.
package struct OwnConfigs: Sendable {
    private let nodeID: BrokerID
    /// What the controller checks the settings of brokers with.
    let rules: BrokerConfigCheck
    let loggers: LoggerConfigs
    private let threads: ThreadCountRule

    /// - Parameter threads: by the numbers in force on this node.
    package init(nodeID: BrokerID, settings: Settings, logs: NodeLogs, threads: ThreadCountRule? = nil) {
        self.threads = threads ?? .none
        self.nodeID = nodeID
        loggers = LoggerConfigs(nodeID: nodeID, logs: logs)
        rules = BrokerConfigCheck(settings)
    }

    /// Why a change can't be asked of this node; nil if it is the controller's to decide.
    ///
    /// - Parameter values: what is to be set.
    func refusal(of target: ConfigResource, setting values: [(key: String, value: String)]) -> Refusal? {
        refusal(of: target) ?? refusal(ofThreads: values, for: target)
    }

    /// Only the node itself knows how many threads it has.
    private func refusal(ofThreads values: [(key: String, value: String)], for target: ConfigResource) -> Refusal? {
        guard target.kind == .broker else { return nil }
        for (key, value) in values {
            let complaint = threads.complaint(about: key, value, isForOneBroker: !target.name.isEmpty)
            if let complaint { return Refusal(.invalidRequest, complaint) }
        }
        return nil
    }

    private func refusal(of target: ConfigResource) -> Refusal? {
        switch target.kind {
        case .broker where !target.name.isEmpty:
            guard let id = Int32(target.name) else {
                return Refusal(.invalidRequest, "Node id must be an integer, but it is: \(target.name)")
            }
            guard BrokerID(id) == nodeID else {
                return Refusal(
                    .invalidRequest, "Unexpected broker id, expected \(nodeID), but received \(target.name)")
            }
            return nil
        case .broker, .topic, .group: return nil
        default:
            return Refusal(
                .invalidRequest, "Resources of type \(target.kind.value) have no configuration that can be altered.")
        }
    }
}
