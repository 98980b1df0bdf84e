import Primitives
package import WireMessages

/// Names a request that waits for its answer; the host keeps what is needed to send it.
package struct Ticket: NumberOfAKind {
    package let value: Int64
    package init(_ value: Int64) { self.value = value }
}

/// Names one write of a shard, from its decision to its commitment.
package struct WriteID: NumberOfAKind {
    package let value: Int64
    package init(_ value: Int64) { self.value = value }
}

/// The answer to a request that may have waited.
package enum GroupReply: Hashable, Sendable {
    case join(JoinGroupResponse)
    case sync(SyncGroupResponse)
    case leave(LeaveGroupResponse)
    case offsetCommit(OffsetCommitResponse)
    case offsetDelete(OffsetDeleteResponse)
    case deleteGroups([DeleteGroupsResponse.DeletableGroupResult])
    case consumerHeartbeat(ConsumerGroupHeartbeatResponse)
}

/// Records that are to be appended as one batch: all or none.
package struct GroupWrite: Hashable, Sendable {
    package let id: WriteID
    package let records: [GroupRecord]
}

/// What a step asks of the host, to be done in array order.
package enum GroupEffect: Hashable, Sendable {
    /// Answer the request behind the ticket. Its records, if it had any, are committed.
    case reply(Ticket, GroupReply)
    /// Append to the shard's partition and tell the shard at once, by `appended` or `refused`, before any other call.
    /// What is to follow the commitment is kept by the shard until `committed`.
    case append(GroupWrite)
}
