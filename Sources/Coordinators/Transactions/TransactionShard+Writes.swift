package import Primitives

extension TransactionShard {
    /// Makes a record out of a decision on one id, for who waits for it. The host appends it before any other call.
    mutating func decide(
        _ id: String, _ stored: StoredTransaction, _ reply: TransactionReply, to ticket: Ticket,
        at time: CoordinatorTime
    ) -> TransactionEffect {
        decide([TransactionRecord(id, stored)], waiting: (ticket, reply), at: time)
    }

    mutating func decide(
        _ records: [TransactionRecord], waiting: (ticket: Ticket, reply: TransactionReply)? = nil,
        at time: CoordinatorTime
    ) -> TransactionEffect {
        let write = TransactionWrite(id: nextWriteID, records: records)
        nextWriteID = WriteID(nextWriteID.value + 1)
        let deadline = time.now.advanced(byMilliseconds: settings.commitTimeoutMilliseconds)
        writes.append(PendingTransactionWrite(write: write, deadline: deadline, waiting: waiting))
        for record in records { underWay[record.transactionalID] = write.id }
        return .append(write)
    }

    /// The oldest write not appended yet is in the log up to `end`: its records are replayed.
    package mutating func appended(_ id: WriteID, end: Offset) {
        guard let index = writes.firstIndex(where: { $0.end == nil }), writes[index].write.id == id else {
            preconditionFailure("write \(id) is appended out of turn")
        }
        for record in writes[index].write.records {
            image.replay(record)
            if record.value?.state != .ongoing { deadlines[record.transactionalID] = nil }
            if record.value?.state.isPrepared != true { endings[record.transactionalID] = nil }
        }
        writes[index].end = end
        writes[index].imageAfter = image
    }

    /// The oldest write not appended yet was not taken by the log: nothing of it holds, no bumped epoch either
    /// (KAFKA-9666).
    package mutating func refused(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [TransactionEffect] {
        guard let index = writes.firstIndex(where: { $0.end == nil }), writes[index].write.id == id else {
            preconditionFailure("write \(id) is refused out of turn")
        }
        let write = writes.remove(at: index)
        for record in write.write.records {
            underWay[record.transactionalID] = nil
            if image[record.transactionalID]?.state != .ongoing { deadlines[record.transactionalID] = nil }
            if endings[record.transactionalID]?.missing.isEmpty == true { retryCompletions(at: time) }
        }
        return write.waiting.map { [.reply($0.ticket, .failed(error.asTransactionError))] } ?? []
    }

    /// A write is committed, and with it all before it: what waited for them follows, in log order.
    package mutating func committed(through id: WriteID, at time: CoordinatorTime) -> [TransactionEffect] {
        guard let end = writes.first(where: { $0.write.id == id })?.end else { return [] }
        return committed(upTo: end, at: time)
    }

    /// The high watermark has reached `highWatermark`.
    package mutating func committed(upTo highWatermark: Offset, at time: CoordinatorTime) -> [TransactionEffect] {
        let count = writes.prefix { $0.end.map { $0 <= highWatermark } ?? false }.count
        guard count > 0 else { return [] }
        let done = writes.prefix(count)
        writes.removeFirst(count)
        if let reached = done.last?.imageAfter { committedImage = reached }
        var effects: [TransactionEffect] = []
        for write in done {
            if let waiting = write.waiting { effects.append(.reply(waiting.ticket, waiting.reply)) }
            for record in write.write.records where underWay[record.transactionalID] == write.write.id {
                underWay[record.transactionalID] = nil
                effects += sendMarkers(of: record.transactionalID, at: time)
            }
        }
        return effects
    }

    /// A write is in the log, but not as safely as was asked for, or nobody knows: who waits for it is told so.
    ///
    /// With NOT_ENOUGH_REPLICAS_AFTER_APPEND the high watermark has passed it, so it counts. With any other error it is
    /// left to the next commitment, or to the loss of leadership.
    package mutating func unconfirmed(
        _ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime
    ) -> [TransactionEffect] {
        guard let index = writes.firstIndex(where: { $0.write.id == id }) else { return [] }
        var effects: [TransactionEffect] = []
        if let waiting = writes[index].waiting.take() {
            effects = [.reply(waiting.ticket, .failed(error.asTransactionError))]
        }
        return error == .notEnoughReplicasAfterAppend ? effects + committed(through: id, at: time) : effects
    }

    /// Leadership is lost: every request that waits is sent to look for the coordinator. The shard is of no use after.
    package mutating func fail() -> [TransactionEffect] {
        let waiting = writes.compactMap(\.waiting)
        writes = []
        underWay = [:]
        endings = [:]
        deadlines = [:]
        completionRetryAt = nil
        return waiting.map { .reply($0.ticket, .failed(.notCoordinator)) }
    }

    // MARK: Time

    /// Does all that is due at `time`: late writes, transactions that take too long, ids that nobody used for long.
    package mutating func expire(at time: CoordinatorTime) -> [TransactionEffect] {
        var effects: [TransactionEffect] = []
        for index in writes.indices where writes[index].deadline <= time.now {
            if let waiting = writes[index].waiting.take() {
                effects.append(.reply(waiting.ticket, .failed(ErrorCode.requestTimedOut.asTransactionError)))
            }
        }
        if let retryAt = completionRetryAt, retryAt <= time.now {
            completionRetryAt = nil
            for id in endings.filter({ $0.value.missing.isEmpty }).map(\.key).sorted() {
                effects += complete(id, at: time)
            }
        }
        if timeoutCheckAt <= time.now {
            timeoutCheckAt = time.now.advanced(byMilliseconds: settings.timeoutCheckIntervalMilliseconds)
            for id in deadlines.filter({ $0.value <= time.now }).map(\.key).sorted() {
                effects += fence(id, to: nil, at: time)
            }
        }
        if expiryCheckAt <= time.now { effects += forgetUnused(at: time) }
        return effects
    }

    private mutating func retryCompletions(at time: CoordinatorTime) {
        let retryAt = time.now.advanced(byMilliseconds: settings.completionRetryMilliseconds)
        completionRetryAt = min(completionRetryAt ?? retryAt, retryAt)
    }

    /// Writes tombstones for ids that rest for longer than `transactional.id.expiration.ms`.
    private mutating func forgetUnused(at time: CoordinatorTime) -> [TransactionEffect] {
        expiryCheckAt = time.now.advanced(byMilliseconds: settings.expiryCheckIntervalMilliseconds)
        // A record may hold any time; the clock and the setting are ours.
        let oldest = time.timeOfDay.value - settings.idExpirationMilliseconds
        let unused = image.ids { $0.state.isAtRest && $0.updateTimestamp.value <= oldest }
        var ids = unused.filter { underWay[$0] == nil }[...]
        var effects: [TransactionEffect] = []
        while !ids.isEmpty {
            effects.append(
                decide(ids.prefix(settings.tombstonesAtOnceMax).map { TransactionRecord($0, nil) }, at: time))
            ids = ids.dropFirst(settings.tombstonesAtOnceMax)
        }
        return effects
    }
}

extension ErrorCode {
    /// What a client is told when the write behind its request met this error: to look for the coordinator, or to try
    /// again.
    fileprivate var asTransactionError: ErrorCode { asCoordinatorError(isOffsetCommit: false) }
}
