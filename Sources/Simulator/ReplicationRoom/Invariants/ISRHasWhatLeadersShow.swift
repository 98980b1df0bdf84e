import Controller
import Metadata
import Primitives
import Replication

/// INV-12: whatever a node that believes to lead shows below its watermark, every running member of the true ISR has.
struct ISRHasWhatLeadersShow: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        for node in truth.nodes {
            guard node.isUp, let leader = node.leader else { continue }
            let end = leader.highWatermark
            for member in truth.partition.isr {
                let other = truth.node(member)
                guard truth.isRunning(other) else { continue }
                if other.disk.end < end || other.disk.chain(below: end) != node.disk.chain(below: end) {
                    return "INV-12: \(node.id) shows up to \(end), which \(member) of the ISR does not have"
                }
            }
        }
        return nil
    }
}
