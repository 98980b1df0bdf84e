import Metadata
package import Primitives
import WireMessages

/// What a rule found, and what was done about it.
package struct Detection: Hashable, Sendable {
    package let broker: BrokerID
    package let rule: DetectionRule
    /// How long the broker was silent, where that is the reason.
    package let milliseconds: Int64?
    /// How many partitions the decision changes.
    package let partitions: Int
}

extension ClusterController {
    /// Judges by the evidence (R2, R4, R5); the reply tells what was found. Ask again until there is nothing.
    ///
    /// - Parameter ownLagMilliseconds: by how much this node's control loop was held up of late: who could not listen
    ///   does not judge.
    package mutating func judgeBrokers(ownLagMilliseconds: Int64, now: MonotonicInstant) -> Decision<Detection?> {
        evidence.refresh(in: image, now: now)
        guard ownLagMilliseconds < evidence.settings.lagMillisecondsMax else { return Decision(reply: nil) }
        let silence = SilenceRule(evidence: evidence, sessions: sessions, image: image, now: now)
        if let verdict = silence.verdict {
            evidence.brakes.fenced(verdict.broker.id, isSilenceRule: true, evidence.settings, now: now)
            let records = fencing(verdict.broker)
            return Decision(
                records,
                reply: Detection(
                    broker: verdict.broker.id, rule: .silence, milliseconds: verdict.milliseconds,
                    partitions: records.count - 1))
        }
        let judges = evidence.judges(in: image, now: now)
        if let (broker, records) = relievingUnfetchable(judges, now: now) {
            return relieve(broker, .unfetchable, records, now)
        }
        if let (broker, records) = relievingSlow(judges, now: now) { return relieve(broker, .slowFlush, records, now) }
        return Decision(reply: nil)
    }

    private mutating func relieve(
        _ broker: BrokerID, _ rule: DetectionRule, _ records: [MetadataRecord], _ now: MonotonicInstant
    ) -> Decision<Detection?> {
        evidence.relieved(broker, now: now)
        return Decision(
            records, reply: Detection(broker: broker, rule: rule, milliseconds: nil, partitions: records.count))
    }

    /// Who says that a broker's process is gone, of those that can be believed (R1 where the controller itself can't
    /// reach the host).
    package func witnessesOfDeath(_ broker: BrokerID, now: MonotonicInstant) -> Int {
        guard let registration = image.brokers[broker] else { return 0 }
        return evidence.judges(in: image, now: now).count { judge in
            judge != broker
                && evidence.peer(judge)?.vitals.sightings.contains {
                    $0.peer == broker && $0.epoch == registration.epoch && $0.kind == .gone
                } ?? false
        }
    }
}
