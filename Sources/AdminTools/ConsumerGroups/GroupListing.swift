import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `consumer-groups --list`.
struct GroupListing {
    private static let states = [
        "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty", "Assigning", "Reconciling",
    ]
    private static let types = ["Consumer", "Classic"]

    private let states: [String]?
    private let types: [String]?
    private let isJSON: Bool

    /// - Errors: a state or a type that does not exist.
    init(_ given: GivenOptions) throws(ToolFailure) {
        states = try GroupListing.names(
            try given.text(ConsumerGroupsOptions.state), of: GroupListing.states, "state list", "states")
        types = try GroupListing.names(
            try given.text(ConsumerGroupsOptions.type), of: GroupListing.types, "types list", "types")
        isJSON = given.has(.json)
    }

    /// The names in a list, as Kafka writes them; none where all are meant, nil where nothing was asked.
    private static func names(
        _ list: String?, of known: [String], _ what: String, _ kinds: String
    ) throws(ToolFailure) -> [String]? {
        guard let list else { return nil }
        if list.isEmpty { return [] }
        var names: [String] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let name = ClientProperties.trimmed(part).lowercased()
            guard let match = known.first(where: { $0.lowercased() == name }) else {
                throw .usage(
                    "Invalid \(what) '\(list)'. Valid \(kinds) are: \(known.joined(separator: ", "))")
            }
            names.append(match)
        }
        return names
    }

    func run(_ admin: Admin) async throws(ClientError) {
        let found = try await admin.listGroups(states: states ?? [], types: types ?? [])
            .filter(\.isOfConsumers).sorted { $0.groupID < $1.groupID }
        let rows = found.map {
            (group: $0.groupID, type: GroupListing.shown($0.groupType), state: $0.groupState)
        }
        if isJSON { return print(GroupTables.listTable(rows, showsType: true, showsState: true).json) }
        if states == nil, types == nil {
            for group in found { print(group.groupID) }
            return
        }
        let table = GroupTables.listTable(rows, showsType: types != nil, showsState: states != nil)
        for line in table.lines { print(line) }
    }

    /// `classic` becomes `Classic`.
    static func shown(_ type: String) -> String { type.prefix(1).uppercased() + type.dropFirst() }
}

extension ListGroupsResponse.ListedGroup {
    /// True for groups whose members are consumers, or that have had none.
    var isOfConsumers: Bool { protocolType == ConsumerProtocol.type || protocolType.isEmpty }
}
