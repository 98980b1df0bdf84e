package import ArgumentParser
import ClientCore
import MartletClient
import Primitives

/// `martlet get-offsets`, `kafka-get-offsets`: prints the first, the last or another offset of partitions.
package struct GetOffsetsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "get-offsets", abstract: "Print offsets of partitions.")

    private static let topic = ToolOption(
        "topic", .required("regex"), help: "The topics to get the offsets for. (default: all)")
    private static let partitions = ToolOption(
        "partitions", .required("0,1,..."), help: "The partitions of these topics. (default: all)")
    private static let topicPartitions = ToolOption(
        "topic-partitions", .required("topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3"),
        help: "Topics, each a regular expression, with a partition, a range whose end is left out, or nothing for all.")
    private static let time = ToolOption(
        "time", .required("time"),
        help: "A time in ms since 1970, -1 or latest, -2 or earliest, -3 or max-timestamp, -4 or earliest-local, -5 or "
            + "latest-tiered, -6 or earliest-pending-upload. (default: latest)")
    private static let excludesInternal = ToolOption("exclude-internal-topics", help: "Leave internal topics out.")

    package static let table = OptionTable(
        purpose: "An interactive shell for getting topic-partition offsets.",
        [.bootstrapServer, .commandConfig, topic, partitions, topicPartitions, time, excludesInternal, .json])

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        do {
            try await list(given)
        } catch let error as ClientError {
            throw ToolFailure("Error occurred: \(error)")
        }
    }

    private func list(_ given: GivenOptions) async throws {
        try given.need(.bootstrapServer)
        let filter = try filter(given)
        let timestamp = try OffsetTime.timestamp(try given.text(Self.time) ?? "latest")
        let admin = try Admin(try ToolClient.configuration(given, clientID: "GetOffsetShell"))
        let names = try await admin.topicNames()
        let view = admin.cluster.view
        let places = names.flatMap { name -> [TopicPartition] in
            guard let topic = view.topics[name], !(topic.isInternal && given.has(Self.excludesInternal)) else {
                return []
            }
            return topic.partitions.map { TopicPartition(name, $0.index) }.filter(filter.matches)
        }
        guard !places.isEmpty else {
            throw ClientError(.invalid, "Could not match any topic-partitions with the specified filters")
        }
        let answers = try await admin.listOffsets(of: places, at: timestamp)
        // In the order of their texts: orders-10 stands before orders-2.
        let sorted = answers.sorted {
            "\($0.place.topic)-\($0.place.partition)" < "\($1.place.topic)-\($1.place.partition)"
        }
        for answer in sorted where answer.error != .noError {
            Console.complain(
                "Skip getting offsets for topic-partition \(answer.place.topic)-\(answer.place.partition) due to "
                    + "error: \(ExceptionText.of(ClientError(code: answer.error)))")
        }
        show(sorted, asJSON: given.has(.json))
    }

    private func show(_ answers: [OffsetQuestion.Answer], asJSON: Bool) {
        let found = answers.compactMap { answer -> (place: TopicPartition, offset: Offset)? in
            guard answer.error == .noError, let offset = answer.offset else { return nil }
            return (answer.place, offset)
        }
        guard asJSON else {
            for (place, offset) in found { print("\(place.topic):\(place.partition):\(offset)") }
            return
        }
        let rows = found.map { place, offset -> JSONValue in
            [
                "topic": .text(place.topic), "partition": .integer(Int64(place.partition.value)),
                "offset": .integer(offset.value),
            ]
        }
        print(JSONValue.array(rows))
    }

    private func filter(_ given: GivenOptions) throws -> PlaceFilter {
        if let text = try given.text(Self.topicPartitions) {
            guard !given.has(Self.topic), !given.has(Self.partitions) else {
                throw ClientError(.invalid, "--topic-partitions cannot be used with --topic or --partitions")
            }
            return try PlaceFilter(rules: text)
        }
        return try PlaceFilter(topics: try given.text(Self.topic), partitions: try given.text(Self.partitions))
    }
}
