import Coordinators
import Primitives
import Testing

/// One shard of transactions with a log that takes every write, a clock that the test turns, and partitions that take
/// their markers when told to.
final class TransactionScene {
    let settings: TransactionConfiguration
    var shard: TransactionShard
    var time = CoordinatorTime(now: MonotonicInstant(0), timeOfDay: Timestamp(1_000_000_000))
    /// All records that were appended, in order.
    var log: [TransactionRecord] = []
    /// Answers by ticket, as they leave.
    var replies: [Int64: TransactionReply] = [:]
    /// Markers that were to be sent, in order.
    var orders: [MarkerOrder] = []
    /// Commits each write as soon as it is appended.
    var commitsAtOnce = true
    /// Writes markers as soon as they are to be sent.
    var marksAtOnce = true
    /// What the log says to the next writes instead of taking them.
    var logRefusal: ErrorCode?
    private var nextTicket: Int64 = 0
    private var nextProducerID: Int64 = 100

    init(_ adjust: (inout TransactionConfiguration) -> Void = { _ in }) {
        var settings = TransactionConfiguration()
        adjust(&settings)
        self.settings = settings
        shard = TransactionShard(settings: settings, loaded: TransactionImage(), at: time)
    }

    func perform(_ effects: [TransactionEffect]) {
        var queue = effects
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .reply(let ticket, let reply):
                #expect(replies[ticket.value] == nil, "ticket \(ticket) is answered twice")
                replies[ticket.value] = reply
            case .append(let write):
                if let logRefusal {
                    queue += shard.refused(write.id, logRefusal, at: time)
                } else {
                    log += write.records
                    shard.appended(write.id, end: logEnd)
                    if commitsAtOnce { queue += shard.committed(upTo: logEnd, at: time) }
                }
            case .order(let order):
                let decided = shard[order.transactionalID]?.state.isPrepared == true
                #expect(decided, "rule 28: no marker before the decision is committed")
                orders.append(order)
                if marksAtOnce { queue += shard.markersWritten(order, order.partitions, at: time) }
            }
        }
    }

    private var logEnd: Offset { Offset(Int64(log.count)) }

    func commitAll() { perform(shard.committed(upTo: logEnd, at: time)) }

    func mark(_ order: MarkerOrder, _ partitions: [TransactionPartition]) {
        perform(shard.markersWritten(order, partitions, at: time))
    }

    /// Another broker leads: all that was committed, and nothing else, is replayed there.
    func move() {
        perform(shard.fail())
        var image = TransactionImage()
        for record in log {
            // By way of the bytes: what is not in the log is forgotten.
            let value = record.valueBytes(level: 2)
            guard let read = try? TransactionRecord.decode(key: record.keyBytes, value: value) else { continue }
            image.replay(read)
        }
        shard = TransactionShard(settings: settings, loaded: image, at: time)
        perform(shard.start(at: time))
    }

    /// Turns the clock, stopping at every deadline on the way.
    func advance(milliseconds: Int64) {
        let end = time.now.advanced(byMilliseconds: milliseconds)
        while shard.nextDeadline <= end {
            let next = max(shard.nextDeadline, time.now)
            time.timeOfDay = Timestamp(time.timeOfDay.value + next.milliseconds(since: time.now))
            time.now = next
            perform(shard.expire(at: time))
            guard shard.nextDeadline > time.now else {
                Issue.record("the shard asks to be woken at a time that has passed")
                break
            }
        }
        time.timeOfDay = Timestamp(time.timeOfDay.value + end.milliseconds(since: time.now))
        time.now = end
    }

    // MARK: Requests

    private func ask(_ body: (inout TransactionShard, Ticket, CoordinatorTime) -> [TransactionEffect]) -> Ticket {
        nextTicket += 1
        let ticket = Ticket(nextTicket)
        perform(body(&shard, ticket, time))
        return ticket
    }

    func reply(_ ticket: Ticket) -> TransactionReply? { replies[ticket.value] }
    /// The answer to the last request.
    var lastReply: TransactionReply? { replies[nextTicket] }

    /// Begins as a producer; asks again with a fresh id where that is wanted.
    @discardableResult
    func begin(
        _ id: String = "a", as expected: ProducerIdentity? = nil, timeout: Int32 = 60_000
    ) -> TransactionReply? {
        let ticket = ask { shard, ticket, time in
            shard.initProducer(
                id, timeoutMilliseconds: timeout, expected: expected, newID: nil, ticket: ticket, at: time)
        }
        guard reply(ticket) == .needsProducerID else { return reply(ticket) }
        nextProducerID += 1
        let fresh = ProducerID(nextProducerID)
        return reply(
            ask { shard, ticket, time in
                shard.initProducer(
                    id, timeoutMilliseconds: timeout, expected: expected, newID: fresh, ticket: ticket, at: time)
            })
    }

    /// A producer that has begun.
    func producer(_ id: String = "a", timeout: Int32 = 60_000) throws -> ProducerIdentity {
        try #require(begin(id, timeout: timeout)?.identity)
    }

    @discardableResult
    func add(
        _ partitions: [TransactionPartition], to id: String = "a", by producer: ProducerIdentity, version: Int16 = 2
    ) -> TransactionReply? {
        reply(askToAdd(partitions, to: id, by: producer, version: version))
    }

    func askToAdd(
        _ partitions: [TransactionPartition], to id: String = "a", by producer: ProducerIdentity, version: Int16 = 2
    ) -> Ticket {
        ask { shard, ticket, time in
            shard.addPartitions(
                partitions, to: id, by: producer, clientVersion: version, ticket: ticket, at: time)
        }
    }

    func askToEnd(_ id: String = "a", by producer: ProducerIdentity, commit: Bool, version: Int16 = 2) -> Ticket {
        ask { shard, ticket, time in
            shard.end(
                id, by: producer, isCommit: commit, clientVersion: version, newID: nil, ticket: ticket, at: time)
        }
    }

    @discardableResult
    func end(
        _ id: String = "a", by producer: ProducerIdentity, commit: Bool, version: Int16 = 2
    ) -> TransactionReply? {
        let ticket = askToEnd(id, by: producer, commit: commit, version: version)
        guard reply(ticket) == .needsProducerID else { return reply(ticket) }
        nextProducerID += 1
        let fresh = ProducerID(nextProducerID)
        return reply(
            ask { shard, ticket, time in
                shard.end(
                    id, by: producer, isCommit: commit, clientVersion: version, newID: fresh, ticket: ticket, at: time)
            })
    }
}

extension TransactionReply {
    var identity: ProducerIdentity? {
        if case .producer(let id, let epoch) = self { ProducerIdentity(id, epoch) } else { nil }
    }
}

extension ProducerIdentity {
    /// The same producer so many epochs later.
    func later(by count: Int16) -> ProducerIdentity { ProducerIdentity(id, ProducerEpoch(epoch.value + count)) }
}

func part(_ index: Int32, of topic: String = "t") -> TransactionPartition {
    TransactionPartition(topic: topic, index: PartitionIndex(index))
}
