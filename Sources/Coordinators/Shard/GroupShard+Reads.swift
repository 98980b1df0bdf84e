import HashTreeCollections
import OrderedCollections
package import Primitives
package import WireMessages

#if MUTANTS
    import Mutants
#endif

/// What a group has committed for one partition, as a read finds it.
package enum FetchedOffset: Hashable, Sendable {
    case committed(CommittedOffset)
    case nothingCommitted
    /// A transaction over it is not decided yet (UNSTABLE_OFFSET_COMMIT).
    case unstable
}

extension GroupShard {
    /// The committed offsets of a group that are asked for, as of the high watermark.
    ///
    /// - Parameter isStableRequired: partitions with an undecided transaction are `unstable`.
    package func fetchOffset(
        of partition: ConsumedPartition, group: String, isStableRequired: Bool
    ) -> FetchedOffset {
        #if MUTANTS
            if Mutant.noOffsetIsZero.isOn, committedImage[group]?.offset(of: partition) == nil {
                return .committed(CommittedOffset(OffsetCommitValue()))
            }
            if Mutant.uncommittedOffsetRead.isOn, let offset = image[group]?.offset(of: partition) {
                return .committed(offset)
            }
        #endif
        guard let stored = committedImage[group] else { return .nothingCommitted }
        if isStableRequired && stored.isUnstable(partition) { return .unstable }
        return stored.offset(of: partition).map(FetchedOffset.committed) ?? .nothingCommitted
    }

    /// Every partition for which a group has an offset (or an undecided one), sorted.
    package func partitions(of group: String) -> [ConsumedPartition] { committedImage[group]?.partitions ?? [] }

    /// True where the group has members, or anything of it is committed.
    package func contains(_ group: String) -> Bool { groups[group] != nil || committedImage[group] != nil }

    /// Who may ask for offsets as a member of a consumer group: one that is in it, in its epoch.
    ///
    /// - Returns: UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION (a classic member); nil also for groups of
    ///   the classic protocol, which don't ask.
    package func errorOfFetch(group: String, memberID: String?, epoch: Int32) -> ErrorCode? {
        guard groups[group] == nil, let consumers = committedImage[group]?.consumer else { return nil }
        guard memberID != nil || epoch >= 0 else { return nil }
        guard let member = memberID.flatMap({ consumers.members[$0] }) else { return .unknownMemberID }
        if member.epoch == epoch { return nil }
        return member.classic == nil ? .staleMemberEpoch : .illegalGeneration
    }

    /// True for a group of the consumer protocol.
    package func isConsumerGroup(_ id: String) -> Bool { groups[id] == nil && committedImage[id]?.consumer != nil }

    /// What DescribeGroups says of a classic group; nil where there is none.
    package func describe(_ id: String) -> DescribeGroupsResponse.DescribedGroup? {
        if isConsumerGroup(id) { return nil }
        if let group = groups[id] { return group.description }
        guard committedImage[id] != nil else { return nil }
        return ClassicGroup(id: id).description
    }

    /// The groups that pass the filters, sorted by id. Empty filters let all pass; upper or lower case is the same.
    package func list(states: [String], types: [String]) -> [ListGroupsResponse.ListedGroup] {
        let wantedStates = Set(states.map { $0.lowercased() })
        let wantedTypes = Set(types.map { $0.lowercased() })
        return Set(groups.keys).union(committedImage.ids).sorted().compactMap { id in
            var listed = ListGroupsResponse.ListedGroup()
            listed.groupID = id
            if groups[id] == nil, let group = committedImage[id]?.consumer {
                listed.protocolType = ClassicGroup.consumerProtocolType
                listed.groupState = group.state.rawValue
                listed.groupType = GroupShard.consumerType
            } else {
                let group = groups[id] ?? ClassicGroup(id: id)
                listed.protocolType = group.protocolType ?? ""
                listed.groupState = group.state.name
                listed.groupType = GroupShard.classicType
            }
            let isWanted =
                (wantedStates.isEmpty || wantedStates.contains(listed.groupState.lowercased()))
                && (wantedTypes.isEmpty || wantedTypes.contains(listed.groupType))
            return isWanted ? listed : nil
        }
    }

    private static let classicType = "classic"
    private static let consumerType = "consumer"
}
