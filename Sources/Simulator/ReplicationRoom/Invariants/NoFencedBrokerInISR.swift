import Controller
import Metadata
import Primitives
import Replication

/// INV-8: no fenced broker is in the ISR.
struct NoFencedBrokerInISR: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        let brokers = truth.controller.image.brokers
        guard let fenced = truth.partition.isr.first(where: { !brokers.isUnfenced($0) }) else { return nil }
        return "INV-8: \(fenced) is fenced and in the ISR"
    }
}
