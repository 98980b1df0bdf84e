package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `martlet consumer-groups`, `kafka-consumer-groups`: lists and describes groups of consumers.
package struct ConsumerGroupsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "consumer-groups", abstract: "List and describe groups of consumers.")

    @OptionGroup package var connection: ConnectionOptions
    @Flag(name: .customLong("list"), help: "List all groups.") package var lists = false
    @Flag(name: .customLong("describe"), help: "Show groups and their offsets.") package var describes = false
    @Option(name: .customLong("group"), help: "A group; may be repeated.") package var groups: [String] = []
    @Flag(name: .customLong("all-groups"), help: "All groups.") package var allGroups = false
    @Flag(name: .customLong("offsets"), help: "Describe offsets; this is the default.") package var offsets = false
    @Flag(name: .customLong("members"), help: "Describe members.") package var members = false
    @Option(name: .customLong("state"), help: "Describe the state; or list groups in these states.")
    package var state: String?
    @Option(name: .customLong("type"), help: "List groups of these types, or show types.") package var type: String?
    @Flag(name: .customLong("verbose"), help: "Show more columns.") package var isVerbose = false
    @Option(name: .customLong("timeout"), help: "Time for the whole work, in ms.") package var timeout: Int64 = 5_000

    package init() {}

    package func run() async throws {
        guard lists != describes else {
            throw ToolFailure.usage("Command must include exactly one action: --list, --describe")
        }
        if describes, groups.isEmpty, !allGroups {
            throw ToolFailure.usage("Option [describe] takes one of these options: --group, --all-groups")
        }
        if [offsets, members, state != nil].filter({ $0 }).count > 1 {
            throw ToolFailure.usage(
                "Option [describe] takes at most one of these options: --members, --offsets, --state")
        }
        var configuration = try connection.configuration(clientID: "admin-groups")
        configuration.callTimeoutMilliseconds = timeout
        do {
            let admin = try Admin(configuration)
            if lists { try await list(admin) } else { try await describe(admin) }
        } catch let error as ClientError {
            throw ToolFailure(
                "\nError: Executing consumer group command failed due to \(error)", on: .output)
        }
    }

    private func list(_ admin: Admin) async throws(ClientError) {
        let states = Self.names(state)
        let types = Self.names(type)
        let found = try await admin.listGroups(states: states, types: types)
            .filter { $0.protocolType == ConsumerProtocol.type || $0.protocolType.isEmpty }
            .sorted { $0.groupID < $1.groupID }
        if state == nil, type == nil {
            for group in found { print(group.groupID) }
            return
        }
        let rows = found.map { (group: $0.groupID, type: $0.groupType.capitalizedFirst, state: $0.groupState) }
        let lines = GroupTables.list(rows, showsType: type != nil, showsState: state != nil)
        for line in lines { print(line) }
    }

    /// The names in a list; none where all are meant.
    private static func names(_ list: String?) -> [String] {
        guard let list, list != KafkaArguments.all else { return [] }
        return list.split(separator: ",").map(String.init)
    }

    private func describe(_ admin: Admin) async throws {
        var names = groups
        if allGroups { names = try await admin.listGroups().map(\.groupID).sorted() }
        var failed = false
        for name in names {
            let (coordinator, group) = try await admin.describeGroup(name)
            let found = try GroupSnapshot(coordinator: coordinator, group)
            guard found.exists else {
                print("\nError: Consumer group '\(name)' does not exist.")
                failed = true
                continue
            }
            if state != nil {
                GroupSnapshot.print(GroupTables.state(found.state(admin.cluster.view), isVerbose: isVerbose))
            } else if members {
                found.warn()
                GroupSnapshot.print(GroupTables.members(name, found.members, isVerbose: isVerbose))
            } else {
                try await describeOffsets(admin, found)
            }
        }
        if failed { throw ExitCode(1) }
    }

    private func describeOffsets(_ admin: Admin, _ found: GroupSnapshot) async throws(ClientError) {
        let committed = try await admin.committedOffsets(of: found.name)
        let assigned = found.members.flatMap { member in member.assigned.map { ($0, member) } }
        let held = Set(assigned.map(\.0))
        let unassigned = committed.keys.filter { !held.contains($0) }.sorted()
        let ends = try await admin.offsets(of: held.sorted() + unassigned, at: .latest)
        found.warn()
        var rows = assigned.sorted { $0.0 < $1.0 }.map { place, member in
            GroupTables.OffsetRow(
                group: found.name, place: place, committed: committed[place], logEnd: ends[place], member: member)
        }
        rows += unassigned.map {
            GroupTables.OffsetRow(
                group: found.name, place: $0, committed: committed[$0], logEnd: ends[$0], member: nil)
        }
        guard !rows.isEmpty else { return }
        GroupSnapshot.print(GroupTables.offsets(rows, isVerbose: isVerbose))
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
