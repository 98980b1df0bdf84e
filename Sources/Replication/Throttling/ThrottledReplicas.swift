package import Primitives

/// The replicas of one topic that a throttle holds for: `leader.` or `follower.replication.throttled.replicas`.
package enum ThrottledReplicas: Hashable, Sendable {
    /// The replica of a partition on a broker.
    package struct Replica: Hashable, Sendable {
        package let partition: PartitionIndex
        package let broker: BrokerID

        package init(partition: PartitionIndex, broker: BrokerID) {
            self.partition = partition
            self.broker = broker
        }
    }

    case all
    case some(Set<Replica>)

    package static let none = ThrottledReplicas.some([])

    /// Reads `*` or a list of `partition:broker`. What is neither was refused when it was set, and throttles nothing.
    package init(parsing text: String) {
        if text == "*" {
            self = .all
            return
        }
        var replicas: Set<Replica> = []
        for item in text.split(separator: ",") {
            let parts = item.split(separator: ":").map { part in
                String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            guard parts.count == 2, let partition = Int32(parts[0]), let broker = Int32(parts[1]) else { continue }
            replicas.insert(Replica(partition: PartitionIndex(partition), broker: BrokerID(broker)))
        }
        self = .some(replicas)
    }

    /// Whether the throttle holds for the replica of a partition on a broker.
    package func holds(for partition: PartitionIndex, on broker: BrokerID) -> Bool {
        switch self {
        case .all: true
        case .some(let replicas): replicas.contains(Replica(partition: partition, broker: broker))
        }
    }
}
