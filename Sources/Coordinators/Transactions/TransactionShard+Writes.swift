package import Primitives

extension TransactionShard {
    /// Makes a record out of a decision on one id, for who waits for it. The host appends it before any other call.
    mutating func decide(
        _ id: String, _ stored: StoredTransaction, _ reply: TransactionReply, to ticket: Ticket,
        awaitingMarkers: Bool = false, at time: CoordinatorTime
    ) -> TransactionEffect {
        let waiting = WaitingReply(ticket: ticket, reply: reply, awaitsMarkers: awaitingMarkers)
        return decide([TransactionRecord(id, stored)], waiting: waiting, at: time)
    }

    mutating func decide(
        _ records: [TransactionRecord], waiting: WaitingReply? = nil, at time: CoordinatorTime
    ) -> TransactionEffect {
        let deadline = time.now.advanced(byMilliseconds: settings.commitTimeoutMilliseconds)
        let write = line.add(records, then: waiting, deadline: deadline)
        for record in records { underWay[record.transactionalID] = write.id }
        return .append(write)
    }

    package mutating func appended(_ id: WriteID, end: Offset) {
        for record in line.appended(id, end: end).records {
            if record.value?.state != .ongoing { deadlines[record.transactionalID] = nil }
            if record.value?.state.isPrepared != true { endings[record.transactionalID] = nil }
        }
    }

    /// What the log did not take does not hold, a bumped epoch neither (KAFKA-9666).
    package mutating func refused(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [TransactionEffect] {
        let (write, then) = line.refused(id)
        for record in write.records {
            underWay[record.transactionalID] = nil
            if image[record.transactionalID]?.state != .ongoing { deadlines[record.transactionalID] = nil }
            if endings[record.transactionalID]?.missing.isEmpty == true { retryCompletions(at: time) }
        }
        return then.map { [$0.failed(error)] } ?? []
    }

    package mutating func committed(through id: WriteID, at time: CoordinatorTime) -> [TransactionEffect] {
        follow(line.committed(through: id), at: time)
    }

    package func awaitsCommit(of id: WriteID) -> Bool { line.holds(id) }

    package mutating func committed(upTo highWatermark: Offset, at time: CoordinatorTime) -> [TransactionEffect] {
        follow(line.committed(upTo: highWatermark), at: time)
    }

    private mutating func follow(
        _ done: [(write: ShardWrite<TransactionRecord>, then: WaitingReply?)], at time: CoordinatorTime
    ) -> [TransactionEffect] {
        var effects: [TransactionEffect] = []
        for (write, then) in done {
            if let then { effects += answer(then, write, at: time) }
            for record in write.records where underWay[record.transactionalID] == write.id {
                underWay[record.transactionalID] = nil
                effects += sendMarkers(of: record.transactionalID, at: time)
            }
        }
        return effects
    }

    private mutating func answer(
        _ then: WaitingReply, _ write: ShardWrite<TransactionRecord>, at time: CoordinatorTime
    ) -> [TransactionEffect] {
        guard then.awaitsMarkers, let id = write.records.first?.transactionalID else {
            return [.reply(then.ticket, then.reply)]
        }
        durableEnds.wait(
            id, then, until: time.now.advanced(byMilliseconds: settings.markersAwaitedMillisecondsMax))
        return []
    }

    package mutating func unconfirmed(
        _ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime
    ) -> [TransactionEffect] {
        let effects = line.giveUp(on: id).map { [$0.failed(error)] } ?? []
        return error == .notEnoughReplicasAfterAppend ? effects + committed(through: id, at: time) : effects
    }

    package mutating func fail() -> [TransactionEffect] {
        underWay = [:]
        endings = [:]
        deadlines = [:]
        completionRetryAt = nil
        let durable = durableEnds.takeAll().map { TransactionEffect.reply($0.ticket, $0.reply) }
        return durable + line.removeAll().map { $0.failed(.notCoordinator) }
    }

    // MARK: Time

    /// Does all that is due at `time`: late writes, transactions that take too long, ids that nobody used for long.
    package mutating func expire(at time: CoordinatorTime) -> [TransactionEffect] {
        var effects = line.giveUpLate(at: time.now).map { $0.failed(.requestTimedOut) }
        effects += durableEnds.takeLate(at: time.now).map { .reply($0.ticket, $0.reply) }
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

extension WaitingReply {
    /// Tells who waits what became of the write: to look for the coordinator, or to try again.
    fileprivate func failed(_ error: ErrorCode) -> TransactionEffect {
        .reply(ticket, .failed(error.asCoordinatorError(isOffsetCommit: false)))
    }
}
