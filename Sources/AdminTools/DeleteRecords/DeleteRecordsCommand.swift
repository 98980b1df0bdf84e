package import ArgumentParser
import ClientCore
import LiveWorld
import MartletClient
import Primitives
import World

/// `martlet delete-records`, `kafka-delete-records`: removes the records of partitions before an offset.
package struct DeleteRecordsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "delete-records", abstract: "Delete the records of partitions before an offset.")

    private static let file = ToolOption(
        "offset-json-file", .required("file"),
        help: "REQUIRED: The JSON file with the offset of each partition, -1 for its end: "
            + "{\"partitions\":[{\"topic\":\"foo\",\"partition\":1,\"offset\":1}],\"version\":1}")

    package static let table = OptionTable(
        purpose: "This tool helps to delete records of the given partitions down to the specified offset.",
        [.bootstrapServer, .commandConfig, file, .json])

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        try given.need(.bootstrapServer)
        let path = try given.needed(Self.file)
        let content: [UInt8]
        do throws(FileError) { content = try PosixFileStore().readAll(path) } catch {
            throw ToolFailure("\(path) can't be read: \(error)")
        }
        let wanted = try RecordDeletions.parse(content)
        let asJSON = given.has(.json)
        if !asJSON { print("Executing records delete operation") }
        let results: [TopicPartition: Result<Offset, ClientError>]
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "delete-records"))
            results = try await admin.deleteRecords(before: wanted)
        } catch let error as ClientError { throw ToolFailure("\(error)") }
        if asJSON {
            print(RecordDeletions.json(results))
        } else {
            print("Records delete operation completed:")
            for line in RecordDeletions.lines(results) { print(line) }
        }
        if results.values.contains(where: { if case .failure = $0 { true } else { false } }) {
            throw ToolFailure("The records of some partitions were not deleted")
        }
    }
}
