import Coordinators
import Primitives
import Testing

@Suite("Ends of transactions") struct TransactionEndTests {
    private let both = [part(0), part(1)]

    @Test("A transaction is begun, written to its partitions and ended; its epoch is never used again")
    func wholeWay() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        #expect(scene.add(both, by: producer) == .partitions([.noError, .noError]))
        #expect(scene.shard["a"]?.state == .ongoing)
        #expect(scene.end(by: producer, commit: true) == .producer(producer.id, producer.later(by: 1).epoch))
        #expect(scene.shard["a"]?.state == .completeCommit)
        #expect(scene.log.map { $0.value?.state } == [.empty, .ongoing, .prepareCommit, .completeCommit])
        let order = try #require(scene.orders.first)
        #expect(order.isCommit && order.hasOwnEpoch)
        #expect(order.partitions == both)
        #expect(order.producerEpoch == producer.later(by: 1).epoch)
        #expect(scene.add(both, by: producer) == .failed(.producerFenced))
        #expect(scene.add(both, by: producer.later(by: 1)) == .partitions([.noError, .noError]))
    }

    @Test("Version 1 keeps the epoch, and wants it exactly (KAFKA-9600)", arguments: [true, false])
    func versionOne(commit: Bool) throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.add(both, by: producer, version: 0)
        #expect(scene.end(by: producer.later(by: 1), commit: commit, version: 0) == .failed(.producerFenced))
        #expect(scene.end(by: producer, commit: commit, version: 0)?.identity == producer)
        #expect(scene.orders.map(\.hasOwnEpoch) == [false])
        #expect(scene.orders.map(\.producerEpoch) == [producer.epoch])
        // Again, as its answer may have been lost; and the other way round.
        #expect(scene.end(by: producer, commit: commit, version: 0)?.identity == producer)
        #expect(scene.end(by: producer, commit: !commit, version: 0) == .failed(.invalidTxnState))
        #expect(scene.orders.count == 1)
    }

    @Test("Rule 28: markers leave when the decision is committed, and it is complete when all are written")
    func decisionFirst() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.add(both, by: producer)
        scene.commitsAtOnce = false
        scene.marksAtOnce = false
        #expect(scene.end(by: producer, commit: true) == nil)
        #expect(scene.orders.isEmpty)
        #expect(scene.end(by: producer, commit: false) == .failed(.concurrentTransactions), "the outcome can't change")
        scene.commitsAtOnce = true
        scene.commitAll()
        let order = try #require(scene.orders.first)
        scene.mark(order, [part(0)])
        #expect(scene.shard["a"]?.state == .prepareCommit)
        #expect(scene.end(by: producer, commit: true) == .failed(.concurrentTransactions))
        #expect(scene.end(by: producer, commit: false) == .failed(.invalidTxnState))
        #expect(scene.add(both, by: producer.later(by: 1)) == .failed(.concurrentTransactions))
        scene.mark(order, [part(1)])
        #expect(scene.shard["a"]?.state == .completeCommit)
        scene.mark(order, both)
        #expect(scene.log.count { $0.value?.state == .completeCommit } == 1, "KAFKA-10080: completed once")
    }

    @Test("ADR 18: EndTxn is answered when the markers are written, after a while without them, and on a loss of leadership")
    func answeredWhenVisible() throws {
        let scene = TransactionScene()
        var producer = try scene.producer()
        scene.marksAtOnce = false
        for way in 0..<3 {
            scene.add(both, by: producer)
            let ended = scene.askToEnd(by: producer, commit: true)
            #expect(scene.reply(ended) == nil, "the decision is durable, the markers are not written")
            let order = try #require(scene.orders.last)
            scene.mark(order, [part(0)])
            #expect(scene.reply(ended) == nil)
            switch way {
            case 0: scene.mark(order, [part(1)])
            case 1: scene.advance(milliseconds: scene.settings.markersAwaitedMillisecondsMax)
            default: scene.move()
            }
            #expect(scene.reply(ended)?.identity == producer.later(by: 1))
            if way == 1 { scene.mark(order, [part(1)]) }
            producer = producer.later(by: 1)
        }
    }

    @Test("ADR 18: the next transaction begins behind the end of the one before, nothing else does")
    func behindTheEnd() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        let next = producer.later(by: 1)
        scene.add(both, by: producer)
        scene.marksAtOnce = false
        let ended = scene.askToEnd(by: producer, commit: true)
        scene.commitsAtOnce = false
        scene.mark(try #require(scene.orders.last), both)
        #expect(scene.reply(ended)?.identity == next)
        #expect(scene.begin() == .failed(.concurrentTransactions))
        #expect(scene.end(by: next, commit: false) == .failed(.concurrentTransactions))
        let added = scene.askToAdd([part(0)], by: next)
        #expect(scene.reply(added) == nil)
        #expect(scene.log.last?.value?.state == .ongoing)
        #expect(scene.end(by: next, commit: true) == .failed(.concurrentTransactions))
        scene.commitsAtOnce = true
        scene.commitAll()
        #expect(scene.reply(added) == .partitions([.noError]))
        #expect(scene.orders.count == 1, "the first transaction's markers are written")
        scene.marksAtOnce = true
        #expect(scene.end(by: next, commit: true)?.identity == next.later(by: 1))
    }

    @Test("Rule 28: a marker of another epoch completes nothing (KAFKA-16352)")
    func lateMarkers() throws {
        let scene = TransactionScene()
        let first = try scene.producer()
        scene.add([part(0)], by: first)
        scene.end(by: first, commit: true)
        let old = try #require(scene.orders.first)
        scene.marksAtOnce = false
        let second = first.later(by: 1)
        scene.add([part(0)], by: second)
        scene.end(by: second, commit: false)
        scene.mark(old, [part(0)])
        #expect(scene.shard["a"]?.state == .prepareAbort)
        scene.mark(scene.orders[1], [part(0)])
        #expect(scene.shard["a"]?.state == .completeAbort)
    }

    @Test("Rule 28: the next coordinator sends the markers of what was decided, and only of that")
    func carriesOn() throws {
        let scene = TransactionScene()
        scene.marksAtOnce = false
        let decided = try scene.producer("a")
        scene.add(both, to: "a", by: decided)
        scene.end("a", by: decided, commit: true)
        let open = try scene.producer("b")
        scene.add(both, to: "b", by: open)
        scene.orders = []
        scene.marksAtOnce = true
        scene.move()
        #expect(scene.orders.map(\.transactionalID) == ["a"])
        #expect(scene.orders.map(\.isCommit) == [true])
        #expect(scene.shard["a"]?.state == .completeCommit)
        #expect(scene.shard["b"]?.state == .ongoing)
        #expect(scene.end("b", by: open, commit: true)?.identity == open.later(by: 1))
    }

    @Test("Rule 30: an EndTxn that comes late decides no later transaction (KAFKA-17754)", arguments: [true, false])
    func late(commit: Bool) throws {
        let scene = TransactionScene()
        let first = try scene.producer()
        scene.add([part(0)], by: first)
        scene.end(by: first, commit: commit)
        let second = first.later(by: 1)
        // Its own decision again, its answer being lost: told so, before and after the next transaction's begin.
        #expect(scene.end(by: first, commit: commit)?.identity == second)
        #expect(scene.end(by: first, commit: !commit) == .failed(.invalidTxnState))
        scene.add([part(0)], by: second)
        #expect(scene.end(by: first, commit: commit) == .failed(.producerFenced))
        #expect(scene.end(by: first, commit: !commit) == .failed(.producerFenced))
        #expect(scene.shard["a"]?.state == .ongoing)
    }

    @Test("Rule 30: with the epochs used up the producer goes on under another id, also when it repeats itself")
    func overflow() throws {
        let scene = TransactionScene()
        var producer = try scene.producer()
        while producer.epoch < ProducerEpoch(Int16.max - 1) {
            producer = try #require(scene.begin(as: producer)?.identity)
        }
        scene.add([part(0)], by: producer)
        let next = try #require(scene.end(by: producer, commit: true)?.identity)
        #expect(next.id != producer.id)
        #expect(next.epoch == ProducerEpoch(0))
        #expect(scene.orders.last?.producerID == producer.id)
        #expect(scene.orders.last?.producerEpoch == ProducerEpoch(.max))
        #expect(scene.end(by: producer, commit: true)?.identity == next)
        #expect(scene.add([part(0)], by: producer) == .failed(.invalidProducerIDMapping))
        #expect(scene.add([part(0)], by: next) == .partitions([.noError]))
        scene.move()
        #expect(scene.shard["a"]?.previousProducerID == producer.id)
    }

    @Test("Version 2 may abort before anything was added; nothing can be committed then")
    func emptyAbort() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        #expect(scene.end(by: producer, commit: true) == .failed(.invalidTxnState))
        #expect(scene.end(by: producer, commit: false, version: 0) == .failed(.invalidTxnState))
        #expect(scene.end(by: producer, commit: false)?.identity == producer.later(by: 1))
        #expect(scene.shard["a"]?.state == .completeAbort)
        #expect(scene.orders.isEmpty)
        #expect(scene.end(by: producer.later(by: 1), commit: false)?.identity == producer.later(by: 2))
    }

    @Test("A decision that the log does not take holds nowhere, and one that takes long is not taken back")
    func refusedWrites() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.add(both, by: producer)
        scene.logRefusal = .notEnoughReplicas
        #expect(scene.end(by: producer, commit: true) == .failed(.coordinatorNotAvailable))
        scene.logRefusal = .notLeaderOrFollower
        #expect(scene.end(by: producer, commit: true) == .failed(.notCoordinator))
        #expect(scene.shard["a"]?.state == .ongoing)
        scene.logRefusal = nil
        scene.commitsAtOnce = false
        #expect(scene.end(by: producer, commit: true) == nil)
        scene.advance(milliseconds: 6_000)
        #expect(scene.replies.values.contains(.failed(.coordinatorNotAvailable)))
        scene.commitsAtOnce = true
        scene.commitAll()
        #expect(scene.shard["a"]?.state == .completeCommit)
        #expect(scene.end(by: producer, commit: true)?.identity == producer.later(by: 1))
    }

    @Test(
        "Who goes on with the next epoch, or id, before the markers are written comes again", arguments: [false, true])
    func nextBeforeOver(isExhausted: Bool) throws {
        let scene = TransactionScene()
        var producer = try scene.producer()
        if isExhausted {
            while producer.epoch < ProducerEpoch(Int16.max - 1) {
                scene.add(both, by: producer)
                producer = try #require(scene.end(by: producer, commit: true)?.identity)
            }
        }
        scene.marksAtOnce = false
        scene.add(both, by: producer)
        #expect(scene.end(by: producer, commit: true) == nil)
        scene.advance(milliseconds: scene.settings.markersAwaitedMillisecondsMax)
        let next = try #require(scene.lastReply?.identity)
        #expect((next.id != producer.id) == isExhausted)
        #expect(scene.end(by: next, commit: false) == .failed(.concurrentTransactions))
        #expect(scene.add(both, by: next) == .failed(.concurrentTransactions))
        #expect(scene.begin(as: next) == .failed(.concurrentTransactions))
        for order in scene.orders.suffix(1) { scene.mark(order, order.partitions) }
        #expect(scene.end(by: next, commit: false)?.identity == next.later(by: 1))
    }

    @Test("The end of a transaction is written again until the log takes it")
    func retriedCompletion() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.add(both, by: producer)
        scene.marksAtOnce = false
        scene.end(by: producer, commit: true)
        scene.logRefusal = .notEnoughReplicas
        scene.mark(scene.orders[0], both)
        scene.advance(milliseconds: 500)
        #expect(scene.shard["a"]?.state == .prepareCommit)
        scene.logRefusal = nil
        scene.advance(milliseconds: 200)
        #expect(scene.shard["a"]?.state == .completeCommit)
    }

    @Test("Rule 32: who waits when the leadership is lost is sent to the next coordinator")
    func lostLeadership() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.add(both, by: producer)
        scene.commitsAtOnce = false
        scene.end(by: producer, commit: true)
        scene.perform(scene.shard.fail())
        #expect(scene.replies.values.contains(.failed(.notCoordinator)))
        #expect(scene.orders.isEmpty)
    }
}
