import Logging
import LogStorage
import Metadata
import Primitives
import Replication
import Synchronization

/// Where a replica lies that the metadata places on this broker.
extension PartitionTable {
    /// The metadata is as new as what was committed when the node started: what had to wait for that is decided.
    package func metadataIsSettled() {
        let waiting: Set<TopicPartitionID>? = awaiting.withLock { awaiting in
            defer { awaiting = nil }
            return awaiting
        }
        guard let waiting else { return }
        let image = cache.current
        for id in waiting.sorted() where partition(id.topic, id.index) == nil || !isPlacedHere(id, image) {
            follow(id, image)
        }
        directories.forgetCheckpoints()
    }

    private func isPlacedHere(_ id: TopicPartitionID, _ image: MetadataImage) -> Bool {
        image.topics[id]?.replicas.contains(services.me) ?? false
    }

    /// Whether a replica is kept though it is placed elsewhere: while a start reads what was decided long ago, that may
    /// be of a time before it came back.
    func isPutOff(_ id: TopicPartitionID) -> Bool {
        awaiting.withLock { awaiting in
            awaiting?.insert(id)
            return awaiting != nil
        }
    }

    /// The place of a replica that is not in the table; nil where it has to wait, or is offline.
    func place(
        of id: TopicPartitionID, _ topic: TopicImage, _ registration: PartitionRegistration
    ) -> DataDirectories.Place? {
        let me = services.me
        let isAdded = registration.addingReplicas.contains(me) && !registration.isr.contains(me)
        let isSettled = awaiting.withLock { $0 == nil }
        var wanted = DataDirectories.Wanted(topic: topic.name, id: id.topic, index: id.index)
        wanted.assigned = registration.directory(of: me)
        wanted.isNew = registration.partitionEpoch == PartitionEpoch(0) || isAdded
        wanted.isInvolved = isCounted(registration)
        wanted.preferred = isSettled ? moves.takePreference(topic.name, id.index) : nil
        switch directories.claim(wanted, isSettled: isSettled) {
        case .place(let place): return place
        case .waits:
            awaiting.withLock { _ = $0?.insert(id) }
            return nil
        case .offline(let reason):
            log.error(
                "the log directory of a replica does not work: it is offline",
                metadata: ["partition": "\(topic.name)-\(id.index)", "reason": "\(reason)"])
            return nil
        }
    }

    /// Whether the others count on what this broker's replica holds.
    func isCounted(_ registration: PartitionRegistration) -> Bool {
        let me = services.me
        return registration.isr.contains(me) || registration.eligibleLeaderReplicas.contains(me)
            || registration.lastKnownELR.contains(me) || registration.leader == me
    }
}
