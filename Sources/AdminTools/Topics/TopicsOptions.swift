/// The options of `topics`, and which of them go together.
enum TopicsOptions {
    static let create = ToolOption("create", help: "Create a new topic.")
    static let list = ToolOption("list", help: "List all available topics.")
    static let describe = ToolOption("describe", help: "List details for the given topics.")
    static let alter = ToolOption(
        "alter", help: "Alter the number of partitions and replica assignment. (Configs are altered by kafka-configs.)")
    static let delete = ToolOption("delete", help: "Delete a topic.")
    static let topic = ToolOption(
        "topic", .required("topic"),
        help: "The topic to create, alter, describe or delete; but for --create a regular expression.")
    static let topicID = ToolOption("topic-id", .required("topic-id"), help: "The topic-id to describe.")
    static let partitions = ToolOption(
        "partitions", .required("number"),
        help: "The number of partitions. Without it --create takes the cluster's default. More partitions change which "
            + "of them a key belongs to.")
    static let replicationFactor = ToolOption(
        "replication-factor", .required("number"),
        help: "The number of replicas of each partition. Without it --create takes the cluster's default.")
    static let replicaAssignment = ToolOption(
        "replica-assignment", .required("1:2:3,2:3:1,..."),
        help: "The brokers of each partition by hand, the preferred leader first. --alter needs all partitions.")
    static let config = ToolOption(
        "config", .required("name=value"), isRepeatable: true, help: "A config of the topic being created.")
    static let deleteConfig = ToolOption(
        "delete-config", .required("name"), isRepeatable: true, help: "Not supported any more; use kafka-configs.")
    static let ifExists = ToolOption(
        "if-exists", help: "With --alter, --delete or --describe: do nothing where the topic does not exist.")
    static let ifNotExists = ToolOption(
        "if-not-exists", help: "With --create: do nothing where the topic exists already.")
    static let excludeInternal = ToolOption(
        "exclude-internal", help: "With --list or --describe: leave internal topics out.")
    static let underReplicated = ToolOption(
        "under-replicated-partitions", help: "With --describe: only partitions whose ISR lacks replicas.")
    static let unavailable = ToolOption(
        "unavailable-partitions", help: "With --describe: only partitions without a leader that is alive.")
    static let underMinInSync = ToolOption(
        "under-min-isr-partitions", help: "With --describe: only partitions whose ISR is below the minimum.")
    static let atMinInSync = ToolOption(
        "at-min-isr-partitions", help: "With --describe: only partitions whose ISR is at the minimum.")
    static let withOverrides = ToolOption(
        "topics-with-overrides", help: "With --describe: only topics with configs of their own.")
    static let pageSize = ToolOption(
        "partition-size-limit-per-response", .required("number"),
        help: "With --describe: how many partitions one response has at most.")

    static let actions = [list, describe, create, alter, delete]

    static let table = OptionTable(
        purpose: "This tool helps to create, delete, describe, or change a topic.",
        [
            .bootstrapServer, .commandConfig, create, list, describe, alter, delete, topic, topicID, partitions,
            replicationFactor, replicaAssignment, config, deleteConfig, ifExists, ifNotExists, excludeInternal,
            underReplicated, unavailable, underMinInSync, atMinInSync, withOverrides, pageSize, .json,
        ])

    /// Refuses what makes no sense together, in the words of Kafka's tool.
    static func check(_ given: GivenOptions) throws(ToolFailure) {
        guard actions.filter(given.has).count == 1 else {
            throw .usage("Command must include exactly one action: --list, --describe, --create, --alter or --delete")
        }
        try given.need(.bootstrapServer)
        if given.has(describe), given.has(ifExists), !given.has(topic), !given.has(topicID) {
            throw .usage("--topic or --topic-id is required to describe a topic")
        }
        if !given.has(list), !given.has(describe) { try given.need(topic) }
        if given.has(alter) {
            if given.has(config) {
                throw .usage(
                    "Option combination \"[bootstrap-server],[config]\" can't be used with option \"[alter]\" (To "
                        + "alter topic configurations, the kafka-configs tool can be used.)")
            }
            try given.need(partitions)
        }
        try checkActions(given)
        if given.has(create) { try given.exclude(replicaAssignment, [partitions, replicationFactor]) }
        for filter in [underReplicated, underMinInSync, atMinInSync, unavailable] {
            try given.exclude(filter, [withOverrides])
        }
    }

    /// Options that belong to some of the actions only.
    private static func checkActions(_ given: GivenOptions) throws(ToolFailure) {
        let allowed: [(options: [ToolOption], actions: [ToolOption])] = [
            ([config, partitions, replicaAssignment], [alter, create]), ([replicationFactor], [create]),
            (
                [underReplicated, underMinInSync, atMinInSync, unavailable, withOverrides, topicID, pageSize],
                [describe]
            ),
            ([ifExists], [alter, delete, describe]), ([ifNotExists], [create]), ([excludeInternal], [list, describe]),
            ([.json], [list, describe]),
        ]
        for rule in allowed {
            for option in rule.options { try given.exclude(option, actions.filter { !rule.actions.contains($0) }) }
        }
    }
}
