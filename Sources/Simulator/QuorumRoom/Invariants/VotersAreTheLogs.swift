import Primitives
import Quorum

/// Who votes in a core's eyes is who votes by the newest record of its disk, after every append, cut and snapshot.
struct VotersAreTheLogs: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard truth.isDynamic, let replica = node.replica else { return nil }
        let voters = node.disk.voters ?? .none
        return voters == replica.voters
            ? nil : "node \(node.id) believes in the voters \(replica.voters.all), its log says \(voters.all)"
    }
}
