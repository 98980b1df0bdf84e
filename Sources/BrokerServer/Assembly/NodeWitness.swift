import Controller
import LogStorage
package import Metadata
package import Primitives
import Quorum
import Replication
import Synchronization
import World

/// What one replica believes at one moment: for those who judge it from outside after each event of its node, as the
/// simulator's invariants do. An object, as it is handed round far more often than it changes.
package final class ReplicaWitness: Sendable {
    /// What a leader counts on. An object, too: the rules ask for it again and again.
    package final class Leading: Equatable, Sendable {
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
        /// The last stable offset that goes with it.
        package let stableEnd: Offset

        init(_ leader: LeaderReplica, stableEnd: Offset) {
            self.stableEnd = stableEnd
            epoch = leader.leaderEpoch
            epochStart = leader.epochStart
            inSync = leader.inSync
            maximalInSync = leader.maximalInSync
            isChangeInFlight = leader.isChangeInFlight
            effectiveMinInSync = leader.effectiveMinInSync
            shownEnd = leader.isHighWatermarkCurrent ? leader.highWatermark : nil
        }

        package static func == (one: Leading, other: Leading) -> Bool {
            one.epoch == other.epoch && one.epochStart == other.epochStart && one.inSync == other.inSync
                && one.maximalInSync == other.maximalInSync && one.isChangeInFlight == other.isChangeInFlight
                && one.effectiveMinInSync == other.effectiveMinInSync && one.shownEnd == other.shownEnd
                && one.stableEnd == other.stableEnd
        }

        /// Whether a leader counts on this still; every field is asked for.
        func isStill(of state: borrowing PartitionState) -> Bool {
            let shown = state.leader?.isHighWatermarkCurrent == true ? state.leader?.highWatermark : nil
            return state.leader?.leaderEpoch == epoch && state.leader?.epochStart == epochStart
                && state.leader?.isChangeInFlight == isChangeInFlight
                && state.leader?.effectiveMinInSync == effectiveMinInSync && shown == shownEnd
                && state.lastStableOffset == stableEnd && state.leader?.inSync == inSync
                && state.leader?.maximalInSync == maximalInSync
        }
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

    init(_ state: borrowing PartitionState, _ bounds: PartitionLog.Bounds, directory: String) {
        self.directory = directory
        leaderEpoch = state.assignment.leaderEpoch
        partitionEpoch = state.assignment.partitionEpoch
        logStart = bounds.start
        logEnd = bounds.end
        flushedEnd = bounds.flushedEnd
        highWatermark = state.highWatermark
        leading = state.leader.map { Leading($0, stableEnd: state.lastStableOffset) }
        isFollowing = state.follower != nil
        flushesOnAck = state.settings.flushesOnAck
    }

    /// Whether a replica believes this still; every field is asked for, and nothing is copied.
    func isStill(of state: borrowing PartitionState) -> Bool {
        state.log?.bounds == PartitionLog.Bounds(start: logStart, end: logEnd, flushedEnd: flushedEnd)
            && state.highWatermark == highWatermark
            && state.assignment.leaderEpoch == leaderEpoch && state.assignment.partitionEpoch == partitionEpoch
            && (state.follower != nil) == isFollowing && state.settings.flushesOnAck == flushesOnAck
            && (leading?.isStill(of: state) ?? (state.leader == nil))
    }
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

/// What a node believes at one moment, but for its replicas.
package struct NodeWitness: Sendable {
    /// The life that the controller registered, as far as this node knows.
    package let registeredEpoch: BrokerEpoch?
    /// The end of the metadata that it has applied; nil before it started.
    package let appliedEnd: Offset?
    /// Whether it has any replicas.
    package let hasReplicas: Bool
    /// How many inputs its replica of the metadata log has taken: as long as the number is the same, so is what that
    /// believes. Nil before it is open.
    package let quorumSteps: UInt64?
}

extension Partition {
    /// Nil while the log is not open.
    package var witness: ReplicaWitness? {
        state.withLock { state in
            guard let bounds = state.log?.bounds else { return nil }
            return ReplicaWitness(state, bounds, directory: directory)
        }
    }

    /// Whether `known` is what its witness would be now: asked of each replica after each event.
    package func isStill(_ known: ReplicaWitness?) -> Bool {
        guard let known else { return state.withLock { $0.log == nil } }
        return state.withLock { known.isStill(of: $0) } && isDirectory(known.directory)
    }
}

extension QuorumReplica {
    fileprivate var witness: QuorumWitness {
        let isLeader = if case .leader = role { true } else { false }
        return QuorumWitness(
            role: role.name, epoch: election.epoch, leader: leaderID, votedFor: election.votedFor?.id,
            isLeader: isLeader, highWatermark: highWatermark, logStart: log.start, logEnd: log.end)
    }
}

extension Node {
    /// The metadata that this node has applied; nil before it started.
    package var appliedMetadata: MetadataImage? { witnessed.quorum?.cache.current }

    /// The replicas of this node, ordered by topic name and number.
    package var replicas: [Partition] { witnessed.broker?.partitions.all ?? [] }

    /// What it believes now. On the control loop's thread.
    package var witness: NodeWitness {
        let (quorum, broker) = witnessed
        return NodeWitness(
            registeredEpoch: broker?.lifecycle.epoch, appliedEnd: quorum?.cache.end,
            hasReplicas: !(broker?.partitions.isEmpty ?? true), quorumSteps: quorum?.host.steps)
    }

    /// What its replica of the metadata log believes now; nil before that is open. On the control loop's thread.
    package var quorumWitness: QuorumWitness? { witnessed.quorum?.host.replica?.witness }
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
