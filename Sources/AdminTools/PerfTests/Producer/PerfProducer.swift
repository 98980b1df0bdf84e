import MartletClient

/// Who sends the messages of `producer-perf-test`: one by one, or in transactions that follow each other.
struct PerfProducer {
    private enum Kind {
        case plain(Producer)
        case transactional(TransactionalProducer)
    }

    private let kind: Kind
    private var turns: TransactionTurns

    /// - Errors: properties that contradict each other; a coordinator that refuses.
    init(_ options: ProducerPerfOptions, _ configuration: ClientConfiguration) async throws {
        guard let transactions = options.transactions else {
            kind = .plain(
                try Producer(configuration, try ProducerProperties.options(options.properties)))
            turns = TransactionTurns(durationMilliseconds: 0)
            return
        }
        let settings = try ProducerProperties.transactionOptions(options.properties, id: transactions.id)
        kind = .transactional(try await TransactionalProducer.start(configuration, settings))
        turns = TransactionTurns(durationMilliseconds: transactions.durationMilliseconds)
    }

    /// Sends a message, with what has to come before it and after it.
    mutating func send(
        _ record: ProducerRecord, _ tally: ProducerPerfTally, bytes: Int
    ) async throws(ClientError) {
        switch kind {
        case .plain(let producer):
            let sentAt = tally.now
            try await producer.enqueue(record) { tally.note($0, sentAt: sentAt, bytes: bytes) }
        case .transactional(let producer):
            if turns.begins(now: tally.now) { try await producer.begin() }
            let sentAt = tally.now
            try await producer.enqueue(record) { tally.note($0, sentAt: sentAt, bytes: bytes) }
            if turns.ends(now: sentAt) { try await producer.commit() }
        }
    }

    /// Commits what is open.
    func finish() async throws(ClientError) {
        if case .transactional(let producer) = kind, turns.isOpen { try await producer.commit() }
    }

    /// Closes the connections; what is open is aborted.
    func close() async {
        switch kind {
        case .plain(let producer): await producer.close()
        case .transactional(let producer): await producer.close()
        }
    }
}
