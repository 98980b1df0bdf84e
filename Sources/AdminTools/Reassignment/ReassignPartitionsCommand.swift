package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `martlet reassign-partitions`, `kafka-reassign-partitions`: moves partitions between brokers.
package struct ReassignPartitionsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "reassign-partitions", abstract: "Move partitions between brokers and log directories.")

    package static var table: OptionTable { ReassignmentOptions.table }

    private static let defaultTimeoutMilliseconds: Int64 = 10_000

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        typealias Options = ReassignmentOptions
        try Options.check(given)
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "reassign-partitions-tool"))
            if given.has(Options.list) { return try await list(admin, isJSON: given.has(.json)) }
            if given.has(Options.generate) { return try await ReassignmentProposal(given).run(admin) }
            let plan = try ReassignmentFile(parsing: try JSONFile.read(try given.needed(Options.reassignmentFile)))
            let timeout =
                try given.number(Options.timeout) ?? ReassignPartitionsCommand.defaultTimeoutMilliseconds
            let moves = DirectoryMoves(admin: admin, timeoutMilliseconds: timeout)
            if given.has(Options.execute) {
                try await ReassignmentStart(given, plan).run(admin, moves)
            } else if given.has(Options.verify) {
                try await ReassignmentCheck(given, plan).run(admin, moves)
            } else {
                try await ReassignmentCancellation(given, plan).run(admin, moves)
            }
        } catch let error as ClientError {
            throw ToolFailure("Error: \(ExceptionText.of(error))", on: .output)
        } catch let failure as ToolFailure where !failure.showsOptions && failure.stream == .error {
            if failure.description.isEmpty { throw failure }
            throw ToolFailure("Error: \(failure)", on: .output)
        }
    }

    private func list(_ admin: Admin, isJSON: Bool) async throws(ClientError) {
        let ongoing = try await admin.reassignments().sorted { $0.key < $1.key }
        if isJSON {
            print(
                JSONValue.array(
                    ongoing.map { place, move in
                        [
                            "topic": .text(place.topic), "partition": .integer(Int64(place.partition.value)),
                            "replicas": BrokerList.json(move.replicas), "adding": BrokerList.json(move.addingReplicas),
                            "removing": BrokerList.json(move.removingReplicas),
                        ]
                    }))
            return
        }
        if ongoing.isEmpty { return print("No partition reassignments found.") }
        print("Current partition reassignments:")
        for (place, move) in ongoing {
            var line = "\(place): replicas: \(BrokerList.text(move.replicas))."
            if !move.addingReplicas.isEmpty { line += " adding: \(BrokerList.text(move.addingReplicas))." }
            if !move.removingReplicas.isEmpty { line += " removing: \(BrokerList.text(move.removingReplicas))." }
            print(line)
        }
    }
}

/// Ids of brokers as tools write them.
enum BrokerList {
    static func text(_ ids: [BrokerID]) -> String { ids.map(\.description).joined(separator: ",") }

    static func json(_ ids: [BrokerID]) -> JSONValue { .array(ids.map { .integer(Int64($0.value)) }) }
}
