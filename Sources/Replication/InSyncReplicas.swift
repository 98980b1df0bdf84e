package import Primitives

#if MUTANTS
    import Mutants
#endif

/// A change of the in-sync set that a leader asks of the controller (AlterPartition).
package struct ISRProposal: Hashable, Sendable {
    /// A member with the broker epoch under which it was judged.
    package struct Member: Hashable, Sendable {
        package var broker: BrokerID
        package var epoch: BrokerEpoch

        package init(broker: BrokerID, epoch: BrokerEpoch) {
            self.broker = broker
            self.epoch = epoch
        }
    }

    package var leaderEpoch: LeaderEpoch
    /// The partition epoch that the change is based on.
    package var partitionEpoch: PartitionEpoch
    package var members: [Member]
}

/// What became of a proposal.
package enum ISRAnswer: Hashable, Sendable {
    /// The controller committed this state.
    case committed(leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch, inSync: [BrokerID])
    /// The controller refused it, or the request failed on its way.
    case refused(ErrorCode)

    /// Whether nothing was applied, nor will be. INELIGIBLE_REPLICA moves the partition epoch, so that no other copy of
    /// the request that is still on its way is applied after it.
    var isForNothing: Bool { self == .refused(.ineligibleReplica) || self == .refused(.operationNotAttempted) }
}

/// The in-sync set of a partition at its leader: what is committed, and the one change that may be on its way.
///
/// - Invariant: at most one proposal at a time (KIP-497); `maximal` contains every set that the controller may have.
struct InSyncReplicas: Sendable {
    private enum Change: Hashable, Sendable {
        case settled
        case proposed(ISRProposal)
        /// The controller may have applied it; only newer metadata tells.
        case unresolved(ISRProposal)
    }

    private(set) var committed: [BrokerID]
    private(set) var partitionEpoch: PartitionEpoch
    private var change = Change.settled

    init(committed: [BrokerID], partitionEpoch: PartitionEpoch) {
        self.committed = committed
        self.partitionEpoch = partitionEpoch
    }

    var proposal: ISRProposal? {
        #if MUTANTS
            if Mutant.onlyConfirmedInSync.isOn { return nil }
        #endif
        return switch change {
        case .settled: nil
        case .proposed(let proposal), .unresolved(let proposal): proposal
        }
    }

    var isSettled: Bool { change == .settled }

    /// Committed and proposed members together.
    var maximal: [BrokerID] {
        guard let proposal else { return committed }
        return committed + proposal.members.map(\.broker).filter { !committed.contains($0) }
    }

    func maximalContains(_ broker: BrokerID) -> Bool {
        committed.contains(broker) || proposal?.members.contains { $0.broker == broker } == true
    }

    var maximalCount: Int {
        guard let proposal else { return committed.count }
        return committed.count + proposal.members.count { !committed.contains($0.broker) }
    }

    mutating func propose(_ proposal: ISRProposal) {
        precondition(isSettled, "two ISR changes in flight")
        change = .proposed(proposal)
    }

    mutating func commit(_ inSync: [BrokerID], at epoch: PartitionEpoch) {
        committed = inSync
        partitionEpoch = epoch
        change = .settled
    }

    mutating func rollBack() { change = .settled }

    mutating func waitForMetadata() {
        if case .proposed(let proposal) = change { change = .unresolved(proposal) }
    }

    func isInFlight(_ proposal: ISRProposal) -> Bool { change == .proposed(proposal) }
}
