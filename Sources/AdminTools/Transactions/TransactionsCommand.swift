package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// `martlet transactions`, `kafka-transactions`: lists and describes transactions, finds those that hang, ends them.
package struct TransactionsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "transactions", abstract: "List, describe and abort transactions.",
        usage: "transactions --bootstrap-server HOST:PORT (list [--duration-filter MS] "
            + "[--transactional-id-pattern RE] | "
            + "describe --transactional-id ID | describe-producers --topic TOPIC --partition N [--broker-id ID] | "
            + "find-hanging (--broker-id ID | "
            + "--topic TOPIC [--partition N]) [--max-transaction-timeout MINUTES] | abort --topic TOPIC --partition N "
            + "(--start-offset OFFSET | --producer-id ID --producer-epoch N --coordinator-epoch N) | "
            + "forceTerminateTransaction --transactionalId ID)")

    private static let actions = [
        "list", "describe", "describe-producers", "find-hanging", "abort", "forceTerminateTransaction",
    ]

    @OptionGroup package var connection: ConnectionOptions
    @Argument(help: "What to do: list, describe, describe-producers, find-hanging, abort, forceTerminateTransaction.")
    package var action: String?
    @Option(name: .customLong("duration-filter"), help: "Only transactions open for longer, in milliseconds.")
    package var durationFilter: Int64?
    @Option(name: .customLong("transactional-id-pattern"), help: "Only ids that a regular expression matches whole.")
    package var pattern: String?
    @Option(name: [.customLong("transactional-id"), .customLong("transactionalId")], help: "A transactional id.")
    package var transactionalID: String?
    @Option(name: .customLong("topic"), help: "The topic.") package var topic: String?
    @Option(name: .customLong("partition"), help: "The partition.") package var partition: Int32?
    @Option(name: .customLong("broker-id"), help: "The broker whose replicas are asked.") package var brokerID: Int32?
    @Option(name: .customLong("max-transaction-timeout"), help: "Minutes until a transaction hangs. (default: 15)")
    package var maxMinutes: Int64 = 15
    @Option(name: .customLong("start-offset"), help: "Where the transaction begins in the partition.")
    package var startOffset: Int64?
    @Option(name: .customLong("producer-id"), help: "The producer of the transaction.") package var producerID: Int64?
    @Option(name: .customLong("producer-epoch"), help: "Its epoch.") package var producerEpoch: Int16?
    @Option(name: .customLong("coordinator-epoch"), help: "Of the coordinator that wrote there last.")
    package var coordinatorEpoch: Int32?
    @Flag(name: .customLong("json"), help: "Print one JSON document instead of a table. (Not in Kafka.)")
    package var isJSON = false

    package init() {}

    package func run() async throws {
        guard let action else { throw ToolFailure.usage("too few arguments") }
        guard Self.actions.contains(action) else {
            let choices = Self.actions.map { "'\($0)'" }.joined(separator: ", ")
            throw ToolFailure.usage(
                "transactions: error: argument command: invalid choice: '\(action)' (choose from \(choices))")
        }
        do {
            let admin = try Admin(try connection.configuration(clientID: "admin-transactions"))
            switch action {
            case "list": show(try await list(admin))
            case "describe": show(try await describe(admin))
            case "describe-producers": show(try await describeProducers(admin))
            case "find-hanging": show(try await findHanging(admin))
            case "abort": try await abort(admin)
            default: try await admin.fenceProducers(of: try needed(transactionalID, "transactionalId"))
            }
        } catch let error as ClientError { throw ToolFailure("Error: \(ExceptionText.of(error))") }
    }

    private func show(_ table: TabbedTable) {
        if isJSON { return print(table.json) }
        for line in table.lines { print(line) }
    }

    private func needed<Value>(_ value: Value?, _ name: String) throws(ToolFailure) -> Value {
        guard let value else { throw ToolFailure.usage("transactions: error: argument --\(name) is required") }
        return value
    }

    private func list(_ admin: Admin) async throws -> TabbedTable {
        TransactionTables.list(
            try await admin.listTransactions(minDurationMilliseconds: durationFilter ?? -1, pattern: pattern))
    }

    private func describe(_ admin: Admin) async throws -> TabbedTable {
        let found = try await admin.describeTransaction(try needed(transactionalID, "transactional-id"))
        return TransactionTables.describe(
            found.described, coordinator: found.coordinator,
            nowMilliseconds: admin.cluster.runtime.clock.timeOfDay.value)
    }

    private func place() throws(ToolFailure) -> TopicPartition {
        let topic = try needed(topic, "topic")
        return TopicPartition(topic, PartitionIndex(try needed(partition, "partition")))
    }

    private func describeProducers(_ admin: Admin) async throws -> TabbedTable {
        let place = try place()
        let found = try await admin.describeProducers(of: [place], at: brokerID.map { BrokerID($0) })
        return TransactionTables.producers(found[place] ?? [])
    }

    // MARK: Hanging ones

    /// Open in a partition for longer than any transaction may be, and no coordinator knows why.
    private func findHanging(_ admin: Admin) async throws -> TabbedTable {
        let places = try await places(admin)
        let producers = try await admin.describeProducers(of: places, at: brokerID.map { BrokerID($0) })
        let now = admin.cluster.runtime.clock.timeOfDay.value
        var candidates: [OpenTransaction] = []
        for (place, states) in producers {
            for state in states where state.currentTxnStartOffset.value >= 0 {
                guard now - state.lastTimestamp > maxMinutes * 60_000 else { continue }
                candidates.append(OpenTransaction(place: place, producer: state))
            }
        }
        guard !candidates.isEmpty else { return TransactionTables.hanging([], nowMilliseconds: now) }
        let listed = try await admin.listTransactions(producers: Set(candidates.map(\.producer.producerID)).sorted())
        var known: [ProducerID: Set<TopicPartition>] = [:]
        for (_, transaction) in listed {
            do throws(ClientError) {
                let described = try await admin.describeTransaction(transaction.transactionalID).described
                known[transaction.producerID] = Set(
                    described.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } })
            } catch {
                // Forgotten since it was listed: nobody ends what is open.
                guard error.code == .transactionalIDNotFound else { throw error }
            }
        }
        let hanging = candidates.filter { !(known[$0.producer.producerID]?.contains($0.place) ?? false) }
        return TransactionTables.hanging(hanging, nowMilliseconds: now)
    }

    private func places(_ admin: Admin) async throws -> [TopicPartition] {
        guard brokerID != nil || topic != nil else {
            throw ToolFailure.usage(
                "The `find-hanging` command requires either --topic or --broker-id to limit the scope "
                    + "of the search")
        }
        if partition != nil, topic == nil {
            throw ToolFailure.usage("The --partition argument requires --topic to be provided")
        }
        if topic != nil, partition != nil { return [try place()] }
        let failed = try await admin.cluster.refresh(topics: topic.map { [$0] })
        if let topic, let error = failed[topic] { throw ClientError(code: error) }
        let view = admin.cluster.view
        return (topic.map { [$0] } ?? view.topicNames).flatMap { name in
            (view.topics[name]?.partitions ?? []).enumerated().filter { _, partition in
                brokerID.map { partition.replicas.contains(BrokerID($0)) } ?? true
            }.map { TopicPartition(name, PartitionIndex(Int32($0.offset))) }
        }
    }

    // MARK: Ending

    private func abort(_ admin: Admin) async throws {
        let place = try place()
        if startOffset == nil, let producerID {
            let epoch = try needed(producerEpoch, "producer-epoch")
            // -1 is what describe-producers shows where no coordinator has written yet.
            return try await admin.abortTransaction(
                of: ProducerID(producerID), ProducerEpoch(epoch),
                coordinatorEpoch: max(try needed(coordinatorEpoch, "coordinator-epoch"), 0), in: place)
        }
        guard let startOffset else {
            throw ToolFailure.usage(
                "The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) "
                    + "or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)")
        }
        let producers = try await admin.describeProducers(of: [place])[place] ?? []
        guard let open = producers.first(where: { $0.currentTxnStartOffset == Offset(startOffset) }) else {
            throw ToolFailure(
                "Could not find any open transactions starting at offset \(startOffset) on partition \(place)")
        }
        // A coordinator that wrote there before is outdone by none; 0 where none did.
        try await admin.abortTransaction(
            of: open.producerID, ProducerEpoch(Int16(clamping: open.producerEpoch)),
            coordinatorEpoch: max(open.coordinatorEpoch, 0), in: place)
    }
}
