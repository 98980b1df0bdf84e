package import Coordinators
import LogStorage
import Logging
package import Primitives
import Synchronization
import WireProtocol
import World

#if MUTANTS
    import Mutants
#endif

/// What the shards of one kind share on a node.
final class ShardSurroundings<Shard: HostedShard>: Sendable {
    let settings: Shard.Settings
    let clock: any Clock
    let pool: any BlockingPool
    let log: Logger
    /// The finalized feature that decides over the versions of records.
    let recordLevel: @Sendable () -> Int16
    /// Who carries out what shards order.
    let orders: ShardOrders<Shard>
    /// What of the cluster's metadata shards go by; the newest, numbered.
    let known = Mutex<(number: Int, metadata: Shard.Known)>((0, Shard.nothingKnown))

    init(
        settings: Shard.Settings, clock: any Clock, pool: any BlockingPool, log: Logger,
        recordLevel: @escaping @Sendable () -> Int16, orders: ShardOrders<Shard>
    ) {
        self.settings = settings
        self.clock = clock
        self.pool = pool
        self.log = log
        self.recordLevel = recordLevel
        self.orders = orders
    }

    var time: CoordinatorTime { CoordinatorTime(now: clock.now, timeOfDay: clock.timeOfDay) }
}

/// Where the orders of shards go. Called in their order, under the shard's lock: neither may call the shard back
/// before it has returned.
package struct ShardOrders<Shard: HostedShard>: Sendable {
    package let take: @Sendable (Shard.Order, ShardLeadership) -> Void
    /// What a shard ordered before it lost its leadership is not its business any more.
    package let drop: @Sendable (PartitionIndex) -> Void

    package init(
        take: @escaping @Sendable (Shard.Order, ShardLeadership) -> Void,
        drop: @escaping @Sendable (PartitionIndex) -> Void
    ) {
        self.take = take
        self.drop = drop
    }
}

/// Runs the shard of one partition of a coordinator's topic: loads it when this broker becomes its leader, lets
/// requests and timers step it under one lock, appends what it decides, and drops it with the leadership.
///
/// - Threads: any. Nothing is called back under the lock but the append to the shard's own log partition.
final class ShardHost<Shard: HostedShard>: Sendable {
    typealias Answer = @Sendable (Shard.Reply) -> Void

    private enum Phase: Sendable {
        /// Another broker leads. → loading when this one does.
        case idle
        /// The log is being replayed. → active at its end; → idle with the leadership.
        case loading
        /// → loading in a newer epoch; → idle with the leadership.
        case active(Shard)
    }

    private struct State: Sendable {
        var phase = Phase.idle
        /// The newest leader epoch heard of: what carries an older one is late (rule 31).
        var epoch: LeaderEpoch?
        var answers: [Ticket: Answer] = [:]
        var nextTicket = Ticket(0)
        var timer: (any Timer)?
        var timerDeadline: MonotonicInstant?
    }

    /// Answers that leave once the lock is given back.
    private typealias Outbox = [(answer: Answer, reply: Shard.Reply)]

    private let partition: PartitionIndex
    private let surroundings: ShardSurroundings<Shard>
    private let loop: any Loop
    private let logOf: @Sendable (PartitionIndex) -> (any CoordinatorLog)?
    private let state = Mutex(State())

    init(
        _ partition: PartitionIndex, _ surroundings: ShardSurroundings<Shard>, loop: any Loop,
        logOf: @escaping @Sendable (PartitionIndex) -> (any CoordinatorLog)?
    ) {
        self.partition = partition
        self.surroundings = surroundings
        self.loop = loop
        self.logOf = logOf
    }

    // MARK: Requests

    /// Whether another broker may coordinate by now: what is known here may be old.
    var isCutOff: Bool { logOf(partition)?.isCutOff ?? false }

    /// Lets a request step the shard; `answer` gets what it produced, at once or later.
    ///
    /// - Returns: NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS where there is no shard to ask; `answer` is then not
    ///   called.
    func submit(
        _ answer: @escaping Answer, _ body: (inout Shard, Ticket, CoordinatorTime) -> [Shard.Effect]
    ) -> ErrorCode? {
        let time = surroundings.time
        var outbox: Outbox = []
        let refusal: ErrorCode? = state.withLock { state in
            let ticket = state.nextTicket
            return step(&state, &outbox, at: time) { shard, state in
                state.nextTicket = Ticket(ticket.value + 1)
                state.answers[ticket] = answer
                return body(&shard, ticket, time)
            }
        }
        send(outbox)
        return refusal
    }

