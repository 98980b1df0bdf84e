import ClientCore
import MartletClient
import Primitives

/// `consumer-groups --delete-offsets`.
struct OffsetDeletion {
    private let group: String
    private let topics: [String]
    private let parts: [TopicScope.Part]
    private let isJSON: Bool

    /// - Errors: a topic with partitions that can't be read.
    init(_ given: GivenOptions) throws(ToolFailure) {
        group = try given.needed(ConsumerGroupsOptions.group)
        topics = given.all(ConsumerGroupsOptions.topic)
        var parts: [TopicScope.Part] = []
        for topic in topics { parts.append(try TopicScope.parse(topic)) }
        self.parts = parts
        isJSON = given.has(.json)
    }

    /// One row of the answer; no partition where the topic as a whole failed.
    struct Row: Hashable {
        var topic: String
        var partition: PartitionIndex?
        var error: String?
    }

    func run(_ admin: Admin) async throws {
        let (places, missing) = try await TopicScope.places(parts, admin)
        var rows = missing.sorted { $0.key < $1.key }.map {
            Row(topic: $0.key, partition: nil, error: ExceptionText.message(of: $0.value))
        }
        var groupError: ErrorCode = missing.isEmpty ? .noError : .unknownTopicOrPartition
        do throws(ClientError) {
            let errors = try await admin.deleteOffsets(of: group, places)
            for place in places {
                let error = errors[place] ?? .unknownServerError
                if error != .noError, groupError == .noError { groupError = error }
                rows.append(OffsetDeletion.row(place, error))
            }
        } catch {
            guard error.kind == .broker, let code = error.code else { throw error }
            groupError = code
            rows += places.map { OffsetDeletion.row($0, code) }
        }
        rows.sort { ($0.topic, $0.partition?.value ?? -1) < ($1.topic, $1.partition?.value ?? -1) }
        let table = OffsetDeletion.table(rows)
        if isJSON {
            print(table.json)
        } else {
            print(OffsetDeletion.summary(groupError, topics: topics, group: group))
            GroupSnapshot.print(table.lines)
        }
        if groupError != .noError { throw ToolFailure.told() }
    }

    private static func row(_ place: TopicPartition, _ error: ErrorCode) -> Row {
        Row(
            topic: place.topic, partition: place.partition,
            error: error == .noError ? nil : ExceptionText.message(of: error))
    }

    static func table(_ rows: [Row]) -> PaddedTable {
        var table = PaddedTable([
            .init("TOPIC", .atLeast(15)), .init("PARTITION", .fixed(10)), .init("STATUS", .fixed(15)),
        ])
        for row in rows {
            table.append(cells: [
                .text(row.topic), row.partition.map { .integer(Int64($0.value)) } ?? "Not Provided",
                .text(row.error.map { "Error: \($0)" } ?? "Successful"),
            ])
        }
        return table
    }

    static func summary(_ error: ErrorCode, topics: [String], group: String) -> String {
        switch error {
        case .noError:
            "Request succeed for deleting offsets with topic \(topics.joined(separator: ", ")) group \(group)"
        case .invalidGroupID: "\nError: '\(group)' is not valid."
        case .groupIDNotFound: "\nError: '\(group)' does not exist."
        case .groupAuthorizationFailed: "\nError: Access to '\(group)' is not authorized."
        case .nonEmptyGroup:
            "\nError: Deleting offsets of a consumer group '\(group)' is forbidden if the group is not empty."
        case .groupSubscribedToTopic, .topicAuthorizationFailed, .unknownTopicOrPartition:
            "\nError: Encounter some partition level error, see the follow-up details:"
        default: "\nError: Encounter some unknown error: \(error)"
        }
    }
}
