package import MartletClient

/// Producer properties under Kafka's names, as the options of our producer.
package enum ProducerProperties {
    /// The options, with the producer's own defaults where nothing is given.
    ///
    /// - Errors: a value that is none, options that contradict each other, transactions (not built yet).
    package static func options(_ properties: ClientProperties) throws(ToolFailure) -> ProducerOptions {
        if let id = properties.values["transactional.id"] {
            throw ToolFailure("transactional.id=\(id): transactions are not supported yet")
        }
        var options = ProducerOptions()
        options.acks = try acks(properties)
        options.isIdempotent = try isIdempotent(properties, options.acks)
        options.compression = try compression(properties)
        if let size = try properties.integer("batch.size", atLeast: 0) { options.batchBytesMax = Int(max(size, 1)) }
        if let linger = try properties.integer("linger.ms", atLeast: 0) { options.lingerMilliseconds = linger }
        if let size = try properties.integer("buffer.memory", atLeast: 0) { options.bufferBytesMax = Int(size) }
        if let size = try properties.integer("max.request.size", atLeast: 0) { options.requestBytesMax = Int(size) }
        if let limit = try properties.integer("delivery.timeout.ms", atLeast: 0) {
            options.deliveryMillisecondsMax = limit
        }
        options.retriesMax = try properties.integer("retries", atLeast: 0).map { Int($0) }
        if let wait = try properties.integer("retry.backoff.ms", atLeast: 0) { options.retryBackoffMilliseconds = wait }
        if let count = try properties.integer("max.in.flight.requests.per.connection", atLeast: 1) {
            options.requestsInFlightMax = try inFlight(count, options)
        }
        return options
    }

    private static func acks(_ properties: ClientProperties) throws(ToolFailure) -> ProducerOptions.Acks {
        switch properties.values["acks"].map(ClientProperties.trimmed) {
        case nil, "all", "-1": return .all
        case "1": return .leader
        case "0": return .noAnswer
        case let text?:
            throw ToolFailure(
                "Invalid value \(text) for configuration acks: String must be one of: all, -1, 0, 1")
        }
    }

    private static func isIdempotent(
        _ properties: ClientProperties, _ acks: ProducerOptions.Acks
    ) throws(ToolFailure) -> Bool {
        guard let given = try properties.boolean("enable.idempotence") else { return acks == .all }
        if given, acks != .all {
            throw ToolFailure(
                "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee "
                    + "idempotence.")
        }
        return given
    }

    private static func compression(
        _ properties: ClientProperties
    ) throws(ToolFailure) -> ProducerOptions.Compression {
        let text = ClientProperties.trimmed(properties.values["compression.type"] ?? "none")
        guard let compression = ProducerOptions.Compression(rawValue: text) else {
            throw ToolFailure(
                "Invalid value \(text) for configuration compression.type: String must be one of: none, gzip, snappy, "
                    + "lz4, zstd")
        }
        return compression
    }

    private static func inFlight(_ count: Int64, _ options: ProducerOptions) throws(ToolFailure) -> Int {
        if count > 5, options.isIdempotent {
            throw ToolFailure(
                "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.")
        }
        return Int(min(count, 5))
    }
}
