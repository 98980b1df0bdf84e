import LiveWorld
import MartletClient

/// What the console consumer reads and in whose name, from its options and properties.
struct ConsoleSubscription {
    /// Groups that the tool makes up have a number below this.
    private static let groupNumberEnd: UInt64 = 100_000

    private let given: GivenOptions
    private let configuration: ClientConfiguration
    private let options: ConsumerOptions
    private let group: String

    init(_ given: GivenOptions) throws(ToolFailure) {
        var file = ClientProperties()
        if let path = try given.text(ConsoleConsumerOptions.commandConfig) { file = try ClientProperties(file: path) }
        var lines = ClientProperties()
        for line in given.all(ConsoleConsumerOptions.commandProperty) { try lines.set(line) }
        let named = try ConsoleConsumerOptions.group(given, file: file, lines: lines)
        var properties = file
        properties.merge(lines)
        try ConsoleSubscription.setReset(given, &properties)
        if let level = try given.text(ConsoleConsumerOptions.isolation) { properties.replace("isolation.level", level) }
        if named == nil {
            // Nobody will ask for what such a group has committed.
            properties.setDefault("enable.auto.commit", "false")
        }
        self.given = given
        configuration = try ToolClient.configuration(given, properties, clientID: "console-consumer")
        options = try ConsumerProperties.options(properties)
        group = named ?? "console-consumer-\(SystemRandomness().next() % ConsoleSubscription.groupNumberEnd)"
    }

    private static func setReset(_ given: GivenOptions, _ properties: inout ClientProperties) throws(ToolFailure) {
        let fromBeginning = given.has(ConsoleConsumerOptions.fromBeginning)
        if let reset = properties.values["auto.offset.reset"], fromBeginning, reset != "earliest" {
            throw ToolFailure(
                "Can't simultaneously specify --from-beginning and 'auto.offset.reset=\(reset)', please remove one "
                    + "option")
        }
        properties.setDefault("auto.offset.reset", fromBeginning ? "earliest" : "latest")
    }

    /// A reader of one partition, or a member of the group.
    func makeConsumer() throws -> Consumer {
        if let partition: Int32 = try given.number(ConsoleConsumerOptions.partition) {
            let topic = try given.needed(ConsoleConsumerOptions.topic)
            return try Consumer(
                configuration, topic: topic, partition: partition, from: try ConsoleConsumerOptions.start(given),
                options)
        }
        if let include = try given.text(ConsoleConsumerOptions.include) {
            let pattern = try TopicPattern(include)
            return try Consumer(
                configuration, topicsMatching: { !pattern.matching([$0]).isEmpty }, group: group, options)
        }
        return try Consumer(
            configuration, topics: [try given.needed(ConsoleConsumerOptions.topic)], group: group, options)
    }
}
