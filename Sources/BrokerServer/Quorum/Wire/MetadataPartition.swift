import Primitives
import Quorum
import WireMessages
import WireProtocol

/// The one partition that the quorum's messages speak of.
enum MetadataPartition {
    static let topic = "__cluster_metadata"
    static let index = PartitionIndex(0)

    static func key(_ id: BrokerID, _ directory: UUID128) -> ReplicaKey {
        ReplicaKey(id: id, directoryID: directory == .zero ? nil : directory)
    }

    /// A node id, where -1 says that there is none.
    static func node(_ id: BrokerID) -> BrokerID? { id.value < 0 ? nil : id }

    static func verdict(_ error: ErrorCode, _ leader: BrokerID, _ epoch: LeaderEpoch) -> Verdict {
        Verdict(error: error, leaderID: node(leader), epoch: LeaderEpoch(max(epoch.value, 0)))
    }
}
