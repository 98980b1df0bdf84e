/// The options of `reassign-partitions`, and which of them go together.
enum ReassignmentOptions {
    static let generate = ToolOption(
        "generate", help: "Propose a reassignment; nothing is changed. Needs the topics and the brokers.")
    static let execute = ToolOption("execute", help: "Start the reassignment of a file.")
    static let verify = ToolOption(
        "verify", help: "Tell whether the reassignment of a file is complete; if so, throttles are removed.")
    static let cancel = ToolOption("cancel", help: "Cancel the reassignments of a file that are active.")
    static let list = ToolOption("list", help: "List all active reassignments.")
    static let reassignmentFile = ToolOption(
        "reassignment-json-file", .required("manual assignment json file path"),
        help: "The file with the reassignment: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1, \"replicas\": "
            + "[1,2,3], \"log_dirs\": [\"any\",\"any\",\"any\"]}], \"version\": 1}. log_dirs may be left out.")
    static let topicsFile = ToolOption(
        "topics-to-move-json-file", .required("topics to reassign json file path"),
        help: "The file with the topics for --generate: {\"topics\": [{\"topic\": \"foo\"}], \"version\": 1}.")
    static let brokerList = ToolOption(
        "broker-list", .required("brokerlist"), help: "The brokers to move to, for --generate: 0,1,2.")
    static let disableRackAware = ToolOption("disable-rack-aware", help: "Take no notice of racks.")
    static let throttle = ToolOption(
        "throttle", .required("throttle"),
        help: "Move no more than so many bytes/sec between brokers. It holds until --verify or --cancel removes it.")
    static let directoryThrottle = ToolOption(
        "replica-alter-log-dirs-throttle", .required("replicaAlterLogDirsThrottle"),
        help: "Move no more than so many bytes/sec between the log directories of a broker.")
    static let timeout = ToolOption(
        "timeout", .required("timeout"),
        help: "How long to wait, in ms, for a move between log directories to start; 10000 by default.")
    static let additional = ToolOption(
        "additional", help: "Start this reassignment besides those that are active, or change the throttle.")
    static let preserveThrottles = ToolOption("preserve-throttles", help: "Leave throttles as they are.")
    static let keepsFactor = ToolOption(
        "disallow-replication-factor-change", help: "Refuse what changes the number of a partition's replicas.")

    static let actions = [generate, execute, verify, cancel, list]

    static let table = OptionTable(
        purpose: "This tool helps to move topic partitions between replicas.",
        [.bootstrapServer, .bootstrapController, .commandConfig] + actions + [
            reassignmentFile, topicsFile, brokerList, disableRackAware, throttle, directoryThrottle, timeout,
            additional, preserveThrottles, keepsFactor, .json,
        ])

    /// Refuses what makes no sense together, in the words of Kafka's tool.
    static func check(_ given: GivenOptions) throws(ToolFailure) {
        let chosen = actions.filter(given.has)
        guard chosen.count == 1, let action = chosen.first else {
            throw .usage(
                "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list")
        }
        if given.has(.bootstrapServer), given.has(.bootstrapController) {
            throw .usage("Please don't specify both --bootstrap-server and --bootstrap-controller")
        }
        if !given.has(.bootstrapServer), !given.has(.bootstrapController) {
            throw .usage("Please specify either --bootstrap-server or --bootstrap-controller")
        }
        let needed = needs(of: action)
        for option in needed { try given.need(option) }
        let allowed = needed + permitted(with: action) + [.bootstrapServer, .commandConfig, action]
        for option in table.options where given.has(option) && !allowed.contains(option) {
            throw .usage("Option \"[\(option.name)]\" can't be used with action \"[\(action.name)]\"")
        }
    }

    private static func needs(of action: ToolOption) -> [ToolOption] {
        switch action {
        case list: []
        case generate: [topicsFile, brokerList]
        default: [reassignmentFile]
        }
    }

    private static func permitted(with action: ToolOption) -> [ToolOption] {
        switch action {
        case generate: [disableRackAware]
        case execute: [additional, throttle, directoryThrottle, timeout, keepsFactor]
        case verify: [preserveThrottles, .json]
        case cancel: [preserveThrottles, timeout, .bootstrapController]
        default: [.json, .bootstrapController]
        }
    }
}
