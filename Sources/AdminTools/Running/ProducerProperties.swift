package import MartletClient

/// Producer properties under Kafka's names, as the options of our producer.
package enum ProducerProperties {
    private static let transactionalID = "transactional.id"

    /// The options, with the producer's own defaults where nothing is given; `transactional.id` is left to who sends
    /// in transactions.
    ///
    /// - Errors: a value that is none, options that contradict each other.
    package static func options(_ properties: ClientProperties) throws(ToolFailure) -> ProducerOptions {
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

    /// The options of a producer that sends in transactions under this id.
    ///
    /// - Errors: as of `options`; what transactions do not go with, or is not built.
    package static func transactionOptions(
        _ properties: ClientProperties, id: String
    ) throws(ToolFailure) -> TransactionOptions {
        guard !id.isEmpty else {
            throw ToolFailure("Invalid value  for configuration \(transactionalID): String must be non-empty")
        }
        if try properties.boolean("transaction.two.phase.commit.enable") == true {
            throw ToolFailure("transaction.two.phase.commit.enable=true is not supported: commits have one phase")
        }
        var options = TransactionOptions(transactionalID: id)
        options.producing = try self.options(properties)
        guard options.producing.isIdempotent else {
            throw ToolFailure("Cannot set a transactional.id without also enabling idempotence.")
        }
        if let timeout = try properties.integer("transaction.timeout.ms", atLeast: 1) {
            guard let whole = Int32(exactly: timeout) else {
                throw ToolFailure(
                    "Invalid value \(timeout) for configuration transaction.timeout.ms: Not a number of type INT")
            }
            options.timeoutMilliseconds = whole
        }
        return options
    }

    /// Refuses `transactional.id` for a tool that does not send in transactions.
    package static func refuseTransactions(_ properties: ClientProperties, tool: String) throws(ToolFailure) {
        guard let id = properties.values[transactionalID] else { return }
        throw ToolFailure(
            "\(transactionalID)=\(id): \(tool) does not send in transactions; leave \(transactionalID) out")
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
