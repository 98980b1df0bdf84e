import Metadata
import Primitives

#if MUTANTS
    import Mutants
#endif

/// Who holds a partition, and on the way to whom it is (KIP-455).
///
/// - Invariant: `adding` and `removing` lie within `replicas`. A replica in both was added by a target that another one
///   replaced: it goes when the reassignment ends, whether that is completed or cancelled.
struct ReplicaAssignment: Hashable {
    /// In the order of preference: those that stay or come, then those that go.
    private(set) var replicas: [BrokerID]
    private(set) var adding: [BrokerID]
    private(set) var removing: [BrokerID]

    init(_ partition: PartitionRegistration) {
        replicas = partition.replicas
        adding = partition.addingReplicas
        removing = partition.removingReplicas
    }

    private init(settledOn replicas: [BrokerID]) {
        self.replicas = replicas
        adding = []
        removing = []
    }

    var isUnderway: Bool { !adding.isEmpty || !removing.isEmpty }

    /// Who holds the partition when the reassignment is completed.
    var target: [BrokerID] { replicas.filter { !removing.contains($0) } }

    /// Who holds the partition when the reassignment is cancelled.
    var original: [BrokerID] { replicas.filter { !adding.contains($0) } }

    /// The assignment on its way to `target`; a target that was on its way before is given up.
    ///
    /// - Parameter mayHoldCommitted: whether a replica may be needed for what is committed: one that a former target
    ///   added goes at once otherwise.
    func moving(to target: [BrokerID], mayHoldCommitted: (BrokerID) -> Bool) -> ReplicaAssignment {
        let original = original
        let leaving = replicas.filter { replica in
            !target.contains(replica) && (original.contains(replica) || mayHoldCommitted(replica))
        }
        var next = ReplicaAssignment(settledOn: target + leaving)
        next.adding = next.replicas.filter { !original.contains($0) }.sorted()
        next.removing = leaving.sorted()
        return next
    }

    /// The assignment as it was before the reassignment.
    var reverted: ReplicaAssignment { ReplicaAssignment(settledOn: original) }

    /// The assignment at the end of the reassignment, if every replica of the target is in sync (reliability rule 21).
    func completed(inSync: [BrokerID]) -> ReplicaAssignment? {
        let target = target
        #if MUTANTS
            if Mutant.reassignedBehind.isOn, isUnderway, target.contains(where: inSync.contains) {
                return ReplicaAssignment(settledOn: target)
            }
        #endif
        guard isUnderway, !target.isEmpty, target.allSatisfy(inSync.contains) else { return nil }
        return ReplicaAssignment(settledOn: target)
    }
}

extension PartitionRegistration {
    /// Takes over an assignment: who is no replica any more is in no other list either.
    ///
    /// - Parameter directory: where a replica that is new goes.
    mutating func adopt(_ assignment: ReplicaAssignment, directory: (BrokerID) -> DirectoryID) {
        let former = Dictionary(zip(replicas, directories), uniquingKeysWith: { first, _ in first })
        replicas = assignment.replicas
        addingReplicas = assignment.adding
        removingReplicas = assignment.removing
        directories = replicas.map { former[$0] ?? directory($0) }
        isr = isr.filter(replicas.contains)
        eligibleLeaderReplicas = eligibleLeaderReplicas.filter(replicas.contains)
        lastKnownELR = lastKnownELR.filter(replicas.contains)
    }

    /// Those one of whom is needed so that nothing committed is lost: the in-sync and eligible replicas; where there
    /// are none, all whose logs are compared before one of them leads.
    var committedHolders: [BrokerID] {
        let trusted = isr + eligibleLeaderReplicas
        return trusted.isEmpty ? recoveryWitnesses : trusted
    }
}