    /// Reads or changes the shard where that needs neither records nor a later answer.
    func access<Value>(_ body: (inout Shard, CoordinatorTime) -> Value) -> Result<Value, ShardRefusal> {
        let time = surroundings.time
        return state.withLock { state in
            switch state.phase {
            case .idle: return .failure(ShardRefusal(.notCoordinator))
            case .loading: return .failure(ShardRefusal(.coordinatorLoadInProgress))
            case .active(var shard):
                state.phase = .loading  // The only copy is the local one while it changes.
                let value = body(&shard, time)
                state.phase = .active(shard)
                rearm(&state, shard.nextDeadline)
                return .success(value)
            }
        }
    }

    /// The cluster's metadata have changed: in these topics, or in any where nil.
    func metadataChanged(_ changed: Set<String>?) {
        loop.execute { [self] in
            let known = surroundings.known.withLock { $0.metadata }
            _ = access { shard, _ in shard.metadataChanged(known, changed: changed) }
        }
    }

    /// Steps the shard from its loop, where there is one.
    func post(_ body: @escaping @Sendable (inout Shard, CoordinatorTime) -> [Shard.Effect]) {
        loop.execute { [self] in
            let time = surroundings.time
            var outbox: Outbox = []
            state.withLock { state in
                _ = step(&state, &outbox, at: time) { shard, _ in body(&shard, time) }
            }
            send(outbox)
        }
    }

    /// The same, if it is still in the leadership given.
    func post(
        in leadership: ShardLeadership,
        _ body: @escaping @Sendable (inout Shard, CoordinatorTime) -> [Shard.Effect]
    ) {
        loop.execute { [self] in
            let time = surroundings.time
            var outbox: Outbox = []
            state.withLock { state in
                guard state.epoch == leadership.epoch else { return }
                _ = step(&state, &outbox, at: time) { shard, _ in body(&shard, time) }
            }
            send(outbox)
        }
    }

    // MARK: Leadership

    // News of leadership are posted, in order: the control loop does not wait for a shard whose log's disk is slow.
    // Meanwhile the old shard's writes are refused by their epoch.

    /// This broker leads the partition from `epoch` on.
    func lead(in epoch: LeaderEpoch) {
        loop.execute { [self] in
            if drop(for: epoch, phase: .loading) { load(ShardLoad<Shard.Image>(), in: epoch) }
        }
    }

    /// Another broker (or none) leads the partition from `epoch` on; nil when the partition itself is gone.
    func resign(for epoch: LeaderEpoch?) {
        loop.execute { [self] in _ = drop(for: epoch, phase: .idle) }
    }

    /// Drops the shard and answers all who wait with NOT_COORDINATOR, unless `epoch` is no news.
    private func drop(for epoch: LeaderEpoch?, phase: Phase) -> Bool {
        var outbox: Outbox = []
        let isNews = state.withLock { state in
            if let epoch, let known = state.epoch, epoch <= known { return false }
            if case .active(var shard) = state.phase {
                perform(shard.fail(), &shard, &state, &outbox, at: surroundings.time)
                surroundings.orders.drop(partition)
            }
            state.phase = phase
            state.epoch = epoch
            state.timer?.cancel()
            state.timer = nil
            state.timerDeadline = nil
            return true
        }
        send(outbox)
        return isNews
    }

    // MARK: Loading

    /// Replays the log chunk by chunk on the pool, up to the high watermark of this leadership (rule 31).
    private func load(_ progress: ShardLoad<Shard.Image>, in epoch: LeaderEpoch) {
        surroundings.pool.run { [self] in
            guard isLoading(epoch) else { return }
            guard let log = logOf(partition), let bounds = log.bounds(in: epoch) else {
                return loadLater(progress, in: epoch)
            }
            var progress = progress
            progress.start(at: bounds.start)
            let position = progress.position ?? bounds.start
            guard position < bounds.highWatermark else {
                // Rule 9d: before the watermark has reached the epoch's start, older records may still be committed.
                #if MUTANTS
                    if Mutant.loadedToLaggingWatermark.isOn { return install(progress, in: epoch) }
                #endif
                if bounds.highWatermark < bounds.epochStart { return loadLater(progress, in: epoch) }
                return install(progress, in: epoch)
            }
            #if MUTANTS
                if Mutant.servedUnloaded.isOn { return install(progress, in: epoch) }
            #endif
            do {
                let chunk = try log.read(from: position, bytesMax: ShardLoading.chunkBytes, in: epoch)
                try progress.replay(chunk)
                if chunk.isEmpty { progress.skip(to: bounds.highWatermark) }
            } catch {
                surroundings.log.error(
                    "a coordinator's partition can't be loaded; trying again",
                    metadata: ["partition": "\(Shard.topicName)-\(partition)", "error": "\(error)"])
                return loadLater(ShardLoad<Shard.Image>(), in: epoch, after: ShardLoading.failurePauseMilliseconds)
            }
            load(progress, in: epoch)
        }
    }

