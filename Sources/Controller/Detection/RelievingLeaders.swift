import Metadata
import Primitives
import WireMessages

/// R4 and R5: a leader that heartbeats and yet does not do its work loses leaderships, and is not fenced.
extension ClusterController {
    /// Wait before the leaderships of the same broker are looked at again.
    private static let reliefPauseMilliseconds: Int64 = 1_000

    /// R4: a leader from which most of its in-sync followers can't fetch leads no longer, and is no longer waited for.
    func relievingUnfetchable(_ judges: [BrokerID], now: MonotonicInstant) -> (BrokerID, [MetadataRecord])? {
        let limit = evidence.settings.unfetchableMilliseconds
        guard limit > 0 else { return nil }
        var accusers: [BrokerID: [BrokerID]] = [:]
        for judge in judges {
            for (leader, milliseconds) in evidence.peer(judge)?.vitals.unfetchable ?? [:] where milliseconds >= limit {
                accusers[leader, default: []].append(judge)
            }
        }
        for (leader, all) in accusers.sorted(by: { $0.key < $1.key }) {
            guard evidence.isOnTime(leader, now: now), isReliefDue(leader, now) else { continue }
            // Who is accused by as many is likely to be the one that is cut off.
            let believed = all.filter { accusers[$0]?.count ?? 0 < all.count }
            let records = partitionChanges { partition in
                let followers = partition.isr.filter { $0 != leader && image.brokers.isActive($0) }
                guard partition.leader == leader, 2 * followers.count(where: believed.contains) > followers.count else {
                    return nil
                }
                return PartitionProposal.withdrawing(leader, isUnclean: false, from: partition)
            }
            if !records.isEmpty { return (leader, records) }
        }
        return nil
    }

    /// R5: a leader hands over the leaderships of replicas that lie on a gray disk of it, to replicas whose disks are
    /// not gray. It leaves the ISR too where enough others are in it, as its flushes would hold up every
    /// acknowledgement.
    func relievingSlow(_ judges: [BrokerID], now: MonotonicInstant) -> (BrokerID, [MetadataRecord])? {
        let settings = evidence.settings
        for broker in judges where isReliefDue(broker, now) {
            let gray = (evidence.peer(broker)?.slowSince ?? [:]).filter {
                now.milliseconds(since: $0.value) >= settings.slowFlushLastingMilliseconds
            }
            if gray.isEmpty { continue }
            var records: [MetadataRecord] = []
            for topic in image.topics.sortedByID {
                records += partitionChanges(in: [topic]) { partition in
                    guard partition.leader == broker,
                        let directory = image.directory(of: partition, on: broker), gray[directory] != nil,
                        partition.isr.contains(where: { isHealthy($0, for: partition, than: broker) })
                    else { return nil }
                    var proposal = PartitionProposal(isr: partition.isr)
                    proposal.withdrawn = broker
                    if partition.isr.count > minInSyncReplicas(topic: topic.name, replicas: partition.replicas.count) {
                        proposal.isr.removeAll { $0 == broker }
                    }
                    return proposal
                }
            }
            if !records.isEmpty { return (broker, records) }
        }
        return nil
    }

    /// Where all disks are slow alike (maybe they are one) nothing is gained.
    private func isHealthy(_ candidate: BrokerID, for partition: PartitionRegistration, than broker: BrokerID) -> Bool {
        let directory = image.directory(of: partition, on: candidate)
        return candidate != broker && image.brokers.isActive(candidate)
            && evidence.peer(candidate).map { !$0.isSlow(directory, evidence.settings.slowFlushMilliseconds / 2) }
                ?? false
    }

    private func isReliefDue(_ broker: BrokerID, _ now: MonotonicInstant) -> Bool {
        guard let at = evidence.peer(broker)?.relievedAt else { return true }
        return now.milliseconds(since: at) >= ClusterController.reliefPauseMilliseconds
    }
}
