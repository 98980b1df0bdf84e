import Primitives
import Replication

/// INV-13: the end offset that current leaders tell consumers never decreases, across leaders.
struct ShownEndNeverDecreases: ReplicationInvariant {
    private var shown = Offset.zero

    mutating func violation(in truth: ReplicationTruth) -> String? {
        for node in truth.nodes {
            guard truth.isCurrentLeader(node), let leader = node.leader else { continue }
            let told: Offset
            do throws(ReplicationError) {
                told = try leader.latestOffset(for: .consumer(readsCommittedOnly: false), lastStable: nil)
            } catch {
                continue
            }
            if told < shown { return "INV-13: leader \(node.id) tells the end \(told) after \(shown) was told" }
            shown = told
        }
        return nil
    }
}
