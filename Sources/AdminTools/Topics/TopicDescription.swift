package import Primitives

/// A topic as `topics --describe` shows it.
package struct TopicDescription: Hashable, Sendable {
    /// The replicas that a reassignment adds and removes.
    package struct Reassignment: Hashable, Sendable {
        package var adding: [BrokerID]
        package var removing: [BrokerID]

        package init(adding: [BrokerID], removing: [BrokerID]) {
            self.adding = adding
            self.removing = removing
        }
    }

    /// One of its partitions.
    package struct Partition: Hashable, Sendable {
        package var index: Int32
        package var leader: BrokerID?
        package var replicas: [BrokerID]
        package var inSync: [BrokerID]
        /// Nil where the broker can't tell.
        package var eligible: [BrokerID]?
        package var lastKnownEligible: [BrokerID]?
        /// Nil where none is going on.
        package var reassignment: Reassignment?

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

        /// The number of replicas, without those that a reassignment is only about to add.
        package var replicationFactor: Int {
            guard let reassignment else { return replicas.count }
            // It may have ended between the two questions that this was gathered by.
            let isGoingOn = replicas.contains { reassignment.adding.contains($0) || reassignment.removing.contains($0) }
            return isGoingOn ? replicas.count - reassignment.adding.count : replicas.count
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

    private var replicationFactor: Int { partitions.first?.replicationFactor ?? 0 }

    /// The line above the partitions.
    package var header: String {
        let idText = id == .zero ? "" : "\tTopicId: \(id)"
        return "Topic: \(name)\(idText)\tPartitionCount: \(partitions.count)\tReplicationFactor: \(replicationFactor)\t"
            + "Configs: \(configs.joined(separator: ","))"
    }

    /// The line of one partition.
    package func line(of partition: Partition) -> String {
        let leader = partition.leader.map(\.description) ?? "none"
        let list = TopicDescription.list
        var line = "\tTopic: \(name)\tPartition: \(partition.index)\tLeader: \(leader)"
        line += "\tReplicas: \(list(partition.replicas))\tIsr: \(list(partition.inSync))"
        if let reassignment = partition.reassignment {
            line += "\tAdding Replicas: \(list(reassignment.adding))\tRemoving Replicas: \(list(reassignment.removing))"
        }
        line += "\tElr: \(partition.eligible.map(list) ?? "N/A")"
        return line + "\tLastKnownElr: \(partition.lastKnownEligible.map(list) ?? "N/A")"
    }

    private static func list(_ ids: [BrokerID]) -> String { ids.map(\.description).joined(separator: ",") }

    /// The topic with those of its partitions that are shown; without its configs where they are not.
    package func json(showing shown: [Partition], hasConfigs: Bool) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("topic", .text(name)), .init("topicId", .text(id.description)),
            .init("partitionCount", .integer(Int64(partitions.count))),
            .init("replicationFactor", .integer(Int64(replicationFactor))),
        ]
        if hasConfigs {
            let pairs = configs.map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) }
            members.append(
                .init(
                    "configs",
                    .object(pairs.map { .init(String($0[0]), .text($0.count > 1 ? String($0[1]) : "")) })))
        }
        members.append(.init("partitions", .array(shown.map(TopicDescription.json))))
        return .object(members)
    }

    private static func json(_ partition: Partition) -> JSONValue {
        func ids(_ brokers: [BrokerID]) -> JSONValue { .array(brokers.map { .integer(Int64($0.value)) }) }
        return [
            "partition": .integer(Int64(partition.index)),
            "leader": partition.leader.map { .integer(Int64($0.value)) } ?? .null,
            "replicas": ids(partition.replicas), "isr": ids(partition.inSync),
            "elr": partition.eligible.map(ids) ?? .null, "lastKnownElr": partition.lastKnownEligible.map(ids) ?? .null,
            "addingReplicas": ids(partition.reassignment?.adding ?? []),
            "removingReplicas": ids(partition.reassignment?.removing ?? []),
        ]
    }
}
