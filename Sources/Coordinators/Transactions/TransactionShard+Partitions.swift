import Primitives

extension TransactionShard {
    /// Adds partitions to a producer's transaction, which begins with the first (AddPartitionsToTxn, AddOffsetsToTxn,
    /// and what brokers ask for a produce of transaction version 2).
    ///
    /// - Errors: for all alike INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS.
    package mutating func addPartitions(
        _ partitions: [TransactionPartition], to id: String, by producer: ProducerIdentity, clientVersion: Int16,
        ticket: Ticket, at time: CoordinatorTime
    ) -> [TransactionEffect] {
        if let error = refusal(id, producer, mayFollowEnd: true) { return [.reply(ticket, .failed(error))] }
        guard var stored = image[id] else { return [.reply(ticket, .failed(.invalidProducerIDMapping))] }
        let done = TransactionReply.partitions(partitions.map { _ in .noError })
        if stored.state == .ongoing, stored.partitions.isSuperset(of: partitions) { return [.reply(ticket, done)] }
        if stored.state != .ongoing {
            stored.state = .ongoing
            stored.startTimestamp = time.timeOfDay
            stored.partitions = []
            deadlines[id] = time.now.advanced(byMilliseconds: Int64(stored.timeoutMilliseconds))
        }
        stored.partitions.formUnion(partitions)
        stored.clientVersion = clientVersion
        stored.updateTimestamp = time.timeOfDay
        return [decide(id, stored, done, to: ticket, at: time)]
    }

    /// Whether partitions belong to a producer's open transaction: what brokers ask before they append (KIP-890).
    ///
    /// - Errors: those of `addPartitions`; for each partition TRANSACTION_ABORTABLE.
    package func verifyPartitions(
        _ partitions: [TransactionPartition], of id: String, by producer: ProducerIdentity
    ) -> TransactionReply {
        if let error = refusal(id, producer) { return .failed(error) }
        let known = image[id]?.state == .ongoing ? image[id]?.partitions ?? [] : []
        return .partitions(partitions.map { known.contains($0) ? .noError : .transactionAbortable })
    }

    /// - Parameter mayFollowEnd: what is decided may stand in the log behind the record that ends the transaction
    ///   before, though that is not committed yet: neither can be without the other.
    private func refusal(
        _ id: String, _ producer: ProducerIdentity, mayFollowEnd: Bool = false
    ) -> ErrorCode? {
        if id.isEmpty { return .invalidRequest }
        if underWay[id] != nil, !(mayFollowEnd && image[id]?.state.isComplete == true) {
            return .concurrentTransactions
        }
        if image[id]?.awaits(producer) ?? false { return .concurrentTransactions }
        guard let stored = image[id], stored.producerID == producer.id else { return .invalidProducerIDMapping }
        if stored.producerEpoch != producer.epoch { return .producerFenced }
        return stored.state.isPrepared ? .concurrentTransactions : nil
    }
}
