package import ClientCore
package import Primitives

/// The tables of `consumer-groups --describe` and `--list`.
package enum GroupTables {
    /// One partition of a group: what it has committed and who reads it.
    package struct OffsetRow: Hashable, Sendable {
        package var group: String
        package var place: TopicPartition
        package var committed: Offset?
        package var leaderEpoch: LeaderEpoch?
        package var logEnd: Offset?
        package var member: Member?

        package init(
            group: String, place: TopicPartition, committed: Offset?, leaderEpoch: LeaderEpoch? = nil, logEnd: Offset?,
            member: Member?
        ) {
            self.group = group
            self.place = place
            self.committed = committed
            self.leaderEpoch = leaderEpoch
            self.logEnd = logEnd
            self.member = member
        }

        /// What is left to be read; nil where one of the two is not known.
        package var lag: Int64? {
            guard let committed, let logEnd else { return nil }
            return max(0, logEnd - committed)
        }
    }

    /// A member of a group.
    package struct Member: Hashable, Sendable {
        package var id: String
        package var instanceID: String?
        package var host: String
        package var clientID: String
        package var assigned: [TopicPartition]
        /// What only a consumer group knows of a member.
        package var progress: Progress?

        package init(
            id: String, instanceID: String?, host: String, clientID: String, assigned: [TopicPartition],
            progress: Progress? = nil
        ) {
            self.id = id
            self.instanceID = instanceID
            self.host = host
            self.clientID = clientID
            self.assigned = assigned
            self.progress = progress
        }
    }

    /// How far a member of a consumer group has come.
    package struct Progress: Hashable, Sendable {
        package var epoch: Int32
        package var targetEpoch: Int32
        package var target: [TopicPartition]
        /// False for a member that still speaks the classic protocol.
        package var isUpgraded: Bool

        package init(epoch: Int32, targetEpoch: Int32, target: [TopicPartition], isUpgraded: Bool) {
            self.epoch = epoch
            self.targetEpoch = targetEpoch
            self.target = target
            self.isUpgraded = isUpgraded
        }
    }

    /// The state of a group.
    package struct State: Hashable, Sendable {
        package var group: String
        package var coordinator: String
        package var strategy: String
        package var state: String
        package var memberCount: Int
        /// Nil for a classic group.
        package var epoch: Int32?
        /// Nil for a classic group.
        package var targetEpoch: Int32?

        package init(
            group: String, coordinator: String, strategy: String, state: String, memberCount: Int,
            epoch: Int32? = nil, targetEpoch: Int32? = nil
        ) {
            self.epoch = epoch
            self.targetEpoch = targetEpoch
            self.group = group
            self.coordinator = coordinator
            self.strategy = strategy
            self.state = state
            self.memberCount = memberCount
        }
    }

    /// `--describe --offsets`.
    package static func offsetsTable(_ rows: [OffsetRow], isVerbose: Bool) -> PaddedTable {
        var columns: [PaddedTable.Column] = [
            .init("GROUP", .atLeast(15)), .init("TOPIC", .atLeast(15)), .init("PARTITION", .fixed(10)),
        ]
        if isVerbose { columns.append(.init("LEADER-EPOCH", .fixed(15))) }
        columns += [
            .init("CURRENT-OFFSET", .fixed(15)), .init("LOG-END-OFFSET", .fixed(15)), .init("LAG", .fixed(15)),
            .init("CONSUMER-ID", .atLeast(15)), .init("HOST", .atLeast(15)), .init("CLIENT-ID", .free),
        ]
        var table = PaddedTable(columns)
        for row in rows {
            var cells: [JSONValue] = [
                .text(row.group), .text(row.place.topic), .integer(Int64(row.place.partition.value)),
            ]
            if isVerbose { cells.append(.integer(orNull: row.leaderEpoch?.value)) }
            cells += [
                .integer(orNull: row.committed?.value), .integer(orNull: row.logEnd?.value), .integer(orNull: row.lag),
                .text(orNull: row.member?.id), .text(orNull: row.member?.host), .text(orNull: row.member?.clientID),
            ]
            table.append(cells: cells)
        }
        return table
    }

    /// `--describe --members`.
    package static func membersTable(_ group: String, _ members: [Member], isVerbose: Bool) -> PaddedTable {
        let hasStatic = members.contains { $0.instanceID != nil }
        var columns: [PaddedTable.Column] = [.init("GROUP", .atLeast(15)), .init("CONSUMER-ID", .atLeast(15))]
        if hasStatic { columns.append(.init("GROUP-INSTANCE-ID", .atLeast(17))) }
        columns += [
            .init("HOST", .atLeast(15)), .init("CLIENT-ID", .atLeast(15)),
            .init("#PARTITIONS", .fixed(15), key: "partitions"),
        ]
        // Where a group is being converted, who has been is told.
        let isMixed = isVerbose && members.contains { $0.progress.map { !$0.isUpgraded } ?? false }
        if isVerbose {
            columns += [
                .init("CURRENT-EPOCH", .fixed(15)), .init("CURRENT-ASSIGNMENT", .atLeast(20)),
                .init("TARGET-EPOCH", .fixed(15)), .init("TARGET-ASSIGNMENT", .atLeast(20)),
            ]
        }
        if isMixed { columns.append(.init("UPGRADED", .fixed(15))) }
        var table = PaddedTable(columns)
        for member in members {
            var cells: [JSONValue] = [.text(group), .text(member.id)]
            if hasStatic { cells.append(.text(orNull: member.instanceID)) }
            cells += [.text(member.host), .text(member.clientID), .integer(Int64(member.assigned.count))]
            if isVerbose {
                // A member of a classic group has its assignment, and is told of no other.
                let assigned = JSONValue.text(orNull: member.assigned.isEmpty ? nil : assignment(member.assigned))
                let target = member.progress.map(\.target) ?? member.assigned
                cells += [
                    .integer(orNull: member.progress?.epoch), assigned, .integer(orNull: member.progress?.targetEpoch),
                    .text(orNull: target.isEmpty ? nil : assignment(target)),
                ]
            }
            if isMixed { cells.append(.text("\(member.progress?.isUpgraded ?? false)")) }
            table.append(cells: cells)
        }
        return table
    }

    /// `--describe --state`.
    package static func stateTable(_ state: State, isVerbose: Bool) -> PaddedTable {
        var columns: [PaddedTable.Column] = [
            .init("GROUP", .atLeast(15)), .init("COORDINATOR (ID)", .atLeast(25), key: "coordinator"),
            .init("ASSIGNMENT-STRATEGY", .fixed(20)), .init("STATE", .fixed(20)),
        ]
        var cells: [JSONValue] = [
            .text(state.group), .text(state.coordinator), .text(state.strategy), .text(state.state),
        ]
        if isVerbose {
            columns += [.init("GROUP-EPOCH", .fixed(15)), .init("TARGET-ASSIGNMENT-EPOCH", .fixed(25))]
            cells += [.integer(orNull: state.epoch), .integer(orNull: state.targetEpoch)]
        }
        var table = PaddedTable(columns + [.init("#MEMBERS", .free, key: "members")])
        table.append(cells: cells + [.integer(Int64(state.memberCount))])
        return table
    }

    /// `--list` with `--state` or `--type`.
    package static func listTable(
        _ groups: [(group: String, type: String, state: String)], showsType: Bool, showsState: Bool
    ) -> PaddedTable {
        var columns: [PaddedTable.Column] = [.init("GROUP", .atLeast(0))]
        if showsType { columns.append(.init("TYPE", .fixed(20))) }
        if showsState { columns.append(.init("STATE", .fixed(20))) }
        var table = PaddedTable(columns)
        for entry in groups {
            table.append([entry.group] + (showsType ? [entry.type] : []) + (showsState ? [entry.state] : []))
        }
        return table
    }

    /// `orders:0,1;other:2`.
    package static func assignment(_ places: [TopicPartition]) -> String {
        Set(places.map(\.topic)).sorted().map { topic in
            let partitions = places.filter { $0.topic == topic }.sorted().map(\.partition.description)
            return "\(topic):\(partitions.joined(separator: ","))"
        }.joined(separator: ";")
    }
}
