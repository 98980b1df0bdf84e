import Metadata
import Primitives
import Replication

/// All replicas die at nearly the same time, and all logs but one that has everything end earlier when they are back
/// (fault row F20): as long as that one comes back soon, nothing that is committed may be lost.
extension ReplicationSimulation {
    /// They die within so long: shorter than it takes to see that one is silent.
    private static let deathsMicroseconds: Int64 = 50_000

    mutating func dieTogether() {
        guard isWhole, lossy == nil || isFilledAgain(), !mustReturnSoon() else { return }
        note("all are about to die")
        for index in truth.nodes.indices {
            let delay = Int64(generator.next() % UInt64(ReplicationSimulation.deathsMicroseconds))
            heap.schedule(.death(node: index), afterMicroseconds: delay)
        }
        heap.schedule(.cutLogs, afterMicroseconds: ReplicationSimulation.deathsMicroseconds)
    }

    mutating func die(_ index: Int) { _ = end(index) }

    /// All are dead: one that has all that is committed stays whole, any part of the other logs goes. In any order
    /// they come back.
    mutating func cutLogs() {
        for index in truth.nodes.indices { startLater(index) }
        // Who was down already may be back: then it was an outage like others.
        guard truth.nodes.allSatisfy({ !$0.isUp }) else { return }
        let complete = truth.nodes.indices.filter { index in
            truth.partition.replicas.contains(truth.nodes[index].id) && isComplete(truth.nodes[index].disk)
        }
        guard !complete.isEmpty else { return }
        let whole = complete[Int(generator.next() % UInt64(complete.count))]
        survivor = whole
        note("only the log of \(truth.nodes[whole].id) is whole")
        for index in truth.nodes.indices where index != whole {
            truth.nodes[index].disk.cutShort(using: &generator)
        }
    }

    private func isComplete(_ disk: ReplicaDisk) -> Bool {
        let end = truth.trueHighWatermark
        return (truth.flushesOnAck ? disk.flushed : disk.end) >= end
            && disk.chain(below: end) == truth.committed.last?.chain ?? 0
    }

    /// Whether the only whole log is still awaited: the controller waits for it a while and no longer (ADR 7).
    mutating func mustReturnSoon() -> Bool {
        guard let index = survivor else { return false }
        if isWhole, truth.isRunning(truth.nodes[index]) { survivor = nil }
        return survivor != nil
    }
}
