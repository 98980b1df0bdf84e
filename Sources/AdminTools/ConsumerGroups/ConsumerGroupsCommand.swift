package import ArgumentParser
import ClientCore
import MartletClient
import WireMessages

/// `martlet consumer-groups`, `kafka-consumer-groups`: lists, describes and deletes groups of consumers, and sets or
/// forgets their offsets.
package struct ConsumerGroupsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "consumer-groups", abstract: "List, describe and delete groups of consumers, reset their offsets.")

    package static var table: OptionTable { ConsumerGroupsOptions.table }

    private static let defaultTimeoutMilliseconds: Int64 = 5_000

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        typealias Options = ConsumerGroupsOptions
        try Options.check(given)
        if given.has(Options.validateRegex) { return try validate(try given.needed(Options.validateRegex)) }
        var configuration = try ToolClient.configuration(given, clientID: "admin-groups")
        configuration.callTimeoutMilliseconds =
            try given.number(Options.timeout) ?? ConsumerGroupsCommand.defaultTimeoutMilliseconds
        do {
            let admin = try Admin(configuration)
            if given.has(Options.list) { try await GroupListing(given).run(admin) }
            if given.has(Options.describe) { try await GroupDescribing(given).run(admin) }
            if given.has(Options.delete) { try await GroupDeletion(given).run(admin) }
            if given.has(Options.resetOffsets) { try await OffsetReset(given).run(admin) }
            if given.has(Options.deleteOffsets) { try await OffsetDeletion(given).run(admin) }
        } catch let error as ClientError {
            throw ConsumerGroupsCommand.failure(error)
        }
    }

    static func failure(_ error: ClientError) -> ToolFailure {
        ToolFailure(
            "\nError: Executing consumer group command failed due to \(ExceptionText.of(error))", on: .output)
    }

    /// The groups that are meant: those named, each once, or all.
    static func groups(_ given: GivenOptions, _ admin: Admin) async throws(ClientError) -> [String] {
        guard given.has(ConsumerGroupsOptions.allGroups) else {
            var seen: Set<String> = []
            return given.all(ConsumerGroupsOptions.group).filter { seen.insert($0).inserted }
        }
        return try await admin.listGroups().filter(\.isOfConsumers).map(\.groupID).sorted()
    }

    private func validate(_ pattern: String) throws(ToolFailure) {
        do { _ = try Regex(pattern) } catch {
            throw ToolFailure("The regular expression `\(pattern)` is invalid: \(error)", on: .output)
        }
        print("The regular expression `\(pattern)` is valid.")
    }
}
