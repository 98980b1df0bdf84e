import Logging
import LogStorage
import Metadata
import Primitives
import Replication

/// What becomes of a replica whose log is damaged (fault F16).
///
/// Its broker reports it as lost, with the directory id that means so. The controller takes it out of the ISR and the
/// ELR, and begins a new leader epoch, but only where another replica that holds all that is committed leads then. In
/// that epoch the replica has never fetched, so nobody can take it for one in sync: now its log is set aside, and an
/// empty one begun. Without such another replica it keeps what it has, and serves what is sound.
extension PartitionTable {
    /// The log of a replica is damaged: says so and asks to be relieved. From any thread.
    func damageFound(_ partition: Partition) {
        let image = cache.current
        guard let found = partition.damage, let registration = image.topics[partition.id] else { return }
        let others = soundOthers(registration, image)
        log.error(
            "a log is damaged",
            metadata: [
                "partition": "\(partition.topicName)-\(partition.id.index)", "file": "\(found.damage.path)",
                "position": "\(found.damage.position)",
                "offset": "\(found.damage.offset.map { "\($0)" } ?? "unknown")", "reason": "\(found.damage.reason)",
                "remedy": "\(PartitionTable.remedy(others))",
            ])
        attend(partition, registration, image)
    }

    /// A segment's indexes led astray and were made anew.
    func indexesRebuilt(_ path: String) {
        log.warning("indexes of a segment were damaged and are made anew", metadata: ["file": "\(path)"])
    }

    private static func remedy(_ others: [BrokerID]) -> String {
        if !others.isEmpty {
            let names = others.map { "\($0)" }.joined(separator: ", ")
            return "none needed: the replica is made anew from those on \(names)"
        }
        return "no other replica in sync holds these records: start the nodes that do, or put the file back from a "
            + "backup while this node is stopped, or give the records up with delete-records"
    }

    /// The brokers that hold all that is committed and could lead.
    private func soundOthers(_ registration: PartitionRegistration, _ image: MetadataImage) -> [BrokerID] {
        registration.replicas.filter { broker in
            broker != services.me && image.brokers.isActive(broker)
                && (registration.isr.contains(broker) || registration.eligibleLeaderReplicas.contains(broker))
        }
    }

    /// Does what is next for a damaged replica; called whenever its registration changes.
    func attend(_ partition: Partition, _ registration: PartitionRegistration, _ image: MetadataImage) {
        guard let found = partition.damage else { return }
        let me = services.me
        let isLost = registration.directory(of: me) == .lostDirectory
        let isInvolved =
            registration.isr.contains(me) || registration.eligibleLeaderReplicas.contains(me)
            || registration.lastKnownELR.contains(me) || registration.leader == me
        // What an older life of this broker left in the metadata says nothing about this one.
        let isOfThisLife = image.brokers[me].map { $0.epoch == services.isrChanges.brokerEpoch } ?? false
        let isNewEpoch = found.foundIn.map { registration.leaderEpoch > $0 } ?? true
        if isLost, !isInvolved, isOfThisLife, isNewEpoch, registration.leader != nil {
            services.directoryAssignments?.replica(partition.id, liesIn: nil)
            return rebuild(partition, found)
        }
        let asks = (!isLost || isInvolved) && !soundOthers(registration, image).isEmpty
        services.directoryAssignments?.replica(partition.id, liesIn: asks ? .lostDirectory : nil)
    }

    private func rebuild(_ partition: Partition, _ found: ReplicaDamage) {
        let begins = partition.step { state, after in
            guard state.damage == found, state.isOpen || state.isOffline else { return false }
            state.beginRebuild(&after)
            return true
        }
        guard begins else { return }
        lanes(of: partition).run(partition.directory) {
            self.storing.rebuild(partition)
            self.services.directoryAssignments?.replica(
                partition.id, liesIn: self.directories.id(of: partition.logDirectory))
        }
    }
}
