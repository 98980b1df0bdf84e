import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `topics --describe`.
struct TopicDescribing {
    private let given: GivenOptions
    private let filter: TopicFilter
    private let id: TopicID?
    private let partitionsInPage: Int32

    init(_ given: GivenOptions) throws {
        let conditions: [(ToolOption, TopicFilter)] = [
            (TopicsOptions.underReplicated, .underReplicated), (TopicsOptions.unavailable, .unavailable),
            (TopicsOptions.underMinInSync, .underMinInSync), (TopicsOptions.atMinInSync, .atMinInSync),
            (TopicsOptions.withOverrides, .withOverrides),
        ]
        self.given = given
        filter = TopicFilter(conditions.filter { given.has($0.0) }.map(\.1))
        id = try TopicDescribing.id(given)
        let page: Int32 = try given.number(TopicsOptions.pageSize) ?? Admin.partitionsInPageMax
        guard page > 0 else {
            throw ClientError(.invalid, "The partition size limit per response must be greater than 0")
        }
        partitionsInPage = page
    }

    /// The id that is asked for; one of zeros is none.
    private static func id(_ given: GivenOptions) throws -> TopicID? {
        guard let text = try given.text(TopicsOptions.topicID) else { return nil }
        guard let id = TopicID(text) else {
            throw ClientError(.invalid, "Input string `\(text)` decoded as a topic id is not one of 16 bytes")
        }
        if given.has(TopicsOptions.topic) {
            print(
                "Only topic id will be used when both --topic and --topic-id are specified and topicId is not "
                    + "Uuid.ZERO_UUID")
        }
        return id == .zero ? nil : id
    }

    func run(_ admin: Admin) async throws {
        let names = try await names(admin)
        let found = try await TopicSource(admin: admin, partitionsInPage: partitionsInPage).describe(names)
        let live = Set(admin.cluster.view.brokerIDs)
        var documents: [JSONValue] = []
        for topic in found {
            let description = topic.description
            let shown = description.partitions.filter {
                filter.shows($0, minInSync: topic.minInSync, liveBrokers: live)
            }
            let showsHeader = filter.showsHeader(description)
            if given.has(.json) {
                guard showsHeader || !shown.isEmpty else { continue }
                documents.append(description.json(showing: shown, hasConfigs: showsHeader))
            } else {
                if showsHeader { print(description.header) }
                for partition in shown { print(description.line(of: partition)) }
            }
        }
        if given.has(.json) { print(JSONValue.array(documents)) }
    }

    private func names(_ admin: Admin) async throws -> [String] {
        let isRequired = !given.has(TopicsOptions.ifExists)
        guard let id else {
            let names = try await TopicsCommand.chosen(given, admin)
            if names.isEmpty, isRequired, let topic = try given.text(TopicsOptions.topic), !topic.isEmpty {
                throw ClientError(.invalid, "Topic '\(topic)' does not exist as expected")
            }
            return names
        }
        _ = try await admin.topicNames()
        let view = admin.cluster.view
        guard let name = view.name(of: id), let topic = view.topics[name],
            !(topic.isInternal && given.has(TopicsOptions.excludeInternal))
        else {
            if isRequired { throw ClientError(.invalid, "TopicId '\(id)' does not exist as expected") }
            return []
        }
        return [name]
    }
}
