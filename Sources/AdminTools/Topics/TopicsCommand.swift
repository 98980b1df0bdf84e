package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `martlet topics`, `kafka-topics`: makes, lists, describes, enlarges and removes topics.
package struct TopicsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "topics", abstract: "Create, list, describe, alter or delete topics.")

    @OptionGroup package var connection: ConnectionOptions
    @Flag(name: .customLong("create"), help: "Create a topic.") package var creates = false
    @Flag(name: .customLong("list"), help: "List all topics.") package var lists = false
    @Flag(name: .customLong("describe"), help: "Show topics with their partitions.") package var describes = false
    @Flag(name: .customLong("alter"), help: "Change the number of partitions.") package var alters = false
    @Flag(name: .customLong("delete"), help: "Delete topics.") package var deletes = false
    @Option(name: .customLong("topic"), help: "The topic; but for create a regular expression.")
    package var topic: String?
    @Option(name: .customLong("topic-id"), help: "Describe only the topic of this id.") package var topicID: String?
    @Option(name: .customLong("partitions"), help: "The number of partitions.") package var partitions: Int32?
    @Option(name: .customLong("replication-factor"), help: "The number of replicas.")
    package var replicationFactor: Int16?
    @Option(name: .customLong("replica-assignment"), help: "Replicas by hand: 1:2:3,2:3:1.")
    package var replicaAssignment: String?
    @Option(name: .customLong("config"), help: "A topic config, key=value; may be repeated.")
    package var configs: [String] = []
    @Flag(name: .customLong("if-not-exists"), help: "Create only if there is none.") package var ifNotExists = false
    @Flag(name: .customLong("if-exists"), help: "Do nothing if there is none.") package var ifExists = false
    @Flag(name: .customLong("exclude-internal"), help: "Leave internal topics out.") package var excludesInternal =
        false
    @Flag(name: .customLong("under-replicated-partitions"), help: "Only those whose ISR is smaller than its replicas.")
    package var underReplicated = false
    @Flag(name: .customLong("unavailable-partitions"), help: "Only those without a live leader.")
    package var unavailable = false
    @Flag(name: .customLong("under-min-isr-partitions"), help: "Only those whose ISR is below min.insync.replicas.")
    package var underMinInSync = false
    @Flag(name: .customLong("at-min-isr-partitions"), help: "Only those whose ISR is at min.insync.replicas.")
    package var atMinInSync = false
    @Flag(name: .customLong("topics-with-overrides"), help: "Only topics with configs of their own.")
    package var withOverrides = false
    @Option(name: .customLong("partition-size-limit-per-response"), help: "Accepted; pages have a size of their own.")
    package var pageSize: Int32?

    package init() {}

    package func run() async throws {
        let actions = [creates, lists, describes, alters, deletes].filter { $0 }.count
        guard actions == 1 else {
            throw ToolFailure.usage(
                "Command must include exactly one action: --list, --describe, --create, --alter or --delete")
        }
        let admin: Admin
        do {
            admin = try Admin(try connection.configuration(clientID: "admin-topics"))
            if creates { try await create(admin) }
            if lists { for name in try await chosen(admin, isPattern: true) { print(name) } }
            if describes { try await describe(admin) }
            if alters { try await alter(admin) }
            if deletes { try await delete(admin) }
        } catch let error as ClientError {
            throw ToolFailure("Error while executing topic command : \(error)", on: .output)
        }
    }

    private func create(_ admin: Admin) async throws {
        guard let topic else { throw ToolFailure.missing("topic") }
        if replicaAssignment != nil, partitions != nil {
            throw ToolFailure.exclusive("replica-assignment", "partitions")
        }
        if replicaAssignment != nil, replicationFactor != nil {
            throw ToolFailure.exclusive("replica-assignment", "replication-factor")
        }
        var wanted = CreateTopicsRequest.CreatableTopic()
        wanted.name = topic
        wanted.numPartitions = partitions ?? -1
        wanted.replicationFactor = replicationFactor ?? -1
        wanted.assignments = try ReplicaAssignmentText.parse(replicaAssignment)
        wanted.configs = try configs.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw ToolFailure("Invalid topic config: \(text), expected key=value") }
            var entry = CreateTopicsRequest.CreatableTopicConfig()
            entry.name = String(parts[0])
            entry.value = String(parts[1])
            return entry
        }
        if topic.contains(".") || topic.contains("_") {
            print(
                "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
                    + "collide. To avoid issues it is best to use either, but not both.")
        }
        do throws(ClientError) { try await admin.create(wanted, validatesOnly: false) } catch {
            if ifNotExists, error.code == .topicAlreadyExists { return }
            throw error
        }
        print("Created topic \(topic).")
    }

    /// The names that the options choose, sorted.
    private func chosen(_ admin: Admin, isPattern: Bool) async throws -> [String] {
        var names = try await admin.topicNames()
        let view = admin.cluster.view
        if excludesInternal { names.removeAll { view.topics[$0]?.isInternal ?? false } }
        if let topicID { names = names.filter { view.topics[$0]?.id.description == topicID } }
        guard let topic else { return names }
        return isPattern ? try TopicPattern(topic).matching(names) : names.filter { $0 == topic }
    }

    private var filter: TopicFilter {
        get throws(ToolFailure) {
            let given: [(Bool, TopicFilter)] = [
                (underReplicated, .underReplicated), (unavailable, .unavailable), (underMinInSync, .underMinInSync),
                (atMinInSync, .atMinInSync), (withOverrides, .withOverrides),
            ]
            let chosen = given.filter(\.0).map(\.1)
            guard chosen.count <= 1 else { throw .usage("Only one of the partition filters can be used at a time.") }
            return chosen.first ?? .everything
        }
    }

    private func describe(_ admin: Admin) async throws {
        let filter = try filter
        let names = try await chosen(admin, isPattern: true)
        if names.isEmpty {
            guard let asked = topic ?? topicID, !ifExists else { return }
            let kind = topic == nil ? "TopicId" : "Topic"
            throw ClientError(.invalid, "\(kind) '\(asked)' does not exist as expected")
        }
        let source = TopicSource(admin: admin)
        let live = Set(admin.cluster.view.brokerIDs)
        for topic in try await source.describe(names) {
            if filter.showsHeader(topic.description) { print(topic.description.header) }
            for partition in topic.description.partitions
            where filter.shows(partition, minInSync: topic.minInSync, liveBrokers: live) {
                print(topic.description.line(of: partition))
            }
        }
    }

    private func alter(_ admin: Admin) async throws {
        guard topic != nil else { throw ToolFailure.missing("topic") }
        guard let partitions else { throw ToolFailure.missing("partitions") }
        for name in try await existing(admin) { try await admin.increasePartitions(of: name, to: partitions) }
    }

    private func delete(_ admin: Admin) async throws {
        guard topic != nil else { throw ToolFailure.missing("topic") }
        for name in try await existing(admin) { try await admin.deleteTopic(name) }
    }

    private func existing(_ admin: Admin) async throws -> [String] {
        let names = try await chosen(admin, isPattern: true)
        if names.isEmpty, !ifExists {
            throw ClientError(.invalid, "Topic '\(topic ?? "")' does not exist as expected")
        }
        return names
    }
}
