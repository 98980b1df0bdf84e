import OrderedCollections
package import Primitives

/// A transactional producer without its sockets (KIP-98): one transaction at a time, in both versions of the protocol.
///
/// With own epochs (`transaction.version` 2, KIP-890) partitions join by what is written to them, and each end brings
/// the next transaction's epoch. Without, partitions and groups are added first, and one epoch lasts for many
/// transactions: a request that was delayed may then meddle with a later one (KAFKA-17754), unless the producer
/// `takesEpochInDoubt`.
///
/// One question to a coordinator is under way at a time, and one batch to each partition.
package struct TransactionMachine: Sendable {
    /// Who the producer is and how it proceeds.
    package struct Settings: Hashable, Sendable {
        package var transactionalID: String
        package var timeoutMilliseconds: Int32 = 60_000
        package var hasOwnEpochs = true
        /// Without own epochs: asks for the next epoch after a transaction in which some question had no clear answer,
        /// so that what may be late of it is refused. Kafka's producer does not.
        package var takesEpochInDoubt = true
        package var batchBytesMax = 16_384
        package var requestBytesMax = Int.max
        /// How long a batch waits for more records, unless the transaction is to be committed.
        package var lingerMilliseconds: Int64 = 0
        /// How long a batch is tried to be written before a commit is impossible; nil for no limit.
        package var deliveryMillisecondsMax: Int64?
        /// How often a batch is sent again before a commit is impossible.
        package var retriesMax = Int.max
        package var retry = RetryPolicy(backoffMilliseconds: 20, backoffMillisecondsMax: 1_000)

        package init(transactionalID: String) { self.transactionalID = transactionalID }
    }

    /// Positions of a group that count once the transaction is committed.
    package struct GroupOffsets: Hashable, Sendable {
        package let group: String
        package let positions: [TopicPartition: CommittedOffsets.Position]

        package init(group: String, positions: [TopicPartition: CommittedOffsets.Position]) {
            self.group = group
            self.positions = positions
        }
    }

    /// Whose coordinator is looked for.
    package enum Coordinator: Hashable, Sendable {
        case ofTransaction
        case ofGroup(String)
    }

    /// What the shell does next, in order.
    package enum Effect: Hashable, Sendable {
        /// Ask any broker, and call `found`.
        case findCoordinator(Coordinator)
        /// Ask, and call `answered`.
        case ask(CoordinatorQuestion, of: BrokerID)
        /// Send the batches in one request, and call `produced` for each.
        case produce(to: BrokerID, batches: [OutgoingBatch])
        case refreshMetadata(topics: [String])
        /// A batch is in the log; whether it counts is decided by the end. Nil where the offset is not known.
        case written(tickets: [UInt64], place: TopicPartition, baseOffset: Offset?)
        /// The transaction can't be committed any more: `abort` is to be called.
        case mustAbort(ErrorCode)
        case ended(Ending)
    }

    /// How a transaction ended.
    package enum Ending: Hashable, Sendable {
        case committed
        case aborted
        /// It was to be aborted, and is, unless the commit that was asked for before came first. Without own epochs an
        /// addition that came late may have begun another transaction behind that, and the abort was of this one.
        case inDoubt
        /// The producer can't go on; another one of its id may begin.
        case failed(ErrorCode, mayBeCommitted: Bool)
    }

    enum Phase: Hashable {
        case idle
        case open
        case ending(isCommit: Bool)
        case failed
    }

    package let settings: Settings
    package internal(set) var identity: ProducerIdentity?
    var phase = Phase.idle
    var queues: OrderedDictionary<TopicPartition, PartitionQueue> = [:]
    private var nextNumber: UInt64 = 0

    var coordinator: BrokerID?
    var groupCoordinator: BrokerID?
    var finding: Coordinator?
    var asked: CoordinatorQuestion?
    var failedAttempts = 0
    var notBefore: MonotonicInstant?

    // Of the present transaction.
    var offsets: GroupOffsets?
    var areOffsetsAdded = false
    var areOffsetsWritten = false
    /// Without own epochs: the partitions that the coordinator knows of.
    var joined: Set<TopicPartition> = []
    /// Without own epochs: what was asked and may have been done, without a clear answer yet.
    var unresolved: CoordinatorQuestion?
    /// Whether a coordinator may know of the transaction: then it has to be ended.
    var isBegun = false
    /// Whether a commit may have been decided that nobody told of.
    var mayBeCommitted = false
    /// Whether an addition in the present epoch may come late.
    var isAdditionInDoubt = false
    /// Why it can't be committed.
    var obstacle: ErrorCode?
    /// Something had no clear answer, and may come late.
    var isInDoubt = false
    /// A numbered batch was given up: the partition would wait for it.
    var hasGap = false
    /// The next transaction needs another epoch.
    var needsEpoch = false

    package init(settings: Settings) {
        precondition(!settings.transactionalID.isEmpty, "a transactional producer has an id")
        self.settings = settings
    }

    /// Whether a transaction may begin.
    package var isIdle: Bool { phase == .idle }
    /// Whether it knows who it is in the next transaction: who came before it is fenced.
    package var hasIdentity: Bool { identity != nil && !needsEpoch }
    /// Whether the producer was fenced, or can't go on for another reason.
    package var hasFailed: Bool { phase == .failed }

    /// Opens a transaction; nobody is told of it before there is something in it.
    package mutating func begin() {
        precondition(phase == .idle, "one transaction at a time")
        phase = .open
    }

    /// Takes a record of the open transaction in.
    package mutating func add(_ record: OutgoingRecord, to place: TopicPartition, now: MonotonicInstant) {
        precondition(phase == .open, "records are written in a transaction")
        var number = nextNumber
        queues[place, default: PartitionQueue(place: place)].add(record, batchBytesMax: settings.batchBytesMax) {
            defer { number += 1 }
            return OutgoingBatch(number: number, place: place, now: now)
        }
        nextNumber = number
    }

    /// Takes in how far a group has read, once in a transaction.
    package mutating func add(_ offsets: GroupOffsets) {
        precondition(phase == .open && self.offsets == nil, "offsets are written once in a transaction")
        if self.offsets?.group != offsets.group { groupCoordinator = nil }
        self.offsets = offsets
    }

    /// Ends the transaction once all of it is written.
    package mutating func commit() {
        precondition(phase == .open && obstacle == nil, "only an open transaction can be committed")
        phase = .ending(isCommit: true)
    }

    /// Gives the transaction up: also one whose commit has no answer yet, which may be too late.
    package mutating func abort() {
        switch phase {
        case .idle, .failed: return
        case .open, .ending: phase = .ending(isCommit: false)
        }
        for index in queues.values.indices {
            for batch in queues.values[index].takeAllWaiting() where batch.stamp != nil { hasGap = true }
        }
    }

    /// Says what to do now; to be called after every other call and when `nextWake` comes.
    package mutating func advance(now: MonotonicInstant, view: ClusterView) -> [Effect] {
        if isEndedUnasked { return finish(as: identity) }
        var effects = expiry.map { $0 <= now } ?? false ? meet(.requestTimedOut) : []
        if finding == nil, asked == nil, notBefore.map({ $0 <= now }) ?? true, let question = nextQuestion() {
            effects.append(put(question))
        }
        return effects + drain(now: now, view: view)
    }

    /// The next moment at which `advance` has something to do without any other event; nil if there is none.
    package func nextWake(now: MonotonicInstant) -> MonotonicInstant? {
        if phase == .failed { return nil }
        var next: MonotonicInstant?
        if finding == nil, asked == nil, isEndedUnasked || nextQuestion() != nil { next = max(notBefore ?? now, now) }
        for queue in queues.values where canWrite(to: queue) {
            next = min(next ?? sendingTime(queue), sendingTime(queue))
        }
        guard let expiry else { return next }
        return min(next ?? expiry, expiry)
    }

    // MARK: Batches

    private var isWriting: Bool {
        guard identity != nil, !needsEpoch, obstacle == nil else { return false }
        return phase == .open || phase == .ending(isCommit: true)
    }

    private func canWrite(to queue: PartitionQueue) -> Bool {
        isWriting && !queue.waiting.isEmpty && queue.inFlight.isEmpty
            && (settings.hasOwnEpochs || joined.contains(queue.place))
    }

    /// When the first of those that wait may go; there is one.
    private func sendingTime(_ queue: PartitionQueue) -> MonotonicInstant {
        let first = queue.waiting[0]
        let isWhole = queue.waiting.count > 1 || first.stamp != nil || first.bytesMax >= settings.batchBytesMax
        guard phase == .open, !isWhole else { return first.notBefore }
        return max(first.notBefore, first.createdAt.advanced(byMilliseconds: settings.lingerMilliseconds))
    }

    /// When a batch will have waited for too long; nil where nothing waits or nothing is to be written any more.
    private var expiry: MonotonicInstant? {
        guard let limit = settings.deliveryMillisecondsMax, obstacle == nil,
            phase == .open || phase == .ending(isCommit: true)
        else { return nil }
        return queues.values.compactMap { $0.waiting.first?.createdAt.advanced(byMilliseconds: limit) }.min()
    }

    private mutating func drain(now: MonotonicInstant, view: ClusterView) -> [Effect] {
        var requests: OrderedDictionary<BrokerID, [OutgoingBatch]> = [:]
        var bytes: [BrokerID: Int] = [:]
        var leaderless: OrderedSet<String> = []
        for index in queues.values.indices {
            let place = queues.values[index].place
            guard canWrite(to: queues.values[index]), sendingTime(queues.values[index]) <= now else { continue }
            guard let leader = view.partition(place)?.leader, view.brokers[leader] != nil else {
                leaderless.append(place.topic)
                continue
            }
            let sum = bytes[leader, default: 0] + queues.values[index].waiting[0].bytesMax
            guard bytes[leader] == nil || sum <= settings.requestBytesMax else { continue }
            bytes[leader] = sum
            requests[leader, default: []].append(queues.values[index].takeFirst(producer: identity))
        }
        if settings.hasOwnEpochs, !requests.isEmpty { isBegun = true }
        let sent = requests.map { Effect.produce(to: $0.key, batches: $0.value) }
        return leaderless.isEmpty ? sent : sent + [.refreshMetadata(topics: Array(leaderless))]
    }

    /// What became of one batch; no error where there was no answer.
    package mutating func produced(
        _ batch: OutgoingBatch, error: ErrorCode?, baseOffset: Offset?, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard var landed = queues[batch.place]?.land(batch.number) else { return [] }
        switch error {
        case .noError, .duplicateSequenceNumber:
            let offset = error == .noError ? baseOffset : nil
            return [.written(tickets: landed.tickets, place: landed.place, baseOffset: offset)]
        case nil: break
        case let error? where error.isRetriable: break
        case let error?:
            hasGap = true
            return meet(error)
        }
        // Given up with the transaction.
        guard isWriting else {
            hasGap = true
            return []
        }
        guard landed.failedAttempts < settings.retriesMax else {
            hasGap = true
            return meet(error ?? .requestTimedOut)
        }
        landed.notBefore = now.advanced(
            byMilliseconds: settings.retry.wait(after: landed.failedAttempts, using: &generator))
        landed.failedAttempts += 1
        queues[landed.place]?.putBack(landed)
        return [.refreshMetadata(topics: [landed.place.topic])]
    }

    /// Something makes a commit impossible.
    mutating func meet(_ error: ErrorCode) -> [Effect] {
        guard obstacle == nil, phase == .open || phase == .ending(isCommit: true) else { return [] }
        obstacle = error
        phase = .open
        return [.mustAbort(error)]
    }
}
