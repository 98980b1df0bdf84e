import Primitives
import Quorum

/// What a core believes of its vote file and log is what its disk holds.
struct MemoryIsDisk: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let replica = node.replica else { return nil }
        if replica.election != node.disk.election { return "node \(node.id) has not persisted its election state" }
        if replica.log.end.value != Int64(node.disk.entries.count) {
            return "node \(node.id) believes in log end \(replica.log.end), has \(node.disk.entries.count)"
        }
        if replica.log.flushedEnd.value > Int64(node.disk.durableEnd) {
            return "node \(node.id) counts \(replica.log.flushedEnd) entries as durable, has \(node.disk.durableEnd)"
        }
        if node.disk.entries.last.map({ $0.epoch != replica.log.lastEpoch }) ?? false {
            return "node \(node.id) believes in last epoch \(replica.log.lastEpoch)"
        }
        return nil
    }
}
