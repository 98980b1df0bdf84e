import OrderedCollections
package import Primitives

/// A producer without its sockets: gathers records into batches, says what to send where and what became of it.
///
/// In idempotent form (KIP-98) each batch keeps its sequence number through all retries, so that an answer that got
/// lost never makes a record appear twice, and up to five requests in flight never change the order.
package struct ProducerMachine: Sendable {
    /// How a producer weighs latency, size and certainty.
    package struct Settings: Hashable, Sendable {
        /// -1 for all in-sync replicas, 1 for the leader, 0 for no answer.
        package var acks: Int16 = -1
        package var isIdempotent = true
        package var lingerMilliseconds: Int64 = 5
        package var batchBytesMax = 16_384
        package var requestBytesMax = 1_048_576
        package var bufferBytesMax = 33_554_432
        package var requestsInFlightMax = 5
        package var deliveryMillisecondsMax: Int64 = 120_000
        /// How often a batch is sent again at most.
        package var retriesMax = Int.max
        package var retry = RetryPolicy(backoffMilliseconds: 20, backoffMillisecondsMax: 1_000)

        package init() {}
    }

    /// What the shell does next, in order.
    package enum Effect: Hashable, Sendable {
        /// Send InitProducerId and call `identityObtained`.
        case obtainIdentity
        /// The leader of some partition is not known, or no longer.
        case refreshMetadata(topics: [String])
        /// Send a Produce request with these batches, and call `answered` or `unanswered`.
        case send(to: BrokerID, batches: [OutgoingBatch])
        /// The batch is written as its acks ask; nil where the offset is not known (a repeat, or acks=0).
        case delivered(tickets: [UInt64], place: TopicPartition, baseOffset: Offset?)
        case failed(tickets: [UInt64], place: TopicPartition, Failure)
    }

    /// Why a record was given up.
    package enum Failure: Error, Hashable, Sendable {
        /// The broker refused it for good.
        case refused(ErrorCode)
        /// It could not be delivered in time; the last error, if there was an answer. It may be in the log.
        case expired(last: ErrorCode?)
        case recordTooLarge(bytes: Int, bytesMax: Int)
        /// More waits than the buffer holds.
        case bufferFull
    }

    private enum Identity {
        case notNeeded
        case missing
        case asked
        case have(ProducerIdentity)
        /// A gap in the sequences: nothing is sent until all answers are in, then a new identity is asked for.
        case draining
    }

    package let settings: Settings
    private var identity: Identity
    private var queues: OrderedDictionary<TopicPartition, PartitionQueue> = [:]
    private var requestsInFlight: [BrokerID: Int] = [:]
    private var bufferedBytes = 0
    private var nextNumber: UInt64 = 0
    /// Send what is there without waiting for `linger`.
    private var isFlushing = false

    package init(settings: Settings) {
        precondition(!settings.isIdempotent || settings.acks == -1, "idempotence needs acks=all")
        precondition(settings.requestsInFlightMax > 0 && settings.requestsInFlightMax <= 5, "the broker remembers five")
        self.settings = settings
        identity = settings.isIdempotent ? .missing : .notNeeded
    }

    /// True if nothing waits and nothing is in flight.
    package var isIdle: Bool { queues.values.allSatisfy(\.isEmpty) }

    /// Takes a record in; it is sent by a later `advance`.
    package mutating func add(
        _ record: OutgoingRecord, to place: TopicPartition, now: MonotonicInstant
    ) throws(Failure) {
        let bytes = record.bytesMax
        guard bytes + OutgoingBatch.headerBytes <= settings.requestBytesMax else {
            throw .recordTooLarge(bytes: bytes, bytesMax: settings.requestBytesMax)
        }
        guard bufferedBytes + bytes <= settings.bufferBytesMax else { throw .bufferFull }
        bufferedBytes += bytes
        var number = nextNumber
        queues[place, default: PartitionQueue(place: place)].add(record, batchBytesMax: settings.batchBytesMax) {
            defer { number += 1 }
            return OutgoingBatch(number: number, place: place, now: now)
        }
        nextNumber = number
    }

    /// From now on until all is delivered, what is there is sent at once.
    package mutating func flush() { isFlushing = !isIdle }

    /// Says what to send now; to be called after every other call and when `nextWake` comes.
    package mutating func advance(now: MonotonicInstant, view: ClusterView) -> [Effect] {
        var effects = expire(now: now)
        if isIdle { isFlushing = false }
        switch identity {
        case .missing:
            if !isIdle {
                identity = .asked
                effects.append(.obtainIdentity)
            }
            return effects
        case .asked: return effects
        case .draining:
            guard requestsInFlight.values.allSatisfy({ $0 == 0 }) else { return effects }
            effects += restart()
            identity = .asked
            return effects + [.obtainIdentity]
        case .notNeeded: return effects + drain(now: now, view: view, producer: nil)
        case .have(let producer): return effects + drain(now: now, view: view, producer: producer)
        }
    }

    /// The next moment at which `advance` has something to do without any other event; nil if there is none. What waits
    /// for an answer is woken up for by its end only: who brings the answer calls `advance`.
    package func nextWake(now: MonotonicInstant, view: ClusterView) -> MonotonicInstant? {
        var next: MonotonicInstant?
        for queue in queues.values where !queue.waiting.isEmpty {
            let expiry = queue.waiting[0].createdAt.advanced(byMilliseconds: settings.deliveryMillisecondsMax)
            let sending = max(queue.waiting[0].notBefore, isReady(queue, now: now) ? now : lingerEnd(queue))
            let wake = awaitsAnswer(queue, view) ? expiry : sending
            next = min(next ?? wake, wake)
        }
        return next
    }

    /// Whether nothing of a partition can be sent before something that was asked is answered.
    private func awaitsAnswer(_ queue: PartitionQueue, _ view: ClusterView) -> Bool {
        switch identity {
        case .asked, .draining: return true
        case .missing, .notNeeded: break
        case .have: if isHeldBackByFirst(queue) { return true }
        }
        let leader = view.partition(queue.place)?.leader
        return queue.inFlight.count >= settings.requestsInFlightMax
            || leader.map { requestsInFlight[$0, default: 0] >= settings.requestsInFlightMax } ?? false
    }

    /// A log that knows nothing of a producer takes any sequence as its first: had it refused the true first one a
    /// moment ago, a second one in flight would take its place in the order.
    private func isHeldBackByFirst(_ queue: PartitionQueue) -> Bool {
        !queue.isEstablished && !queue.inFlight.isEmpty
    }

    /// InitProducerId was answered.
    package mutating func identityObtained(_ producer: ProducerIdentity) {
        guard case .asked = identity else { return }
        identity = .have(producer)
    }

    /// InitProducerId failed; it is asked for again by the next `advance`. An error `forGood` fails all that waits.
    package mutating func identityRefused(forGood error: ErrorCode? = nil) -> [Effect] {
        guard case .asked = identity else { return [] }
        identity = .missing
        guard let error else { return [] }
        var effects: [Effect] = []
        for index in queues.values.indices {
            for batch in queues.values[index].takeAllWaiting() { effects += give(up: batch, .refused(error)) }
        }
        return effects
    }

    /// The answer for one batch of a request that was answered. Call `requestEnded` once for the request.
    package mutating func answered(
        _ batch: OutgoingBatch, error: ErrorCode, baseOffset: Offset?, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard var landed = queues[batch.place]?.land(batch.number) else { return [] }
        let isOldest = queues[batch.place]?.isOldest(landed) ?? true
        switch error {
        case .noError, .duplicateSequenceNumber:
            queues[landed.place]?.establish()
            release(landed)
            let offset = error == .noError && (baseOffset?.value ?? -1) >= 0 ? baseOffset : nil
            return [.delivered(tickets: landed.tickets, place: landed.place, baseOffset: offset)]
        case .outOfOrderSequenceNumber where landed.stamp != nil && !isOldest:
            // An older batch is on its way again; this one follows it.
            return retry(&landed, error, now: now, using: &generator)
        case .outOfOrderSequenceNumber, .unknownProducerID, .invalidProducerEpoch:
            guard landed.stamp != nil else { return give(up: landed, .refused(error)) }
            identity = .draining
            if landed.mayBeWritten { return give(up: landed, .refused(error)) }
            queues[landed.place]?.putBack(landed)
            return []
        case _ where error.isRetriable:
            // Only this one says that nothing was appended: the others may come while replicas are waited for.
            landed.mayBeWritten = landed.mayBeWritten || error != .notEnoughReplicas
            return retry(&landed, error, now: now, using: &generator)
        default:
            if landed.stamp != nil, case .have = identity { identity = .draining }
            return give(up: landed, .refused(error))
        }
    }

    /// A request had no answer: the connection broke or time ran out. Call `requestEnded` once for the request.
    package mutating func unanswered(
        _ batches: [OutgoingBatch], mayBeWritten: Bool, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        var effects: [Effect] = []
        for batch in batches {
            guard var landed = queues[batch.place]?.land(batch.number) else { continue }
            landed.mayBeWritten = landed.mayBeWritten || mayBeWritten
            effects += retry(&landed, nil, now: now, using: &generator)
        }
        return effects
    }

    /// A request to `node` is over, whatever became of it.
    package mutating func requestEnded(by node: BrokerID) {
        precondition(requestsInFlight[node, default: 0] > 0, "a request ended that never began")
        requestsInFlight[node, default: 0] -= 1
    }

    private mutating func drain(now: MonotonicInstant, view: ClusterView, producer: ProducerIdentity?) -> [Effect] {
        var effects: [Effect] = []
        var leaderless: OrderedSet<String> = []
        var requests: OrderedDictionary<BrokerID, [OutgoingBatch]> = [:]
        var bytes: [BrokerID: Int] = [:]
        for index in queues.values.indices {
            let bound = destination(queues.values[index], now: now, view: view, isStamped: producer != nil)
            switch bound {
            case .leaderless: leaderless.append(queues.values[index].place.topic)
            case .nowhereYet: break
            case .leader(let leader, let firstBytes):
                guard bytes[leader].map({ $0 + firstBytes <= settings.requestBytesMax }) ?? true else { continue }
                let batch = queues.values[index].takeFirst(producer: producer)
                bytes[leader, default: 0] += batch.bytesMax
                requests[leader, default: []].append(batch)
            }
        }
        for (node, batches) in requests {
            requestsInFlight[node, default: 0] += 1
            effects.append(.send(to: node, batches: batches))
        }
        if !leaderless.isEmpty { effects.append(.refreshMetadata(topics: Array(leaderless))) }
        return effects
    }

    private enum Destination {
        case leaderless
        case nowhereYet
        case leader(BrokerID, firstBytes: Int)
    }

    /// Where the first batch of a queue goes now. Nothing of the queue is held afterwards: what is taken out of it then
    /// would copy all that waits.
    private func destination(
        _ queue: PartitionQueue, now: MonotonicInstant, view: ClusterView, isStamped: Bool
    ) -> Destination {
        guard !queue.waiting.isEmpty, queue.waiting[0].notBefore <= now else { return .nowhereYet }
        guard let leader = view.partition(queue.place)?.leader, view.brokers[leader] != nil else { return .leaderless }
        guard !isStamped || !isHeldBackByFirst(queue), isReady(queue, now: now),
            requestsInFlight[leader, default: 0] < settings.requestsInFlightMax,
            queue.inFlight.count < settings.requestsInFlightMax
        else { return .nowhereYet }
        return .leader(leader, firstBytes: queue.waiting[0].bytesMax)
    }

    /// Whether the first of those that wait may go; there is one.
    private func isReady(_ queue: PartitionQueue, now: MonotonicInstant) -> Bool {
        isFlushing || queue.waiting.count > 1 || queue.waiting[0].failedAttempts > 0
            || queue.waiting[0].bytesMax >= settings.batchBytesMax || now >= lingerEnd(queue)
    }

    private func lingerEnd(_ queue: PartitionQueue) -> MonotonicInstant {
        queue.waiting[0].createdAt.advanced(byMilliseconds: settings.lingerMilliseconds)
    }

    private mutating func retry(
        _ batch: inout OutgoingBatch, _ error: ErrorCode?, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        let wait = settings.retry.wait(after: batch.failedAttempts, using: &generator)
        batch.failedAttempts += 1
        batch.notBefore = now.advanced(byMilliseconds: wait)
        let expiry = batch.createdAt.advanced(byMilliseconds: settings.deliveryMillisecondsMax)
        if now >= expiry {
            if batch.stamp != nil { identity = .draining }
            return give(up: batch, .expired(last: error))
        }
        if batch.failedAttempts > settings.retriesMax {
            if batch.stamp != nil { identity = .draining }
            return give(up: batch, error.map { .refused($0) } ?? .expired(last: nil))
        }
        queues[batch.place]?.putBack(batch)
        return [.refreshMetadata(topics: [batch.place.topic])]
    }

    private mutating func expire(now: MonotonicInstant) -> [Effect] {
        let limit = now.advanced(byMilliseconds: -settings.deliveryMillisecondsMax)
        var effects: [Effect] = []
        for index in queues.values.indices {
            for batch in queues.values[index].takeExpired(createdBefore: limit) {
                if batch.stamp != nil { identity = .draining }
                effects += give(up: batch, .expired(last: nil))
            }
        }
        return effects
    }

    private mutating func restart() -> [Effect] {
        var effects: [Effect] = []
        for index in queues.values.indices {
            for batch in queues.values[index].restart() { effects += give(up: batch, .expired(last: nil)) }
        }
        return effects
    }

    private mutating func give(up batch: OutgoingBatch, _ failure: Failure) -> [Effect] {
        release(batch)
        return [.failed(tickets: batch.tickets, place: batch.place, failure)]
    }

    private mutating func release(_ batch: OutgoingBatch) {
        bufferedBytes -= batch.records.reduce(0) { $0 + $1.bytesMax }
    }
}
