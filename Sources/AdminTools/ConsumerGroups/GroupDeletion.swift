import MartletClient
import Primitives

/// `consumer-groups --delete`.
struct GroupDeletion {
    private let given: GivenOptions

    init(_ given: GivenOptions) { self.given = given }

    func run(_ admin: Admin) async throws {
        let groups = try await ConsumerGroupsCommand.groups(given, admin)
        var failures: [(group: String, text: String)] = []
        for group in groups {
            do throws(ClientError) { try await admin.deleteGroup(group) } catch {
                failures.append((group, ExceptionText.of(error)))
            }
        }
        if given.has(.json) { print(GroupDeletion.json(groups, failures)) } else { say(groups, failures) }
        if !failures.isEmpty { throw ToolFailure.told() }
    }

    private func say(_ groups: [String], _ failures: [(group: String, text: String)]) {
        for line in GroupDeletion.lines(groups, failures) { print(line) }
    }

    /// What Kafka's tool says, with each group in quotes of its own.
    static func lines(_ groups: [String], _ failures: [(group: String, text: String)]) -> [String] {
        let failed = Set(failures.map(\.group))
        let deleted = groups.filter { !failed.contains($0) }.map { "'\($0)'" }.joined(separator: ", ")
        if failures.isEmpty { return ["Deletion of requested consumer groups (\(deleted)) was successful."] }
        var lines = ["\nError: Deletion of some consumer groups failed:"]
        lines += failures.map { "* Group '\($0.group)' could not be deleted due to: \($0.text)" }
        if !deleted.isEmpty { lines.append("\nThese consumer groups were deleted successfully: \(deleted)") }
        return lines
    }

    private static func json(_ groups: [String], _ failures: [(group: String, text: String)]) -> JSONValue {
        let reasons = Dictionary(failures.map { ($0.group, $0.text) }) { first, _ in first }
        return .array(groups.map { ["group": .text($0), "error": .text(orNull: reasons[$0])] })
    }
}
