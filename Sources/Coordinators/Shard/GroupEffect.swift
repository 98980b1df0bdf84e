package import Primitives
package import WireMessages

/// The answer to a request of groups that may have waited.
package enum GroupReply: Hashable, Sendable {
    case join(JoinGroupResponse)
    case sync(SyncGroupResponse)
    case leave(LeaveGroupResponse)
    case offsetCommit(OffsetCommitResponse)
    case offsetDelete(OffsetDeleteResponse)
    case deleteGroups([DeleteGroupsResponse.DeletableGroupResult])
    case consumerHeartbeat(ConsumerGroupHeartbeatResponse)
    case transactionalCommit(TxnOffsetCommitResponse)
    /// The end of a transaction is in the log, or why it is not known to be.
    case transactionEnded(ErrorCode)
}

/// What a step of a group shard asks of the host.
package typealias GroupEffect = ShardEffect<GroupRecord, GroupReply, Never>
