package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `martlet topics`, `kafka-topics`: makes, lists, describes, enlarges and removes topics.
package struct TopicsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "topics", abstract: "Create, list, describe, alter or delete topics.")

    package static var table: OptionTable { TopicsOptions.table }

    static let failurePrefix = "Error while executing topic command : "

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        try TopicsOptions.check(given)
        if given.has(TopicsOptions.deleteConfig) {
            Console.complain(
                "delete-config option is no longer supported and deprecated since version 4.0. The config will be "
                    + "fully removed in future releases.")
        }
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "admin-topics"))
            if given.has(TopicsOptions.create) { try await TopicCreation(given).run(admin) }
            if given.has(TopicsOptions.list) { try await list(given, admin) }
            if given.has(TopicsOptions.describe) { try await TopicDescribing(given).run(admin) }
            if given.has(TopicsOptions.alter) { try await alter(given, admin) }
            if given.has(TopicsOptions.delete) { try await admin.deleteTopics(try await existing(given, admin)) }
        } catch let error as ClientError {
            throw ToolFailure(TopicsCommand.failurePrefix + error.description, on: .output)
        }
    }

    /// The names that `--topic` and `--exclude-internal` choose, sorted.
    static func chosen(_ given: GivenOptions, _ admin: Admin) async throws -> [String] {
        var names = try await admin.topicNames()
        if given.has(TopicsOptions.excludeInternal) {
            let view = admin.cluster.view
            names.removeAll { view.topics[$0]?.isInternal ?? false }
        }
        guard let topic = try given.text(TopicsOptions.topic) else { return names }
        return try TopicPattern(topic).matching(names)
    }

    private func list(_ given: GivenOptions, _ admin: Admin) async throws {
        let names = try await TopicsCommand.chosen(given, admin)
        guard given.has(.json) else {
            for name in names { print(name) }
            return
        }
        let view = admin.cluster.view
        let topics = names.map { name -> JSONValue in
            [
                "topic": .text(name), "topicId": .text(orNull: view.topics[name]?.id.description),
                "internal": .boolean(view.topics[name]?.isInternal ?? false),
            ]
        }
        print(JSONValue.array(topics))
    }

    private func existing(_ given: GivenOptions, _ admin: Admin) async throws -> [String] {
        let names = try await TopicsCommand.chosen(given, admin)
        if names.isEmpty, !given.has(TopicsOptions.ifExists) {
            let topic = try given.needed(TopicsOptions.topic)
            throw ClientError(.invalid, "Topic '\(topic)' does not exist as expected")
        }
        return names
    }

    private func alter(_ given: GivenOptions, _ admin: Admin) async throws {
        let count: Int32 = try given.number(TopicsOptions.partitions) ?? 0
        let assignments = try given.text(TopicsOptions.replicaAssignment).map(ReplicaAssignmentText.parse)
        let names = try await existing(given, admin)
        guard !names.isEmpty else { return }
        let view = admin.cluster.view
        let topics = names.map { name in
            var topic = CreatePartitionsRequest.CreatePartitionsTopic()
            topic.name = name
            topic.count = count
            // The option names all partitions, the request only those that are new.
            let known = view.topics[name]?.partitions.count ?? 0
            topic.assignments = assignments?.dropFirst(known).map { brokers in
                var assignment = CreatePartitionsRequest.CreatePartitionsAssignment()
                assignment.brokerIDs = brokers
                return assignment
            }
            return topic
        }
        try await admin.createPartitions(topics)
    }
}
