package import Primitives

/// What the controller has committed about one partition, as far as its replicas need it.
package struct PartitionAssignment: Hashable, Sendable {
    /// Who leads; nil while nobody does.
    package var leader: BrokerID?
    package var leaderEpoch: LeaderEpoch
    package var partitionEpoch: PartitionEpoch
    package var replicas: [BrokerID]
    package var inSync: [BrokerID]

    package init(
        leader: BrokerID?, leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch, replicas: [BrokerID],
        inSync: [BrokerID]
    ) {
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSync = inSync
    }
}

/// The present registration of a broker, as a leader needs it to judge a follower.
package struct BrokerLife: Hashable, Sendable {
    package var epoch: BrokerEpoch
    package var isFenced: Bool
    package var isShuttingDown: Bool

    package init(epoch: BrokerEpoch, isFenced: Bool, isShuttingDown: Bool) {
        self.epoch = epoch
        self.isFenced = isFenced
        self.isShuttingDown = isShuttingDown
    }
}

/// An epoch and the offset where it ends, exclusive.
package struct EpochEnd: Hashable, Sendable {
    package var epoch: LeaderEpoch
    package var endOffset: Offset

    package init(epoch: LeaderEpoch, endOffset: Offset) {
        self.epoch = epoch
        self.endOffset = endOffset
    }
}
