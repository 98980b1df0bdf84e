package import Primitives

#if MUTANTS
    import Mutants
#endif

extension TransactionShard {
    /// Handles EndTxn: decides a transaction. Answered once the decision is durable (rule 28), in version 2 when the
    /// markers are written, too, or after a while (ADR 18).
    ///
    /// - Parameters:
    ///   - clientVersion: 2 for a client whose epoch is bumped by this (EndTxn 5, KIP-890), 0 for an older one.
    ///   - newID: an id that no producer has, where the last answer was `needsProducerID`.
    /// - Errors: INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS (the same
    ///   decision is under way, or the transaction before is not over yet), INVALID_TXN_STATE.
    package mutating func end(
        _ id: String, by producer: ProducerIdentity, isCommit: Bool, clientVersion: Int16, newID: ProducerID?,
        ticket: Ticket, at time: CoordinatorTime
    ) -> [TransactionEffect] {
        func refused(_ error: ErrorCode) -> [TransactionEffect] { [.reply(ticket, .failed(error))] }
        if id.isEmpty { return refused(.invalidRequest) }
        if underWay[id] != nil { return refused(.concurrentTransactions) }
        guard let stored = image[id] else { return refused(.invalidProducerIDMapping) }
        let bumps = clientVersion >= 2
        if bumps, stored.awaits(producer) { return refused(.concurrentTransactions) }
        let isRepeat = bumps && isRepeat(producer, of: stored)
        guard stored.producerID == producer.id || isRepeat else { return refused(.invalidProducerIDMapping) }
        guard isValid(producer.epoch, of: stored, isRepeat: isRepeat, bumps: bumps) else {
            return refused(.producerFenced)
        }
        switch stored.state {
        case .ongoing: break
        case .prepareCommit, .prepareAbort:
            let isSame = (stored.state == .prepareCommit) == isCommit
            return refused(isSame ? .concurrentTransactions : .invalidTxnState)
        case .completeCommit, .completeAbort:
            // In version 2 the present epoch belongs to the next transaction, which may be aborted before it began.
            let isOfNext = bumps && !isRepeat
            if isOfNext, !isCommit { break }
            #if MUTANTS
                if Mutant.verdictUnchecked.isOn, isRepeat {
                    return [.reply(ticket, .producer(stored.producerID, stored.producerEpoch))]
                }
            #endif
            guard !isOfNext, (stored.state == .completeCommit) == isCommit else { return refused(.invalidTxnState) }
            return [.reply(ticket, .producer(stored.producerID, stored.producerEpoch))]
        case .empty: if isCommit || !bumps { return refused(.invalidTxnState) }
        case .dead, .prepareEpochFence: return refused(.invalidTxnState)
        }
        return prepare(id, stored, isCommit: isCommit, clientVersion: clientVersion, newID, ticket: ticket, at: time)
    }

    /// Whether an EndTxn of version 2 comes again: its own bump is done already (rule 30).
    private func isRepeat(_ producer: ProducerIdentity, of stored: StoredTransaction) -> Bool {
        guard stored.hasOwnEpochs else { return false }
        if stored.producerID == producer.id { return Int(stored.producerEpoch.value) == Int(producer.epoch.value) + 1 }
        return stored.previousProducerID == producer.id && producer.epoch == StoredTransaction.epochMax
            && stored.producerEpoch == ProducerEpoch(0)
    }

    /// In version 1 nothing but the epoch itself; in version 2 a decided transaction has the next one already, and one
    /// that is open is no business of who ended the one before.
    private func isValid(
        _ epoch: ProducerEpoch, of stored: StoredTransaction, isRepeat: Bool, bumps: Bool
    ) -> Bool {
        guard bumps else { return epoch == stored.producerEpoch }
        return switch stored.state {
        case .prepareCommit, .prepareAbort: isRepeat
        case .completeCommit, .completeAbort: isRepeat || epoch == stored.producerEpoch
        case .empty, .ongoing, .dead, .prepareEpochFence: !isRepeat && epoch == stored.producerEpoch
        }
    }

    private mutating func prepare(
        _ id: String, _ before: StoredTransaction, isCommit: Bool, clientVersion: Int16, _ newID: ProducerID?,
        ticket: Ticket, at time: CoordinatorTime
    ) -> [TransactionEffect] {
        var stored = before
        let bumps = clientVersion >= 2
        if bumps, stored.isEpochExhausted {
            guard let newID else { return [.reply(ticket, .needsProducerID)] }
            stored.nextProducerID = newID
        }
        if before.state != .ongoing {
            stored.startTimestamp = time.timeOfDay
            stored.partitions = []
        }
        if bumps {
            stored.lastEpoch = stored.producerEpoch
            stored.producerEpoch = ProducerEpoch(stored.producerEpoch.value + 1)
        }
        #if MUTANTS
            if Mutant.epochUnbumped.isOn { stored.producerEpoch = before.producerEpoch }
        #endif
        stored.clientVersion = clientVersion
        stored.state = isCommit ? .prepareCommit : .prepareAbort
        stored.updateTimestamp = time.timeOfDay
        // The producer goes on as what it is once the markers are written.
        let reply = TransactionReply.producer(
            stored.nextProducerID ?? stored.producerID,
            stored.nextProducerID == nil ? stored.producerEpoch : ProducerEpoch(0))
        let awaits = bumps && !stored.partitions.isEmpty
        let decision = decide(id, stored, reply, to: ticket, awaitingMarkers: awaits, at: time)
        #if MUTANTS
            if Mutant.markersBeforeDecision.isOn, awaits { return [decision] + sendMarkers(of: id, at: time) }
        #endif
        return [decision]
    }
}
