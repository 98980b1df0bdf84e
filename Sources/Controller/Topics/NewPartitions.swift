import Metadata
import Primitives
import WireMessages

extension ClusterController {
    /// A new partition on `replicas`: in sync from the start are those that can serve.
    func newPartition(_ index: PartitionIndex, on replicas: [BrokerID]) throws(Refusal) -> PartitionRegistration {
        let isr = replicas.filter { image.brokers.isActive($0) }
        guard let leader = isr.first else {
            throw Refusal(
                .invalidReplicaAssignment,
                "All brokers specified in the manual partition assignment for partition \(index) are fenced or in "
                    + "controlled shutdown.")
        }
        return PartitionRegistration(
            replicas: replicas, isr: isr, leader: leader, directories: replicas.map(soleDirectory))
    }

    /// The directory of a broker that has only one; where there is a choice the broker makes it.
    func soleDirectory(of broker: BrokerID) -> DirectoryID {
        guard let directories = image.brokers[broker]?.directories, directories.count == 1 else {
            return .unassignedDirectory
        }
        return directories[0]
    }

    /// Checks an assignment that a client gave for one partition.
    func checkManualAssignment(_ replicas: [BrokerID], replicationFactor: Int?) throws(Refusal) {
        guard !replicas.isEmpty else {
            throw Refusal(
                .invalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
        }
        var seen: Set<BrokerID> = []
        for broker in replicas.sorted() {
            guard seen.insert(broker).inserted else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "The manual partition assignment includes the broker \(broker) more than once.")
            }
            guard image.brokers[broker] != nil else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "The manual partition assignment includes broker \(broker), but no such broker is registered.")
            }
        }
        if let replicationFactor, replicas.count != replicationFactor {
            throw Refusal(
                .invalidReplicaAssignment,
                "The manual partition assignment includes a partition with \(replicas.count) replica(s), but this is "
                    + "not consistent with previous partitions, which have \(replicationFactor) replica(s).")
        }
    }
}
