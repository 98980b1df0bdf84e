import Metadata
import Primitives
import WireMessages

/// A wish for a partition: who shall be in sync, and who shall not be trusted. The election completes it.
struct PartitionProposal: Hashable {
    var isr: [BrokerID]
    /// Leaves the ISR and the ELR with doubt about its log: it restarted unclean, or lost its directory.
    var unclean: BrokerID?
    /// May not lead, whatever its registration says: it is just being withdrawn.
    var withdrawn: BrokerID?
    var recoveryState: LeaderRecoveryState?
    var election = ElectionMode.online
    /// Brokers that have a replica in another directory than the recorded one, which is not in service: they may be
    /// elected by an operator's word only.
    var moved: [BrokerID] = []
    /// A change of who holds the partition.
    var assignment: ReplicaAssignment?

    init(isr: [BrokerID]) { self.isr = isr }

    /// Takes a broker out of a partition; nil if it plays no part there.
    static func withdrawing(
        _ broker: BrokerID, isUnclean: Bool, from partition: PartitionRegistration
    ) -> PartitionProposal? {
        let isInvolved =
            partition.isr.contains(broker) || partition.leader == broker
            || (isUnclean && partition.eligibleLeaderReplicas.contains(broker))
        guard isInvolved else { return nil }
        var proposal = PartitionProposal(isr: partition.isr.filter { $0 != broker })
        proposal.withdrawn = broker
        if isUnclean { proposal.unclean = broker }
        return proposal
    }
}

/// Who is looked for as a leader.
enum ElectionMode: Hashable {
    /// The present leader if it still may lead, else another.
    case online
    /// The first replica, if it is in sync.
    case preferred
    /// Somebody, by an operator's word: those of `order` who are alive, where nobody is who surely has all.
    case unclean(order: [BrokerID])
}
