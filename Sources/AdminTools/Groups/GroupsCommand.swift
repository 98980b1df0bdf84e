package import ArgumentParser
import ClientCore
import MartletClient
import WireMessages

/// `martlet groups`, `kafka-groups`: lists groups of all kinds.
package struct GroupsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "groups", abstract: "List groups of all kinds.")

    private static let list = ToolOption("list", help: "List the groups.")
    private static let groupType = ToolOption(
        "group-type", .required("type"), help: "Only groups of this type: classic, consumer, share or streams.")
    private static let protocolType = ToolOption(
        "protocol", .required("protocol"), help: "Only groups whose members share out work by this protocol.")
    private static let consumer = ToolOption(
        "consumer", help: "Only groups of consumers, of whichever type, and those that only keep offsets.")
    private static let share = ToolOption("share", help: "Only share groups.")
    private static let streams = ToolOption("streams", help: "Only streams groups.")
    private static let filters = [groupType, consumer, share, streams]
    private static let types = ["classic", "consumer", "share", "streams"]

    package static let table = OptionTable(
        purpose: "This tool helps to list groups of all types.",
        [.bootstrapServer, .commandConfig, list, groupType, protocolType, consumer, share, streams, .json])

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        typealias Tool = GroupsCommand
        guard given.has(Tool.list) else { throw ToolFailure.usage("Command must include exactly one action: --list.") }
        try given.need(.bootstrapServer)
        for filter in Tool.filters {
            try given.exclude(filter, Tool.filters.filter { $0 != filter })
        }
        for filter in [Tool.consumer, Tool.share, Tool.streams] { try given.exclude(filter, [Tool.protocolType]) }
        if let type = try given.text(Tool.groupType), !Tool.types.contains(type.lowercased()) {
            throw ToolFailure.usage(
                "Invalid group type \(type), it must be one of \(Tool.types.joined(separator: ", "))")
        }
        let table: PaddedTable
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "admin-groups"))
            table = Tool.table(of: try await admin.listGroups().filter(try Tool.filter(given)))
        } catch let error as ClientError {
            throw ToolFailure("Error: \(ExceptionText.of(error))")
        }
        if given.has(.json) { return print(table.json) }
        for line in table.lines { print(line) }
    }

    private static func filter(
        _ given: GivenOptions
    ) throws(ToolFailure) -> (ListGroupsResponse.ListedGroup) -> Bool {
        let type = try given.text(groupType)?.lowercased()
        let protocolType = try given.text(protocolType)
        let isForConsumers = given.has(consumer)
        let only = given.has(share) ? "share" : given.has(streams) ? "streams" : type
        return { group in
            let itsType = group.groupType.lowercased()
            if let only, itsType != only { return false }
            if let protocolType, group.protocolType != protocolType { return false }
            return !isForConsumers || itsType == "consumer" || (itsType == "classic" && group.isOfConsumers)
        }
    }

    static func table(of groups: [ListGroupsResponse.ListedGroup]) -> PaddedTable {
        var table = PaddedTable([
            .init("GROUP", .atLeast(20)), .init("TYPE", .atLeast(20)), .init("PROTOCOL", .atLeast(20)),
        ])
        for group in groups.sorted(by: { $0.groupID < $1.groupID }) {
            table.append(cells: [
                .text(group.groupID), .text(GroupListing.shown(group.groupType)), .text(group.protocolType),
            ])
        }
        return table
    }
}
