import Metadata
import Primitives

extension ConsumerMember {
    /// What a member has to be brought to.
    struct Goal {
        /// The epoch of the target assignment.
        let epoch: Int32
        /// Sorted.
        let target: [TopicPartitionID]
        /// What the member says that it owns; nil where it has not said.
        let owned: Set<TopicPartitionID>?
    }

    /// The member's next step towards the target assignment: it gives up first, then it takes what is free.
    ///
    /// - Returns: the member as it is, where there is nothing to do or it has not given up yet; nil where it must begin
    ///   anew (FENCED_MEMBER_EPOCH).
    /// - Source: KIP-848.
    func reconciled(with goal: Goal, isFree: (TopicPartitionID) -> Bool) -> ConsumerMember? {
        switch reconciliation {
        case .stable:
            // The same epoch with another target: the member has changed what it subscribes to.
            return epoch == goal.epoch && assigned.map(\.partition) == goal.target
                ? self : step(to: goal, from: epoch, isFree)
        case .unrevoked:
            if stillOwns(pendingRevocation, goal) { return self }
            var next = self
            next.pendingRevocation = []
            return next.step(to: goal, from: epoch + 1, isFree)
        case .unreleased: return step(to: goal, from: epoch, isFree)
        case .unknown:
            guard goal.owned?.isEmpty ?? false else { return nil }
            return step(to: goal, from: goal.epoch, isFree)
        }
    }

    private func stillOwns(_ partitions: [OwnedPartition], _ goal: Goal) -> Bool {
        guard let owned = goal.owned else { return true }
        return partitions.contains { owned.contains($0.partition) }
    }

    /// - Parameter current: the epoch in which the member stays while it gives partitions up.
    private func step(
        to goal: Goal, from current: Int32, _ isFree: (TopicPartitionID) -> Bool
    ) -> ConsumerMember {
        let wanted = Set(goal.target)
        let kept = assigned.filter { wanted.contains($0.partition) }
        let surplus = assigned.filter { !wanted.contains($0.partition) }
        var next = self
        if !surplus.isEmpty && stillOwns(surplus, goal) {
            next.enter(current)
            next.reconciliation = .unrevoked
            next.assigned = kept
            next.pendingRevocation = surplus
            return next
        }
        let keptPartitions = Set(kept.map(\.partition))
        let missing = goal.target.filter { !keptPartitions.contains($0) }
        let taken = missing.filter(isFree)
        next.enter(goal.epoch)
        next.reconciliation = taken.count < missing.count ? .unreleased : .stable
        next.assigned = (kept + taken.map { OwnedPartition(partition: $0, epoch: goal.epoch) }).sorted()
        next.pendingRevocation = []
        return next
    }
}
