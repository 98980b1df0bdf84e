/// The options of `consumer-groups`, and which of them go together.
enum ConsumerGroupsOptions {
    static let list = ToolOption("list", help: "List all consumer groups.")
    static let describe = ToolOption(
        "describe", help: "Describe consumer groups and list how many records they have not read yet.")
    static let delete = ToolOption(
        "delete", help: "Delete groups without members, with all offsets that they committed.")
    static let resetOffsets = ToolOption(
        "reset-offsets",
        help: "Set the offsets of groups without members: with one scenario (--to-..., --shift-by, --by-duration, "
            + "--from-file) and one scope (--all-topics, --topic). --dry-run shows, --execute does it.")
    static let deleteOffsets = ToolOption(
        "delete-offsets", help: "Forget what a group committed for topics that it does not read.")
    static let validateRegex = ToolOption(
        "validate-regex", .required("pattern"), help: "Tell whether a regular expression is valid.")
    static let group = ToolOption(
        "group", .required("consumer group"), isRepeatable: true, help: "The consumer group we wish to act on.")
    static let allGroups = ToolOption("all-groups", help: "Apply to all consumer groups.")
    static let topic = ToolOption(
        "topic", .required("topic"), isRepeatable: true,
        help: "A topic, or topic:0,1,2 for some of its partitions; with --reset-offsets or --delete-offsets.")
    static let allTopics = ToolOption("all-topics", help: "All topics that the group has offsets of.")
    static let offsets = ToolOption("offsets", help: "Describe offsets and lag; the default.")
    static let members = ToolOption("members", help: "Describe the members of the group.")
    static let state = ToolOption(
        "state", .optional("states", whenAlone: ""),
        help: "With --describe: show the state of the group. With --list: show states, or list only groups in these.")
    static let timeline = ToolOption(
        "timeline",
        help: "Describe what happened to the group since its coordinator took over: who came, went or was thrown out, "
            + "and how long each rebalance took. Of Martlet's brokers only.")
    static let type = ToolOption(
        "type", .optional("types", whenAlone: ""), help: "With --list: show types, or list only groups of these.")
    static let verbose = ToolOption("verbose", help: "Describe more.")
    static let timeout = ToolOption("timeout", .required("timeout (ms)"), help: "How long to try; 5000 by default.")
    static let dryRun = ToolOption("dry-run", help: "Only show what would be done.")
    static let execute = ToolOption("execute", help: "Do it.")
    static let export = ToolOption("export", help: "Print the offsets as CSV, for --from-file.")
    static let toOffset = ToolOption("to-offset", .required("offset"), help: "Reset to this offset.")
    static let toEarliest = ToolOption("to-earliest", help: "Reset to the first offset.")
    static let toLatest = ToolOption("to-latest", help: "Reset to the end.")
    static let toCurrent = ToolOption("to-current", help: "Reset to what is committed now.")
    static let shiftBy = ToolOption(
        "shift-by", .required("number-of-offsets"), help: "Reset by so many offsets, forward or back.")
    static let toDatetime = ToolOption(
        "to-datetime", .required("YYYY-MM-DDTHH:mm:SS.sss"), help: "Reset to the first record at that time or later.")
    static let byDuration = ToolOption(
        "by-duration", .required("PnDTnHnMnS"), help: "Reset to the first record of that age or younger.")
    static let fromFile = ToolOption("from-file", .required("path to CSV file"), help: "Reset to what a file says.")

    static let actions = [list, describe, delete, resetOffsets, deleteOffsets, validateRegex]
    static let scenarios = [
        toOffset, shiftBy, toDatetime, byDuration, toEarliest, toLatest, toCurrent, fromFile,
    ]

    static let table = OptionTable(
        purpose:
            "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or "
            + "reset consumer group offsets.",
        [
            .bootstrapServer, .commandConfig, group, topic, allTopics, allGroups, timeout, offsets, members, state,
            timeline, type, verbose, dryRun, execute, export, .json,
        ] + actions + scenarios)

