package import Primitives

/// A topic as `topics --describe` shows it.
package struct TopicDescription: Hashable, Sendable {
    /// One of its partitions.
    package struct Partition: Hashable, Sendable {
        package var index: Int32
        package var leader: BrokerID?
        package var replicas: [BrokerID]
        package var inSync: [BrokerID]
        /// Nil where the broker can't tell.
        package var eligible: [BrokerID]?
        package var lastKnownEligible: [BrokerID]?

        package init(
            index: Int32, leader: BrokerID?, replicas: [BrokerID], inSync: [BrokerID], eligible: [BrokerID]? = nil,
            lastKnownEligible: [BrokerID]? = nil
        ) {
            self.index = index
            self.leader = leader
            self.replicas = replicas
            self.inSync = inSync
            self.eligible = eligible
            self.lastKnownEligible = lastKnownEligible
        }
    }

    package var name: String
    package var id: TopicID
    package var partitions: [Partition]
    /// `key=value`, those that are not built-in defaults.
    package var configs: [String]

    package init(name: String, id: TopicID, partitions: [Partition], configs: [String]) {
        self.name = name
        self.id = id
        self.partitions = partitions
        self.configs = configs
    }

    /// The line above the partitions.
    package var header: String {
        let factor = partitions.first?.replicas.count ?? 0
        return "Topic: \(name)\tTopicId: \(id)\tPartitionCount: \(partitions.count)\tReplicationFactor: \(factor)\t"
            + "Configs: \(configs.joined(separator: ","))"
    }

    /// The line of one partition.
    package func line(of partition: Partition) -> String {
        let leader = partition.leader.map(\.description) ?? "none"
        var line = "\tTopic: \(name)\tPartition: \(partition.index)\tLeader: \(leader)"
        line +=
            "\tReplicas: \(TopicDescription.list(partition.replicas))\tIsr: \(TopicDescription.list(partition.inSync))"
        if let eligible = partition.eligible, let known = partition.lastKnownEligible {
            line += "\tElr: \(TopicDescription.list(eligible))\tLastKnownElr: \(TopicDescription.list(known))"
        } else {
            line += "\tElr: N/A\tLastKnownElr: N/A"
        }
        return line
    }

    private static func list(_ ids: [BrokerID]) -> String { ids.map(\.description).joined(separator: ",") }
}
