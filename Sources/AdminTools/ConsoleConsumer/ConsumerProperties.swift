package import MartletClient

/// Consumer properties under Kafka's names, as the options of our consumer.
package enum ConsumerProperties {
    /// The options, with the consumer's own defaults where nothing is given.
    ///
    /// - Errors: a value that is none; a key that the group's protocol does not know.
    package static func options(_ properties: ClientProperties) throws(ToolFailure) -> ConsumerOptions {
        var options = ConsumerOptions()
        options.start = try start(properties)
        options.readsCommittedOnly = try readsCommittedOnly(properties)
        options.groupProtocol = try groupProtocol(properties)
        options.groupInstanceID = properties.values["group.instance.id"]
        options.commitsAutomatically = try properties.boolean("enable.auto.commit") ?? options.commitsAutomatically
        if let wait = try properties.integer("auto.commit.interval.ms", atLeast: 0) {
            options.autoCommitMilliseconds = wait
        }
        if let wait = try properties.integer("heartbeat.interval.ms", atLeast: 1) {
            options.heartbeatIntervalMilliseconds = wait
        }
        options.sessionTimeoutMilliseconds =
            try small("session.timeout.ms", properties) ?? options.sessionTimeoutMilliseconds
        options.fetchWaitMilliseconds = try small("fetch.max.wait.ms", properties) ?? options.fetchWaitMilliseconds
        options.fetchBytesMin = try small("fetch.min.bytes", properties) ?? options.fetchBytesMin
        options.fetchBytesMax = try small("fetch.max.bytes", properties) ?? options.fetchBytesMax
        options.partitionBytesMax = try small("max.partition.fetch.bytes", properties) ?? options.partitionBytesMax
        return options
    }

    /// Which keys each protocol leaves to the other (KIP-848).
    private static func groupProtocol(
        _ properties: ClientProperties
    ) throws(ToolFailure) -> ConsumerOptions.GroupProtocol {
        let named = properties.values["group.protocol"] ?? "classic"
        let isClassic = named.lowercased() == "classic"
        guard isClassic || named.lowercased() == "consumer" else {
            throw ToolFailure(
                "Invalid value \(named) for configuration group.protocol: String must be one of (case insensitive): "
                    + "CLASSIC, CONSUMER")
        }
        let others =
            isClassic
            ? ["group.remote.assignor"]
            : ["heartbeat.interval.ms", "session.timeout.ms", "partition.assignment.strategy"]
        for key in others where properties.values[key] != nil {
            throw ToolFailure("\(key) cannot be set when group.protocol=\(isClassic ? "CLASSIC" : "CONSUMER")")
        }
        return isClassic ? .classic : .consumer(assignor: properties.values["group.remote.assignor"])
    }

    private static func small(_ key: String, _ properties: ClientProperties) throws(ToolFailure) -> Int32? {
        try properties.integer(key, atLeast: 0).map { Int32(clamping: $0) }
    }

    private static func start(_ properties: ClientProperties) throws(ToolFailure) -> ConsumerOptions.Start {
        switch properties.values["auto.offset.reset"]?.lowercased() {
        case nil, "latest": return .latest
        case "earliest": return .earliest
        case let text?:
            throw ToolFailure(
                "Invalid value \(text) for configuration auto.offset.reset: expected earliest or latest")
        }
    }

    private static func readsCommittedOnly(_ properties: ClientProperties) throws(ToolFailure) -> Bool {
        switch properties.values["isolation.level"]?.lowercased() {
        case nil, "read_uncommitted": return false
        case "read_committed": return true
        case let text?:
            throw ToolFailure(
                "Invalid value \(text) for configuration isolation.level: String must be one of: read_committed, "
                    + "read_uncommitted")
        }
    }
}
