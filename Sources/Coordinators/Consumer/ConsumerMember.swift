package import Metadata
import Primitives
import WireMessages

/// How far a member has come on the way to its target assignment.
package enum MemberReconciliation: Int8, Hashable, Sendable {
    /// It owns its target, as far as its epoch knows it.
    case stable = 0
    /// It has to give partitions up first. → stable, unreleased when it says that it has.
    case unrevoked = 1
    /// It waits for partitions that others have not given up yet. → stable when they have.
    case unreleased = 2
    /// A state that a newer coordinator has written: the member must begin anew.
    case unknown = 127
}

/// A partition that a member owns.
package struct OwnedPartition: Hashable, Comparable, Sendable {
    package let partition: TopicPartitionID
    /// The member epoch in which it was assigned: commits for it are taken from that epoch on.
    package let epoch: Int32

    package static func < (left: OwnedPartition, right: OwnedPartition) -> Bool { left.partition < right.partition }
}

/// What a member subscribes to. Members of a group mostly share one subscription.
package struct ConsumerSubscription: Hashable, Sendable {
    /// Sorted, each once.
    package var names: [String] = []
    /// A regular expression over names; nil for none.
    package var expression: String?
}

/// What is kept of a member of a consumer group that speaks the classic protocol.
package struct ClassicMembership: Hashable, Sendable {
    package var sessionTimeoutMilliseconds: Int32
    package var protocols: [MemberProtocol]
}

/// A member of a consumer group.
package struct ConsumerMember: Hashable, Sendable {
    /// The epoch by which a static member says that it will come back soon; also what stands for it until then.
    package static let awayEpoch: Int32 = -2
    /// The epoch by which a member says that it leaves.
    static let leavingEpoch: Int32 = -1

    package let id: String
    package var instanceID: String?
    package var rackID: String?
    package var clientID = ""
    package var clientHost = ""
    package var rebalanceTimeoutMilliseconds: Int32 = -1
    package var serverAssignor: String?
    package var subscription = ConsumerSubscription()
    /// Set for a member that speaks the classic protocol.
    package var classic: ClassicMembership?
    /// The epoch that the member was last told.
    package var epoch: Int32 = 0
    /// The one before: a member that has missed the last answer is still there.
    package var previousEpoch: Int32 = 0
    package var reconciliation = MemberReconciliation.stable
    /// What it owns or may take now; sorted.
    package var assigned: [OwnedPartition] = []
    /// What it has to give up; sorted.
    package var pendingRevocation: [OwnedPartition] = []

    package init(id: String) { self.id = id }

    /// The same member under another id, which owns the same and begins at epoch 0.
    init(_ member: ConsumerMember, as id: String) {
        self = ConsumerMember(id: id)
        instanceID = member.instanceID
        rackID = member.rackID
        clientID = member.clientID
        clientHost = member.clientHost
        rebalanceTimeoutMilliseconds = member.rebalanceTimeoutMilliseconds
        serverAssignor = member.serverAssignor
        subscription = member.subscription
        classic = member.classic
        reconciliation = member.reconciliation
        assigned = member.assigned
    }

    /// True where the member has reached the target assignment of `epoch`.
    func isReconciled(to epoch: Int32) -> Bool { reconciliation == .stable && self.epoch == epoch }

    /// Moves to `epoch` (or stays in it).
    mutating func enter(_ epoch: Int32) {
        previousEpoch = self.epoch
        self.epoch = epoch
    }

    /// True where a commit for the partition is taken from the member when it says `epoch`, which is not newer than its
    /// own.
    ///
    /// - Source: KIP-1251.
    func mayCommit(_ partition: TopicPartitionID, in epoch: Int32) -> Bool {
        if epoch == self.epoch { return true }
        let owned = [assigned, pendingRevocation].joined().first { $0.partition == partition }
        return owned.map { $0.epoch <= epoch } ?? false
    }
}

extension Sequence<TopicPartitionID> {
    /// The partitions of each topic, where the sequence is sorted.
    var byTopic: [(topic: TopicID, partitions: [PartitionIndex])] {
        var grouped: [(topic: TopicID, partitions: [PartitionIndex])] = []
        for partition in self {
            if grouped.last?.topic == partition.topic {
                grouped[grouped.count - 1].partitions.append(partition.index)
            } else {
                grouped.append((partition.topic, [partition.index]))
            }
        }
        return grouped
    }
}