    /// Refuses what makes no sense together, in the words of Kafka's tool.
    static func check(_ given: GivenOptions) throws(ToolFailure) {
        guard actions.filter(given.has).count == 1 else {
            throw .usage(
                "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
                    + "--delete-offsets, --validate-regex")
        }
        if given.has(validateRegex) { return }
        try given.need(.bootstrapServer)
        let pairs = [
            (members, describe), (verbose, describe), (offsets, describe), (timeline, describe), (type, list),
        ]
        for (option, needed) in pairs
        where given.has(option) && !given.has(needed) {
            throw .usage("Option(s) [\(option.name)] are unavailable given other options on the command line")
        }
        if given.has(state), !given.has(describe), !given.has(list) {
            throw .usage("Option(s) [state] are unavailable given other options on the command line")
        }
        if given.has(describe) { try checkDescribe(given) }
        if given.has(delete) {
            try needGroups(given, for: delete)
            if given.has(topic) {
                throw .usage(
                    "The consumer does not support topic-specific offset deletion from a consumer group.")
            }
        }
        if given.has(deleteOffsets), !given.has(group) || !given.has(topic) {
            throw .usage("Option [delete-offsets] takes the following options: [group], [topic]")
        }
        if given.has(resetOffsets) { try checkReset(given) }
        try checkScopes(given)
    }

    private static func checkDescribe(_ given: GivenOptions) throws(ToolFailure) {
        try needGroups(given, for: describe)
        if [members, offsets, state].filter(given.has).count > 1 {
            throw .usage("Option [describe] takes at most one of these options: [members], [offsets], [state]")
        }
        try given.exclude(timeline, [members, offsets, state])
        if let value = try given.text(state), !value.isEmpty {
            throw .usage("Option [describe] does not take a value for [state]")
        }
    }

    private static func needGroups(_ given: GivenOptions, for action: ToolOption) throws(ToolFailure) {
        if !given.has(group), !given.has(allGroups) {
            throw .usage("Option [\(action.name)] takes one of these options: [group], [all-groups]")
        }
    }

    private static func checkReset(_ given: GivenOptions) throws(ToolFailure) {
        if given.has(dryRun), given.has(execute) {
            throw .usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]")
        }
        if !given.has(dryRun), !given.has(execute) {
            Console.complain(
                "WARN: No action will be performed as the --execute option is missing. In a future major release, the "
                    + "default behavior of this command will be to prompt the user before executing the reset rather "
                    + "than doing a dry run. You should add the --dry-run option explicitly if you are scripting this "
                    + "command and want to keep the current default behavior without prompting.")
        }
        try needGroups(given, for: resetOffsets)
        for scenario in scenarios { try given.exclude(scenario, scenarios.filter { $0 != scenario }) }
        guard scenarios.contains(where: given.has) else {
            let names = scenarios.map { "[\($0.name)]" }.joined(separator: ", ")
            throw .usage("Option '[reset-offsets]' requires one of the following scenarios: \(names)")
        }
        if !given.has(allTopics), !given.has(topic), !given.has(fromFile) {
            throw .usage("One of the reset scopes should be defined: --all-topics, --topic.")
        }
    }

    private static func checkScopes(_ given: GivenOptions) throws(ToolFailure) {
        try given.exclude(group, [allGroups])
        if given.has(list) { try given.exclude(group, [list]) }
        let resets = scenarios + [allTopics, dryRun, execute, export]
        if !given.has(resetOffsets) {
            for option in resets where given.has(option) {
                throw .usage("Option(s) [\(option.name)] are unavailable given other options on the command line")
            }
            if given.has(topic), !given.has(deleteOffsets) {
                throw .usage("Option(s) [topic] are unavailable given other options on the command line")
            }
        }
        try given.exclude(topic, [allTopics])
    }
}
