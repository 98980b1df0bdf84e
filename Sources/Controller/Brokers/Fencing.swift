import Metadata
package import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

extension ClusterController {
    /// Kafka's `broker.session.timeout.ms`: its brokers send a heartbeat every two seconds, whatever is set here.
    static let sessionMillisecondsOfOthers: Int64 = 9_000

    /// How long a broker may be silent: what is set, and for one of another make no less than Kafka's default.
    func sessionTimeoutMilliseconds(of broker: BrokerRegistration) -> Int64 {
        let set = configuration.sessionTimeoutMilliseconds
        return broker.isMartlet ? set : max(set, ClusterController.sessionMillisecondsOfOthers)
    }

    /// Fences a broker that is proved dead (R1): the life `epoch` of it, and no later one.
    package func fence(_ id: BrokerID, epoch: BrokerEpoch) -> Decision<Bool> {
        guard let broker = image.brokers[id], broker.epoch == epoch, !broker.isFenced else {
            return Decision(reply: false)
        }
        return Decision(fencing(broker), reply: true)
    }

    /// Fences one of the brokers whose session is over (R3); the reply names it. Ask again until there is none.
    package mutating func fenceSilentBroker(now: MonotonicInstant) -> Decision<BrokerID?> {
        let silent = image.brokers.sorted.first {
            let timeout = sessionTimeoutMilliseconds(of: $0)
            return !$0.isFenced && !sessions.isValid($0.id, now: now, timeoutMilliseconds: timeout)
        }
        guard let silent else { return Decision(reply: nil) }
        evidence.brakes.fenced(silent.id, isSilenceRule: false, evidence.settings, now: now)
        return Decision(fencing(silent), reply: silent.id)
    }

    func fencing(_ broker: BrokerRegistration) -> [MetadataRecord] {
        #if MUTANTS
            if Mutant.fencedInSync.isOn { return [.brokerRegistrationChange(broker.change(fenced: 1))] }
        #endif
        return [.brokerRegistrationChange(broker.change(fenced: 1))]
            + partitionChanges { PartitionProposal.withdrawing(broker.id, isUnclean: false, from: $0) }
    }

    /// Lets a broker in, and gives it the partitions that waited for it.
    func unfencing(_ broker: BrokerRegistration) -> [MetadataRecord] {
        var copy = self
        let record = MetadataRecord.brokerRegistrationChange(broker.change(fenced: -1))
        copy.replay(record)
        return [record]
            + copy.partitionChanges { partition in
                guard partition.leader == nil, partition.replicas.contains(broker.id) else { return nil }
                return PartitionProposal(isr: partition.isr)
            }
    }
}

extension BrokerRegistration {
    fileprivate func change(fenced: Int8) -> BrokerRegistrationChangeRecord {
        var record = BrokerRegistrationChangeRecord()
        record.brokerID = id
        record.brokerEpoch = epoch
        record.fenced = fenced
        return record
    }
}
