/// From which replica consumers are to read (`replica.selector.class`).
package enum ReplicaSelection: Hashable, Sendable {
    /// The leader, always.
    case leader
    /// One in the consumer's rack, if it has all that the consumer wants (KIP-392).
    case rackAware

    /// By the names of Kafka's own classes; others can't be loaded here.
    package init?(className: String) {
        switch className {
        case "", "org.apache.kafka.common.replica.LeaderSelector": self = .leader
        case "org.apache.kafka.common.replica.RackAwareReplicaSelector": self = .rackAware
        default: return nil
        }
    }

    /// What a node's settings, which were checked, say.
    package init(_ settings: Settings) {
        self = ReplicaSelection(className: settings.optionalString("replica.selector.class") ?? "") ?? .leader
    }
}
