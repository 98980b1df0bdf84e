package import Controller
package import Metadata
import Primitives
import Replication

/// What is true of a simulated partition, whatever its replicas believe.
package struct ReplicationTruth: Sendable {
    package internal(set) var nodes: [ReplicaNode]
    /// The active controller; its image is what is committed.
    package internal(set) var controller: ClusterController
    /// Each committed image, in order, from the one with the partition on.
    package internal(set) var images: [MetadataImage]
    package let partitionID: TopicPartitionID
    /// Everything that any leader ever called committed, by offset: the true high watermark is its end.
    package internal(set) var committed: [ReplicaEntry] = []
    /// What was acknowledged to clients: how many, as they are acknowledged in the order of their offsets.
    package internal(set) var acknowledged: [(offset: Int, value: UInt64)] = []
    package let flushesOnAck: Bool

    var partition: PartitionRegistration {
        guard let partition = controller.image.topics[partitionID] else { preconditionFailure("the topic is gone") }
        return partition
    }

    var trueHighWatermark: Offset { Offset(Int64(committed.count)) }

    func node(_ id: BrokerID) -> ReplicaNode { nodes[Int(id.value) - 1] }

    /// Whether a node's present process is the one that is registered.
    func isRunning(_ node: ReplicaNode) -> Bool {
        node.isUp && node.brokerEpoch != nil && node.brokerEpoch == controller.image.brokers[node.id]?.epoch
    }

    /// Whether a node leads by the committed metadata, and knows it.
    func isCurrentLeader(_ node: ReplicaNode) -> Bool {
        node.isUp && partition.leader == node.id && node.leader?.leaderEpoch == partition.leaderEpoch
    }
}

/// A rule that holds after every event (reliability 2.1, data partitions). Each stands in a file of its own.
protocol ReplicationInvariant: Sendable {
    /// Says what is wrong; nil when nothing is.
    mutating func violation(in truth: ReplicationTruth) -> String?
}

/// All of them.
struct ReplicationInvariants: Sendable {
    private var all: [any ReplicationInvariant] = [
        LogsMatchBelowHighWatermark(), LeaderIsComplete(), CandidatesAreComplete(), AcknowledgedIsSomewhere(),
        MaximalISRCoversISR(), ISRAndELRAreValid(), NoFencedBrokerInISR(), ISRHasWhatLeadersShow(),
        ShownEndNeverDecreases(), ReassignmentEndsInSync(),
    ]

    mutating func violation(in truth: ReplicationTruth) -> String? {
        for index in all.indices {
            if let reason = all[index].violation(in: truth) { return reason }
        }
        return nil
    }
}
