import OrderedCollections
import Primitives
package import WireMessages

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
        guard let stored = committedImage[group] else { return .nothingCommitted }
        if isStableRequired && stored.isUnstable(partition) { return .unstable }
        return stored.offset(of: partition).map(FetchedOffset.committed) ?? .nothingCommitted
    }

    /// Every partition for which a group has an offset (or an undecided one), sorted.
    package func partitions(of group: String) -> [ConsumedPartition] { committedImage[group]?.partitions ?? [] }

    /// True where the group has members, or anything of it is committed.
    package func contains(_ group: String) -> Bool { groups[group] != nil || committedImage[group] != nil }

    /// What DescribeGroups says of a group; nil where there is none.
    package func describe(_ id: String) -> DescribeGroupsResponse.DescribedGroup? {
        if let group = groups[id] { return group.description }
        guard committedImage[id] != nil else { return nil }
        return ClassicGroup(id: id).description
    }

    /// The groups that pass the filters, sorted by id. Empty filters let all pass; upper or lower case is the same.
    package func list(states: [String], types: [String]) -> [ListGroupsResponse.ListedGroup] {
        let wantedStates = Set(states.map { $0.lowercased() })
        let isTypeWanted = types.isEmpty || types.contains { $0.lowercased() == GroupShard.classicType }
        guard isTypeWanted else { return [] }
        return Set(groups.keys).union(committedImage.ids).sorted().compactMap { id in
            let group = groups[id] ?? ClassicGroup(id: id)
            guard wantedStates.isEmpty || wantedStates.contains(group.state.name.lowercased()) else { return nil }
            var listed = ListGroupsResponse.ListedGroup()
            listed.groupID = id
            listed.protocolType = group.protocolType ?? ""
            listed.groupState = group.state.name
            listed.groupType = GroupShard.classicType
            return listed
        }
    }

    private static let classicType = "classic"
}
