import Metadata
import Primitives

/// The configuration keys of consumer groups, of which each group may have its own values.
///
/// - Source: KIP-848, KIP-1263. Those of share and streams groups are not built.
package enum GroupConfigs {
    package static let all: [TopicConfig] = [
        TopicConfig(
            "consumer.assignment.interval.ms", .int(0...Int32.max), "1000",
            broker: "group.consumer.assignment.interval.ms", "The least time between two target assignments."),
        TopicConfig(
            "consumer.heartbeat.interval.ms", .int(1...Int32.max), "5000",
            broker: "group.consumer.heartbeat.interval.ms", "How often members are told to send a heartbeat."),
        TopicConfig(
            "consumer.session.timeout.ms", .int(1...Int32.max), "45000",
            broker: "group.consumer.session.timeout.ms", "How long a member is believed without one."),
    ]

    /// Checks one value; brokers set what a group may have at least and at most.
    static func check(_ key: String, _ value: String, _ rules: some BrokerConfigRules) throws(Refusal) {
        guard let config = all.first(where: { $0.name == key }) else {
            throw Refusal(.invalidConfig, "Unknown group config name: \(key)")
        }
        if let complaint = config.complaint(about: value) { throw Refusal(.invalidConfig, complaint) }
        let number = Int64(value.trimmed) ?? 0
        let name = key.dropFirst("consumer.".count)
        let (least, most) = ("group.consumer.min.\(name)", "group.consumer.max.\(name)")
        if let bound = rules.fixedValue(of: least).flatMap({ Int64($0) }), number < bound {
            throw Refusal(.invalidConfig, "\(key) must be greater than or equal to \(least)")
        }
        if let bound = rules.fixedValue(of: most).flatMap({ Int64($0) }), number > bound {
            throw Refusal(.invalidConfig, "\(key) must be less than or equal to \(most)")
        }
    }
}
