import ClientCore
import MartletClient
import Primitives

/// `consumer-groups --describe`.
struct GroupDescribing {
    private let given: GivenOptions
    private let isVerbose: Bool
    private let isJSON: Bool

    init(_ given: GivenOptions) {
        self.given = given
        isVerbose = given.has(ConsumerGroupsOptions.verbose)
        isJSON = given.has(.json)
    }

    func run(_ admin: Admin) async throws {
        var tables: [PaddedTable] = []
        var isAnyMissing = false
        for name in try await ConsumerGroupsCommand.groups(given, admin).sorted() {
            guard let found = try await GroupSnapshot.find(name, admin) else {
                GroupDescribing.sayMissing(name, isJSON)
                isAnyMissing = true
                continue
            }
            if given.has(ConsumerGroupsOptions.timeline) {
                let shown = try await timeline(of: found, admin)
                if isJSON { tables.append(shown.table(withAdvice: true)) } else { shown.print() }
                continue
            }
            let table = try await table(of: found, admin)
            if let table, isJSON { tables.append(table) }
            if let table, !isJSON { GroupSnapshot.print(table.lines) }
        }
        if isJSON { print(tables.json) }
        if isAnyMissing { throw ToolFailure.told() }
    }

    private static func sayMissing(_ name: String, _ isJSON: Bool) {
        let text = "\nError: Consumer group '\(name)' does not exist."
        if isJSON { Console.complain(text) } else { print(text) }
    }

    /// What is asked for of a group; nil where there is nothing to show.
    private func table(of found: GroupSnapshot, _ admin: Admin) async throws -> PaddedTable? {
        found.warn()
        if given.has(ConsumerGroupsOptions.state) {
            return GroupTables.stateTable(found.state(admin.cluster.view), isVerbose: isVerbose)
        }
        if given.has(ConsumerGroupsOptions.members) {
            if found.members.isEmpty { return nil }
            return GroupTables.membersTable(found.name, found.members, isVerbose: isVerbose)
        }
        return try await offsets(of: found, admin)
    }

    private func timeline(of found: GroupSnapshot, _ admin: Admin) async throws -> TimelineTable {
        guard let timeline = try await admin.groupTimeline(found.name) else {
            throw ToolFailure("\nError: The coordinator of group '\(found.name)' keeps no timelines.", on: .output)
        }
        return TimelineTable(group: found.name, heading: found.heading, timeline)
    }

    private func offsets(of found: GroupSnapshot, _ admin: Admin) async throws(ClientError) -> PaddedTable? {
        let committed = try await admin.committedPositions(of: found.name)
        let assigned = found.members.flatMap { member in member.assigned.map { ($0, member) } }
        let held = Set(assigned.map(\.0))
        let unassigned = committed.keys.filter { !held.contains($0) }.sorted()
        let ends = try await admin.offsets(of: held.sorted() + unassigned, at: .latest)
        var rows = assigned.sorted { $0.0 < $1.0 }.map { place, member in
            GroupTables.OffsetRow(
                group: found.name, place: place, committed: committed[place]?.offset,
                leaderEpoch: committed[place]?.leaderEpoch, logEnd: ends[place], member: member)
        }
        rows += unassigned.map {
            GroupTables.OffsetRow(
                group: found.name, place: $0, committed: committed[$0]?.offset,
                leaderEpoch: committed[$0]?.leaderEpoch, logEnd: ends[$0], member: nil)
        }
        return rows.isEmpty ? nil : GroupTables.offsetsTable(rows, isVerbose: isVerbose)
    }
}
