package import MartletClient

/// Consumer properties under Kafka's names, as the options of our consumer.
package enum ConsumerProperties {
    /// The options, with the consumer's own defaults where nothing is given.
    ///
    /// - Errors: a value that is none; a protocol that is not built yet.
    package static func options(_ properties: ClientProperties) throws(ToolFailure) -> ConsumerOptions {
        var options = ConsumerOptions()
        options.start = try start(properties)
        options.readsCommittedOnly = try readsCommittedOnly(properties)
        if let name = properties.values["group.protocol"], name.lowercased() != "classic" {
            throw ToolFailure("group.protocol=\(name) is not supported by this tool yet; use classic")
        }
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
