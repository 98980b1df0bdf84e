import Controller
import Primitives

/// Brokers with two settings: `log.retention.ms` and the list `listeners`.
struct ScriptedBrokerRules: BrokerConfigRules {
    func isList(_ key: String) -> Bool { key == "listeners" }

    func isKnown(_ key: String) -> Bool { isDynamic(key) || key == "node.id" }

    func fixedValue(of key: String) -> String? { key == "listeners" ? "A://:1" : nil }

    func refusal(of values: [String: String], isForOneBroker: Bool) -> Refusal? {
        values.keys.sorted().first { !isDynamic($0) }.map {
            Refusal(.invalidRequest, "Cannot update these configs dynamically: Set(\($0))")
        }
    }

    private func isDynamic(_ key: String) -> Bool {
        ["listeners", "log.retention.ms", "min.insync.replicas", "unclean.leader.election.enable"].contains(key)
    }
}
