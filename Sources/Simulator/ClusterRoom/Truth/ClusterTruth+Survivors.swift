import Metadata
import Primitives

/// The only whole replica of a partition whose other logs were cut.
struct Survivor: Hashable, Sendable {
    let number: Int
    /// When it is waited for no longer (ADR 7), at the earliest.
    let awaitedUntil: MonotonicInstant
}

extension ClusterTruth {
    /// Whether all metadata that anybody has is known to be committed: nothing that was decided and not heard of yet
    /// comes into force later.
    var isMetadataSettled: Bool { !quorum.hasUncommitted(machines) }

    /// The machines whose replica holds all that is committed, in sync or not: who was seen first to be dead has left
    /// the in-sync set, and may be the one whose log stays whole.
    func complete(_ partition: PartitionTruth) -> [Int] {
        guard let registration = partition.registration else { return [] }
        return registration.replicas.map { Int($0.value) }.filter { hasAll(partition, $0) }
    }

    /// Somebody may have been elected of a partition whose logs were cut. One who is not the survivor may lack records
    /// if the survivor did not come back in time; else that is a loss like others.
    func noteElection(_ id: TopicPartitionID, _ fresh: PartitionRegistration) {
        guard let survivor = survivors[id], let leader = fresh.leader,
            fresh.leaderEpoch > partitions[id]?.registration?.leaderEpoch ?? .zero
        else { return }
        survivors[id] = nil
        reach("somebody leads after the logs were cut")
        let broker = BrokerID(Int32(survivor.number))
        if leader == broker { return reach("the only whole log leads") }
        let isBack = isRunning(survivor.number) && image.brokers.isUnfenced(broker)
        if !isBack, machines[0].now >= survivor.awaitedUntil {
            reach("the only whole log came back too late")
            mayLose(id)
        }
    }
}
