import Metadata
import Primitives

/// Where the replicas of new partitions go: striped over the brokers, so that leaders and followers are spread evenly.
struct Placement {
    /// Brokers that can serve at once, by id.
    let active: [BrokerID]
    /// Registered brokers that can't, by id: used only if there are not enough others.
    let inactive: [BrokerID]

    /// The replicas of `count` partitions.
    ///
    /// The first partition of a fresh cluster of three gets 1, 2, 3, the next 2, 3, 1; each round over all brokers
    /// pairs a leader with other followers than the round before.
    ///
    /// - Parameter start: how many partitions were placed before, so that small topics do not all begin at one broker.
    func replicas(
        partitions count: Int, replicationFactor: Int, start: Int
    ) throws(Refusal) -> [[BrokerID]] {
        let registered = active.count + inactive.count
        guard replicationFactor > 0 else {
            throw Refusal(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): Invalid replication factor "
                    + "\(replicationFactor): the replication factor must be positive.")
        }
        guard replicationFactor <= registered else {
            throw Refusal(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): The target replication factor of "
                    + "\(replicationFactor) cannot be reached because only \(registered) broker(s) are registered.")
        }
        guard !active.isEmpty else {
            throw Refusal(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): All brokers are currently fenced.")
        }
        return (0..<count).map { striped(partition: $0, replicationFactor, start) }
    }

    private func striped(partition: Int, _ replicationFactor: Int, _ start: Int) -> [BrokerID] {
        let total = active.count
        let first = (start + partition) % total
        let round = (start + partition) / total
        var replicas = [active[first]]
        for position in 0..<(total - 1) where replicas.count < replicationFactor {
            replicas.append(active[(first + 1 + (round + position) % (total - 1)) % total])
        }
        for position in inactive.indices where replicas.count < replicationFactor {
            replicas.append(inactive[(first + position) % inactive.count])
        }
        return replicas
    }
}

extension ClusterController {
    var placement: Placement {
        let brokers = image.brokers.sorted
        return Placement(
            active: brokers.filter(\.isActive).map(\.id), inactive: brokers.filter { !$0.isActive }.map(\.id))
    }

    /// How many partitions clients have in the cluster.
    var placedPartitions: Int {
        image.topics.clientPartitionCount
    }
}