    private func isLoading(_ epoch: LeaderEpoch) -> Bool {
        state.withLock { state in
            if case .loading = state.phase { return state.epoch == epoch }
            return false
        }
    }

    private func loadLater(
        _ progress: ShardLoad<Shard.Image>, in epoch: LeaderEpoch, after pause: Int64 = ShardLoading.pauseMilliseconds
    ) {
        loop.schedule(afterMilliseconds: pause) { [self] in load(progress, in: epoch) }
    }

    private func install(_ progress: ShardLoad<Shard.Image>, in epoch: LeaderEpoch) {
        let time = surroundings.time
        var outbox: Outbox = []
        let known = surroundings.known.withLock { $0 }
        var shard = Shard.make(
            settings: surroundings.settings, loaded: progress.image, knowing: known.metadata, at: time)
        let isInstalled = state.withLock { state in
            guard case .loading = state.phase, state.epoch == epoch else { return false }
            // Who tells of news from here on finds the shard; what was told since it was begun is taken here.
            let newest = surroundings.known.withLock { $0 }
            if newest.number != known.number { shard.metadataChanged(newest.metadata, changed: nil) }
            state.phase = .active(shard)
            _ = step(&state, &outbox, at: time) { shard, _ in shard.start(at: time) }
            return true
        }
        send(outbox)
        guard isInstalled else { return }
        var metadata: Logger.Metadata = [
            "partition": "\(Shard.topicName)-\(partition)", "epoch": "\(epoch)", "records": "\(progress.recordCount)",
            "keys": "\(progress.image.count)",
        ]
        let level: Logger.Level = progress.recordCount > 0 ? .info : .debug
        surroundings.log.log(level: level, "a coordinator's partition is loaded", metadata: metadata)
        if let unreadable = progress.unreadable {
            metadata["unreadable"] = "\(unreadable.count)"
            metadata["first"] = "\(unreadable.firstReason)"
            surroundings.log.error(
                "some records of a coordinator's partition can't be read and are left out", metadata: metadata)
        }
    }

    // MARK: Steps

    /// Steps the active shard and performs its effects; returns why there is none.
    private func step(
        _ state: inout State, _ outbox: inout Outbox, at time: CoordinatorTime,
        _ body: (inout Shard, inout State) -> [Shard.Effect]
    ) -> ErrorCode? {
        switch state.phase {
        case .idle: return .notCoordinator
        case .loading: return .coordinatorLoadInProgress
        case .active(var shard):
            state.phase = .loading  // The only copy is the local one while it changes.
            let effects = body(&shard, &state)
            perform(effects, &shard, &state, &outbox, at: time)
            rearm(&state, shard.nextDeadline)
            state.phase = .active(shard)
            return nil
        }
    }

    private func perform(
        _ effects: [Shard.Effect], _ shard: inout Shard, _ state: inout State, _ outbox: inout Outbox,
        at time: CoordinatorTime
    ) {
        var queue = effects[...]
        while let effect = queue.popFirst() {
            switch effect {
            case .reply(let ticket, let reply):
                if let answer = state.answers.removeValue(forKey: ticket) { outbox.append((answer, reply)) }
            case .append(let write):
                do throws(CoordinatorLogError) {
                    shard.appended(write.id, end: try append(write, state.epoch, at: time))
                    #if MUTANTS
                        if Mutant.coordinatorAnswersAtOnce.isOn {
                            queue += shard.committed(through: write.id, at: time)
                        }
                    #endif
                } catch {
                    queue += shard.refused(write.id, error.code, at: time)
                }
            case .order(let order):
                guard let epoch = state.epoch else { continue }
                surroundings.orders.take(order, ShardLeadership(partition: partition, epoch: epoch))
            }
        }
    }

