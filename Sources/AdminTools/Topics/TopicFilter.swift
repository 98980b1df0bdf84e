package import Primitives

/// Which partitions `topics --describe` shows.
package enum TopicFilter: Hashable, Sendable {
    case everything
    case underReplicated
    case unavailable
    case underMinInSync
    case atMinInSync
    case withOverrides

    /// Whether the line above the partitions is shown.
    package func showsHeader(_ topic: TopicDescription) -> Bool {
        switch self {
        case .everything: true
        case .withOverrides: !topic.configs.isEmpty
        case .underReplicated, .unavailable, .underMinInSync, .atMinInSync: false
        }
    }

    /// Whether a partition's line is shown.
    package func shows(
        _ partition: TopicDescription.Partition, minInSync: Int, liveBrokers: Set<BrokerID>
    ) -> Bool {
        switch self {
        case .everything: true
        case .underReplicated: partition.inSync.count < partition.replicas.count
        case .unavailable: partition.leader.map { !liveBrokers.contains($0) } ?? true
        case .underMinInSync: partition.inSync.count < minInSync
        case .atMinInSync: partition.inSync.count == minInSync
        case .withOverrides: false
        }
    }
}
