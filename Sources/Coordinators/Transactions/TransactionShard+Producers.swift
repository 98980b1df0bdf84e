package import Primitives

#if MUTANTS
    import Mutants
#endif

/// A producer as a client names itself.
package struct ProducerIdentity: Hashable, Sendable {
    package let id: ProducerID
    package let epoch: ProducerEpoch

    package init(_ id: ProducerID, _ epoch: ProducerEpoch) {
        self.id = id
        self.epoch = epoch
    }
}

extension TransactionShard {
    /// Handles InitProducerId of a transactional id (KIP-98, KIP-360).
    ///
    /// - Parameters:
    ///   - expected: what a producer that goes on after an error is; nil for one that begins.
    ///   - newID: an id that no producer has, where the last answer was `needsProducerID`.
    /// - Errors: INVALID_REQUEST (an empty id, KAFKA-5171), INVALID_TRANSACTION_TIMEOUT, CONCURRENT_TRANSACTIONS (also
    ///   to one that begins while a transaction is open: that is aborted first), PRODUCER_FENCED.
    package mutating func initProducer(
        _ id: String, timeoutMilliseconds: Int32, expected: ProducerIdentity?, newID: ProducerID?, ticket: Ticket,
        at time: CoordinatorTime
    ) -> [TransactionEffect] {
        func refused(_ error: ErrorCode) -> [TransactionEffect] { [.reply(ticket, .failed(error))] }
        if id.isEmpty { return refused(.invalidRequest) }
        guard timeoutMilliseconds > 0, timeoutMilliseconds <= settings.timeoutMillisecondsMax else {
            return refused(.invalidTransactionTimeout)
        }
        if underWay[id] != nil { return refused(.concurrentTransactions) }
        guard var stored = image[id] else {
            // Also one that knows an id that is forgotten here: it may have a new one.
            guard let newID else { return [.reply(ticket, .needsProducerID)] }
            let fresh = StoredTransaction(
                producerID: newID, producerEpoch: ProducerEpoch(0), timeoutMilliseconds: timeoutMilliseconds,
                state: .empty, updateTimestamp: time.timeOfDay)
            return [decide(id, fresh, .producer(newID, ProducerEpoch(0)), to: ticket, at: time)]
        }
        if let expected, !isPlausible(expected, of: stored) { return refused(.producerFenced) }
        switch stored.state {
        case .prepareCommit, .prepareAbort: return refused(.concurrentTransactions)
        case .ongoing: return fence(id, to: ticket, at: time)
        // The log of Kafka may hold neither, as no transition leads there through a record.
        case .dead, .prepareEpochFence: return refused(.unknownServerError)
        case .empty, .completeCommit, .completeAbort: break
        }
        if stored.isEpochExhausted, expected.map({ $0.epoch == stored.producerEpoch }) ?? true {
            guard let newID else { return [.reply(ticket, .needsProducerID)] }
            stored.lastEpoch = expected.map { _ in stored.producerEpoch }
            stored.previousProducerID = stored.producerID
            stored.producerID = newID
            stored.producerEpoch = ProducerEpoch(0)
        } else if let expected, expected.epoch != stored.producerEpoch {
            // A repeat of a bump whose answer was lost: nobody else has begun since, or it would be forgotten.
            guard expected.epoch == stored.lastEpoch else { return refused(.producerFenced) }
        } else {
            stored.lastEpoch = expected.map { _ in stored.producerEpoch }
            stored.producerEpoch = ProducerEpoch(stored.producerEpoch.value + 1)
        }
        stored.state = .empty
        stored.partitions = []
        stored.startTimestamp = nil
        stored.timeoutMilliseconds = timeoutMilliseconds
        stored.updateTimestamp = time.timeOfDay
        return [decide(id, stored, .producer(stored.producerID, stored.producerEpoch), to: ticket, at: time)]
    }

    /// Whether a producer may be the one that this id is known as, or was before its epochs were used up.
    private func isPlausible(_ expected: ProducerIdentity, of stored: StoredTransaction) -> Bool {
        if expected.id == stored.producerID || stored.awaits(expected) { return true }
        return expected.id == stored.previousProducerID && expected.epoch >= StoredTransaction.epochMax
    }

    /// Aborts what is open, under an epoch that no producer has (KAFKA-5231, KAFKA-6119): who wrote it can't go on.
    ///
    /// - Parameter ticket: of a producer that begins: it comes again, and gets yet another epoch.
    mutating func fence(_ id: String, to ticket: Ticket?, at time: CoordinatorTime) -> [TransactionEffect] {
        guard var stored = image[id], stored.state == .ongoing, underWay[id] == nil else { return [] }
        stored.state = .prepareAbort
        // One may be left behind the last that a producer can have; a new id is given to who begins next.
        stored.producerEpoch = ProducerEpoch(stored.producerEpoch.value + 1)
        #if MUTANTS
            if Mutant.fencedKeepsEpoch.isOn, let former = image[id]?.producerEpoch { stored.producerEpoch = former }
        #endif
        stored.lastEpoch = nil
        stored.updateTimestamp = time.timeOfDay
        let record = TransactionRecord(id, stored)
        guard let ticket else { return [decide([record], at: time)] }
        return [decide(id, stored, .failed(.concurrentTransactions), to: ticket, at: time)]
    }
}