    private func append(
        _ write: ShardWrite<Shard.Image.Record>, _ epoch: LeaderEpoch?, at time: CoordinatorTime
    ) throws(CoordinatorLogError) -> Offset {
        guard let epoch, let log = logOf(partition) else { throw CoordinatorLogError(.notLeaderOrFollower) }
        if let end = write.end {
            return try log.append(EndMarker(end), in: epoch) { [weak self] error in
                self?.decided(write.id, error, in: epoch)
            }
        }
        let producer = write.producer.map { BatchProducer(id: $0.id, epoch: $0.epoch, baseSequence: nil) }
        var builder = RecordBatchBuilder(
            leaderEpoch: epoch, producer: producer, isTransactional: producer != nil)
        let level = surroundings.recordLevel()
        for record in write.records {
            builder.append(timestamp: time.timeOfDay, key: record.keyBytes, value: record.valueBytes(level: level))
        }
        return try log.append(builder.finish(), in: epoch) { [weak self] error in
            self?.decided(write.id, error, in: epoch)
        }
    }

    /// The fate of a write is known: posted, so that it never meets the lock it was appended under.
    private func decided(_ write: WriteID, _ error: ErrorCode, in epoch: LeaderEpoch) {
        loop.execute { [self] in
            let time = surroundings.time
            var outbox: Outbox = []
            state.withLock { state in
                guard state.epoch == epoch else { return }
                _ = step(&state, &outbox, at: time) { shard, _ in
                    error == .noError
                        ? shard.committed(through: write, at: time) : shard.unconfirmed(write, error, at: time)
                }
            }
            send(outbox)
            if error != .noError { lookForCommit(of: write, in: epoch) }
        }
    }

    /// A leader that is cut off gives up who waits at its log, and may commit the write all the same once it hears its
    /// followers again. Nobody says so then: it is looked for, as long as this leadership lasts.
    private func lookForCommit(of write: WriteID, in epoch: LeaderEpoch) {
        loop.schedule(afterMilliseconds: ShardLoading.commitPauseMilliseconds) { [self] in
            guard let watermark = logOf(partition)?.bounds(in: epoch)?.highWatermark else { return }
            let time = surroundings.time
            var outbox: Outbox = []
            var isMissing = false
            state.withLock { state in
                guard state.epoch == epoch else { return }
                _ = step(&state, &outbox, at: time) { shard, _ in
                    let effects = shard.committed(upTo: watermark, at: time)
                    isMissing = shard.awaitsCommit(of: write)
                    return effects
                }
            }
            send(outbox)
            if isMissing { lookForCommit(of: write, in: epoch) }
        }
    }

    private func send(_ outbox: Outbox) { for item in outbox { item.answer(item.reply) } }

    // MARK: Timers

    /// Makes sure that the shard is woken at its next deadline.
    private func rearm(_ state: inout State, _ deadline: MonotonicInstant) {
        if let armed = state.timerDeadline, armed <= deadline { return }
        state.timer?.cancel()
        state.timerDeadline = deadline
        let nanoseconds = max(0, deadline.value - surroundings.clock.now.value)
        state.timer = loop.schedule(afterMilliseconds: (nanoseconds + 999_999) / 1_000_000) { [weak self] in
            self?.timerFired(deadline)
        }
    }

    private func timerFired(_ deadline: MonotonicInstant) {
        let time = surroundings.time
        var outbox: Outbox = []
        state.withLock { state in
            guard state.timerDeadline == deadline else { return }
            state.timerDeadline = nil
            state.timer = nil
            _ = step(&state, &outbox, at: time) { shard, _ in shard.expire(at: time) }
        }
        send(outbox)
    }
}

/// The steps of loads.
private enum ShardLoading {
    /// Bytes of one step.
    static let chunkBytes = 1 << 20
    /// Pause before a log that is not ready is asked again.
    static let pauseMilliseconds: Int64 = 20
    /// Pause before it is looked whether a write is committed that the log gave up.
    static let commitPauseMilliseconds: Int64 = 50
    /// Pause before a log that could not be read is tried again.
    static let failurePauseMilliseconds: Int64 = 1_000
}

/// Why a shard can't be asked.
struct ShardRefusal: Error, Hashable, Sendable {
    let code: ErrorCode
    init(_ code: ErrorCode) { self.code = code }
}

extension EndMarker {
    init(_ end: TransactionEnd) {
        self.init(
            producerID: end.producer.id, producerEpoch: end.producer.epoch, isCommit: end.isCommit,
            coordinatorEpoch: end.coordinatorEpoch, hasOwnEpoch: end.hasOwnEpoch)
    }
}
