import Controller
import LogStorage
package import Metadata
package import Primitives
import Quorum
import Replication
import Synchronization
import World

/// What one replica believes at this moment: for those who judge it from outside, as the simulator's invariants do.
package struct ReplicaWitness: Hashable, Sendable {
    /// What a leader counts on.
    package struct Leading: Hashable, Sendable {
        package let epoch: LeaderEpoch
        package let epochStart: Offset
        /// As the controller confirmed it.
        package let inSync: [BrokerID]
        /// With the proposed members.
        package let maximalInSync: [BrokerID]
        package let isChangeInFlight: Bool
        package let effectiveMinInSync: Int
        /// The end offset that consumers are told; nil while none may be (KIP-207).
        package let shownEnd: Offset?
    }

    package let directory: String
    package let leaderEpoch: LeaderEpoch
    package let partitionEpoch: PartitionEpoch
    package let logStart: Offset
    package let logEnd: Offset
    package let flushedEnd: Offset
    package let highWatermark: Offset
    /// Nil where it does not lead.
    package let leading: Leading?
    package let isFollowing: Bool
    package let flushesOnAck: Bool
}

/// What a replica of the metadata log believes at this moment.
package struct QuorumWitness: Hashable, Sendable {
    package let role: String
    package let epoch: LeaderEpoch
    package let leader: BrokerID?
    package let votedFor: BrokerID?
    package let isLeader: Bool
    package let highWatermark: Offset?
    package let logStart: Offset
    package let logEnd: Offset
}

extension Partition {
    /// Nil while the log is not open.
    package var witness: ReplicaWitness? {
        state.withLock { state in
            guard let log = state.log else { return nil }
            let leading = state.leader.map { leader in
                ReplicaWitness.Leading(
                    epoch: leader.leaderEpoch, epochStart: leader.epochStart, inSync: leader.inSync,
                    maximalInSync: leader.maximalInSync, isChangeInFlight: leader.isChangeInFlight,
                    effectiveMinInSync: leader.effectiveMinInSync,
                    shownEnd: leader.isHighWatermarkCurrent ? leader.highWatermark : nil)
            }
            return ReplicaWitness(
                directory: directory, leaderEpoch: state.assignment.leaderEpoch,
                partitionEpoch: state.assignment.partitionEpoch, logStart: log.logStartOffset,
                logEnd: log.logEndOffset, flushedEnd: log.flushedEndOffset, highWatermark: state.highWatermark,
                leading: leading, isFollowing: state.follower != nil, flushesOnAck: state.settings.flushesOnAck)
        }
    }
}

extension Node {
    /// The metadata that this node has applied; nil before it started.
    package var appliedMetadata: MetadataImage? { witnessed.quorum?.cache.current }

    /// The end of it.
    package var appliedEnd: Offset? { witnessed.quorum?.cache.end }

    /// The replicas of this node, ordered by topic name and number.
    package var replicas: [Partition] { witnessed.broker?.partitions.all ?? [] }

    /// Whether it has any.
    package var hasReplicas: Bool { witnessed.broker.map { !$0.partitions.isEmpty } ?? false }

    /// The life that the controller registered, as far as this node knows.
    package var registeredEpoch: BrokerEpoch? { witnessed.broker?.lifecycle.epoch }

    /// What the node's replica of the metadata log believes; nil before it is open. On the control loop's thread.
    package var quorumWitness: QuorumWitness? {
        guard let replica = witnessed.quorum?.host.replica else { return nil }
        let isLeader = if case .leader = replica.role { true } else { false }
        return QuorumWitness(
            role: replica.role.name, epoch: replica.election.epoch, leader: replica.leaderID,
            votedFor: replica.election.votedFor?.id, isLeader: isLeader,
            highWatermark: replica.highWatermark, logStart: replica.log.start, logEnd: replica.log.end)
    }
}

extension Node {
    /// Whether this node is the active controller. On the control loop's thread.
    package var isActiveController: Bool { witnessed.quorum?.controller?.isActive ?? false }

    /// Fences a broker as a detector would that found it dead, whether it is or not: what must be safe at any time.
    /// Nothing happens where this node is not the active controller.
    package func fence(_ broker: BrokerID, epoch: BrokerEpoch) {
        guard let controller = witnessed.quorum?.controller else { return }
        world.controlLoop.execute {
            controller.decide({ controller, _, _ in controller.fence(broker, epoch: epoch) }, answer: { _ in })
        }
    }
}
