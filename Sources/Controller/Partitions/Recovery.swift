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

    /// Who is asked what it has while there are recovery candidates: they, and every other replica.
    ///
    /// All members may have crashed at once, and the controller sees their returns one after the other: who came back
    /// first left the ISR while the others still passed for alive, and is no candidate, though its log may be the one
    /// that is whole. One that a reassignment is adding may be a member, or even the only one.
    package var recoveryWitnesses: [BrokerID] {
        #if MUTANTS
            if Mutant.onlyCandidatesHeard.isOn { return recoveryCandidates }
        #endif
        return recoveryCandidates.isEmpty ? [] : replicas
    }
}

extension ClusterController {
    /// Takes what a broker says about partitions whose recovery it witnesses, and elects where all have spoken.
    ///
    /// - Parameter nextOffset: the offset that the first record of the decision will have.
    package mutating func report(
        _ reports: [RecoveryReport], from broker: BrokerID, epoch: BrokerEpoch, nextOffset: Offset,
        now: MonotonicInstant
    ) -> Decision<Void> {
        guard image.brokers[broker]?.epoch == epoch else { return Decision(reply: ()) }
        var records: [MetadataRecord] = []
        for report in reports {
            guard let partition = image.topics[report.partition],
                partition.recoveryWitnesses.contains(broker), partition.leaderEpoch == report.leaderEpoch
            else { continue }
            recovery.note(report, from: broker, epoch, nextOffset: nextOffset)
            if let change = electingCandidate(of: report.partition, partition, now: now) {
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

    /// How long a replica that is no candidate is waited for since it was last seen: those that crashed together also
    /// start together.
    private static var patienceMilliseconds: Int64 { 10_000 }

    /// The election of the candidate that has most, or of another witness that has all of that and more, once every
    /// candidate reported, and every other replica that was seen of late had its chance to; nil before.
    ///
    /// More witnesses never make it worse: one that is no candidate is preferred only to a log that its own begins
    /// with. A later last epoch proves nothing of it: what was appended in that may have been lost to everybody else
    /// before it was committed, and a later leader have gone on without writing anything.
    private func electingCandidate(
        of id: TopicPartitionID, _ partition: PartitionRegistration, now: MonotonicInstant
    ) -> PartitionChangeRecord? {
        var reports: [(broker: BrokerID, report: RecoveryReport)] = []
        for witness in partition.recoveryWitnesses {
            if let report = report(of: witness, on: id, partition) {
                reports.append((witness, report))
            } else if maySpeakYet(witness, on: id, partition, now: now) {
                return nil
            }
        }
        let candidates = partition.recoveryCandidates
        var best: (broker: BrokerID, report: RecoveryReport)?
        for found in reports where candidates.contains(found.broker) && best?.report.isBehind(found.report) ?? true {
            best = found
        }
        for found in reports where !candidates.contains(found.broker) {
            guard let known = best, found.report.contains(known.report), known.report.isBehind(found.report) else {
                continue
            }
            best = found
        }
        guard let winner = best?.broker, image.brokers.isActive(winner) else { return nil }
        var next = partition
        next.leader = winner
        next.isr = [winner]
        next.lastKnownELR = []
        return PartitionChangeRecord(id, from: partition, to: next)
    }

    /// What a witness reported in its present life, of the replica that the metadata knows.
    private func report(
        of witness: BrokerID, on id: TopicPartitionID, _ partition: PartitionRegistration
    ) -> RecoveryReport? {
        guard let broker = image.brokers[witness],
            let report = recovery.report(on: id, from: witness, broker.epoch),
            report.leaderEpoch == partition.leaderEpoch,
            isSameReplica(report.directory, partition.directory(of: witness))
        else { return nil }
        return report
    }

    /// Whether an election must wait for a witness that said nothing: always for a candidate; for another one while it
    /// was seen of late and has not had its say on all recoveries that it heard of with this one: a heartbeat does not
    /// carry any number of reports.
    private func maySpeakYet(
        _ witness: BrokerID, on id: TopicPartitionID, _ partition: PartitionRegistration, now: MonotonicInstant
    ) -> Bool {
        if partition.recoveryCandidates.contains(witness) {
            #if MUTANTS
                if Mutant.firstCandidateLeads.isOn { return false }
            #endif
            return true
        }
        #if MUTANTS
            if Mutant.latelySeenUnwaited.isOn { return false }
        #endif
        guard let seen = sessions.lastSeen(witness), let asked = recovery.askedOffset(id),
            now < seen.advanced(byMilliseconds: ClusterController.patienceMilliseconds)
        else { return false }
        return sessions.recoveriesToldEnd(witness).map { $0 < asked } ?? true
    }
}
