import ClientCore
import MartletClient
import Primitives

/// `consumer-groups --reset-offsets`.
struct OffsetReset {
    private let given: GivenOptions
    private let scenario: ResetScenario
    private let parts: [TopicScope.Part]
    private let isExecuted: Bool

    /// - Errors: a value that can't be read.
    init(_ given: GivenOptions) throws(ToolFailure) {
        self.given = given
        scenario = try ResetScenario(given)
        var parts: [TopicScope.Part] = []
        for topic in given.all(ConsumerGroupsOptions.topic) { parts.append(try TopicScope.parse(topic)) }
        self.parts = parts
        isExecuted = given.has(ConsumerGroupsOptions.execute)
    }

    func run(_ admin: Admin) async throws {
        let groups = try await ConsumerGroupsCommand.groups(given, admin)
        var rows: [ResetRow] = []
        var hasFailed = false
        for group in groups {
            if let state = try await busyState(of: group, admin) {
                say(
                    "\nError: Assignments can only be reset if the group '\(group)' is inactive, but the current state "
                        + "is \(state).")
                hasFailed = true
                continue
            }
            guard let targets = try await targets(of: group, admin) else {
                hasFailed = true
                continue
            }
            if isExecuted { try await admin.alterOffsets(of: group, targets.mapValues(OffsetReset.position)) }
            rows += targets.sorted { $0.key < $1.key }.map { ResetRow(group: group, place: $0.key, offset: $0.value) }
        }
        show(rows, isOneGroup: given.all(ConsumerGroupsOptions.group).count == 1)
        if hasFailed { throw ToolFailure.told() }
    }

    private static func position(_ offset: Offset) -> CommittedOffsets.Position {
        CommittedOffsets.Position(offset: offset, leaderEpoch: nil)
    }

    /// Errors stand beside a table, but not inside a document.
    private func say(_ text: String) { if given.has(.json) { Console.complain(text) } else { print(text) } }

    private func show(_ rows: [ResetRow], isOneGroup: Bool) {
        if given.has(ConsumerGroupsOptions.export) {
            for row in rows { print(ResetPlan.line(row, withGroup: !isOneGroup)) }
        } else if given.has(.json) {
            print(ResetRow.table(rows).json)
        } else if !rows.isEmpty {
            GroupSnapshot.print(ResetRow.table(rows).lines)
        }
    }

    /// The state of a group that has members; nil for one whose offsets may be set, or that is not there yet.
    private func busyState(of group: String, _ admin: Admin) async throws -> String? {
        guard let found = try await GroupSnapshot.find(group, admin), found.stateName != "Empty" else { return nil }
        return found.stateName
    }

    private func targets(of group: String, _ admin: Admin) async throws -> [TopicPartition: Offset]? {
        let desk = ResetDesk(admin: admin, group: group)
        if case .plan(let plan) = scenario {
            guard let wanted = plan.offsets(of: group, isOnlyGroup: isOnlyGroup) else {
                say("\nError: No reset plan for group \(group) found")
                return nil
            }
            return try await desk.withinLogs(wanted)
        }
        return try await desk.targets(scenario, of: try await scope(of: group, admin))
    }

    private var isOnlyGroup: Bool { given.all(ConsumerGroupsOptions.group).count == 1 }

    private func scope(of group: String, _ admin: Admin) async throws -> [TopicPartition] {
        if given.has(ConsumerGroupsOptions.allTopics) {
            return try await admin.committedPositions(of: group).keys.sorted()
        }
        let (places, missing) = try await TopicScope.places(parts, admin)
        if let (_, error) = missing.min(by: { $0.key < $1.key }) { throw ClientError(code: error) }
        return places
    }
}

/// One offset that is to be set.
struct ResetRow: Hashable {
    let group: String
    let place: TopicPartition
    let offset: Offset

    static func table(_ rows: [ResetRow]) -> PaddedTable {
        var table = PaddedTable([
            .init("GROUP", .atLeast(15)), .init("TOPIC", .atLeast(15)), .init("PARTITION", .fixed(10)),
            .init("NEW-OFFSET", .fixed(15)),
        ])
        for row in rows {
            table.append(cells: [
                .text(row.group), .text(row.place.topic), .integer(Int64(row.place.partition.value)),
                .integer(row.offset.value),
            ])
        }
        return table
    }
}
