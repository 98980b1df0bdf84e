package import Metadata
package import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

extension PartitionRegistration {
    /// Who may lead again after all that were in sync restarted unclean; empty while anyone is trusted.
    package var recoveryCandidates: [BrokerID] {
        isr.isEmpty && eligibleLeaderReplicas.isEmpty && leader == nil ? lastKnownELR : []
    }
}

extension ClusterController {
    /// Takes what a broker says about partitions in which it is a recovery candidate, and elects where all have spoken.
    package mutating func report(
        _ reports: [RecoveryReport], from broker: BrokerID, epoch: BrokerEpoch
    ) -> Decision<Void> {
        guard image.brokers[broker]?.epoch == epoch else { return Decision(reply: ()) }
        var records: [MetadataRecord] = []
        for report in reports {
            guard let partition = image.topics[report.partition],
                partition.recoveryCandidates.contains(broker), partition.leaderEpoch == report.leaderEpoch
            else { continue }
            recovery.note(report, from: broker, epoch)
            if let change = electingCandidate(of: report.partition, partition) {
                recovery.forget(report.partition)
                records.append(.partitionChange(change))
            }
        }
        return Decision(records, reply: ())
    }

    /// A replica in another directory than the recorded one is not the one that was in sync: the disk was replaced.
    func isSameReplica(_ reported: DirectoryID, _ recorded: DirectoryID?) -> Bool {
        guard let recorded, !recorded.isReservedDirectory else { return true }
        return reported == recorded
    }

    /// The election of the candidate that has most, once every candidate reported; nil while one is missing.
    private func electingCandidate(
        of id: TopicPartitionID, _ partition: PartitionRegistration
    ) -> PartitionChangeRecord? {
        var best: (broker: BrokerID, report: RecoveryReport)?
        for candidate in partition.replicas where partition.recoveryCandidates.contains(candidate) {
            guard let broker = image.brokers[candidate],
                let report = recovery.report(on: id, from: candidate, broker.epoch),
                report.leaderEpoch == partition.leaderEpoch,
                isSameReplica(report.directory, partition.directory(of: candidate))
            else {
                #if MUTANTS
                    if Mutant.firstCandidateLeads.isOn { continue }
                #endif
                return nil
            }
            if let found = best, !found.report.isBehind(report) { continue }
            best = (candidate, report)
        }
        guard let winner = best?.broker, image.brokers.isActive(winner) else { return nil }
        var next = partition
        next.leader = winner
        next.isr = [winner]
        next.lastKnownELR = []
        return PartitionChangeRecord(id, from: partition, to: next)
    }
}
