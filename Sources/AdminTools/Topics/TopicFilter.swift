package import Primitives

/// Which partitions `topics --describe` shows: those that meet one of the conditions, or all where there is none.
package struct TopicFilter: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let everything: TopicFilter = []
    package static let underReplicated = TopicFilter(rawValue: 1)
    package static let unavailable = TopicFilter(rawValue: 2)
    package static let underMinInSync = TopicFilter(rawValue: 4)
    package static let atMinInSync = TopicFilter(rawValue: 8)
    /// Topics with configs of their own, without their partitions.
    package static let withOverrides = TopicFilter(rawValue: 16)

    private static let ofPartitions: TopicFilter = [.underReplicated, .unavailable, .underMinInSync, .atMinInSync]

    /// Whether the line above the partitions is shown.
    package func showsHeader(_ topic: TopicDescription) -> Bool {
        isDisjoint(with: .ofPartitions) && (!contains(.withOverrides) || !topic.configs.isEmpty)
    }

    /// Whether a partition's line is shown.
    package func shows(
        _ partition: TopicDescription.Partition, minInSync: Int, liveBrokers: Set<BrokerID>
    ) -> Bool {
        if contains(.withOverrides) { return false }
        if isDisjoint(with: .ofPartitions) { return true }
        let inSync = partition.inSync.count
        return (contains(.underReplicated) && inSync < partition.replicationFactor)
            || (contains(.unavailable) && partition.leader.map { !liveBrokers.contains($0) } ?? true)
            || (contains(.underMinInSync) && (partition.leader == nil || inSync < minInSync))
            || (contains(.atMinInSync) && inSync == minInSync)
    }
}
