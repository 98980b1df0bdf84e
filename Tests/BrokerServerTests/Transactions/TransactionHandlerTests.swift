import Coordinators
import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

@Suite("The APIs of transactions") struct TransactionHandlerTests {
    @Test("InitProducerId gives ids with and without transactions", arguments: InitProducerIdHandler.versions)
    func initProducerID(version: Int16) throws {
        let broker = try TransactionsUnderTest()
        let plain = try broker.begin(nil, version: version)
        #expect(plain.errorCode == .noError && plain.producerEpoch == ProducerEpoch(0))
        #expect(try broker.begin("", version: version).errorCode == .invalidRequest)
        let first = try broker.begin(version: version)
        let second = try broker.begin(version: version)
        #expect(first.errorCode == .noError && second.errorCode == .noError)
        #expect(second.producerID == first.producerID && second.producerEpoch == ProducerEpoch(1))
        let none = InitProducerIdHandler(broker.host) { $0(nil) }
        let refused = try broker.broker.call(none, version: version) { $0.transactionalID = nil }.required()
        #expect(refused.errorCode == .coordinatorNotAvailable)
    }

    @Test(
        "A transaction from its first partition to its end, as clients of either version go about it",
        arguments: [Int16(0), 3, 4, 5])
    func wholeWay(version: Int16) throws {
        let broker = try TransactionsUnderTest()
        let producer = try broker.producer()
        #expect(try broker.add([0, 1], by: producer, version: version) == [.noError, .noError])
        #expect(try broker.describe().transactionState == "Ongoing")
        #expect(try broker.describe().topics.map(\.partitions) == [[PartitionIndex(0), PartitionIndex(1)]])
        let pending = try broker.askToEnd(producer, commit: true, version: version)
        #expect((pending.response == nil) == (version >= 5), "ADR 18")
        #expect(try broker.describe().transactionState == "PrepareCommit")
        #expect(broker.orders.all.withLock { $0.map(\.leadership.epoch) } == [LeaderEpoch(5)])
        #expect(broker.orders.all.withLock { $0[0].order.hasOwnEpoch } == (version >= 5))
        broker.mark()
        let ended = try pending.required()
        #expect(ended.errorCode == .noError)
        #expect(ended.producerEpoch == (version >= 5 ? ProducerEpoch(1) : ProducerEpoch(-1)))
        #expect(try broker.describe().transactionState == "CompleteCommit")
        #expect(try broker.end(producer, commit: true, version: version).errorCode == .noError, "it comes again")
    }

    @Test("Partitions that nobody knows are named, and none is added")
    func unknownPartitions() throws {
        let broker = try TransactionsUnderTest()
        let producer = try broker.producer()
        #expect(
            try broker.add([0, 9], by: producer, version: 3) == [.operationNotAttempted, .unknownTopicOrPartition])
        #expect(try broker.describe().transactionState == "Empty")
    }

    @Test("Who is fenced hears it by the name that its version has", arguments: [Int16(1), 3, 4])
    func fenced(version: Int16) throws {
        let broker = try TransactionsUnderTest()
        let first = try broker.producer()
        _ = try broker.producer()
        let name: ErrorCode = version < 2 ? .invalidProducerEpoch : .producerFenced
        #expect(try broker.add([0], by: first, version: version) == [name])
        #expect(try broker.end(first, commit: true, version: version).errorCode == name)
    }

    @Test("Brokers ask whether partitions belong to a transaction; that adds none")
    func verifies() throws {
        let broker = try TransactionsUnderTest()
        let producer = try broker.producer()
        #expect(try broker.add([0], by: producer, version: 5, verifyOnly: true) == [.transactionAbortable])
        #expect(try broker.add([0], by: producer, version: 3) == [.noError])
        #expect(
            try broker.add([0, 1], by: producer, version: 5, verifyOnly: true) == [.noError, .transactionAbortable])
    }

    @Test("Rule 28: an end is answered once it is committed, and no marker leaves before")
    func durableFirst() throws {
        let broker = try TransactionsUnderTest()
        let producer = try broker.producer()
        _ = try broker.add([0], by: producer, version: 5)
        broker.log.state.withLock { $0.commitsAtOnce = false }
        let handler = EndTxnHandler(broker.host) { $0(nil) }
        let pending = try broker.broker.call(handler, version: 5) { request in
            request.transactionalID = "a"
            request.producerID = producer.id
            request.producerEpoch = producer.epoch
            request.committed = true
        }
        #expect(pending.response == nil)
        #expect(broker.orders.all.withLock { $0.isEmpty })
        broker.broker.loop.run { [log = broker.log] in log.commit() }
        #expect(broker.orders.all.withLock { $0.count } == 1)
        #expect(pending.response == nil, "ADR 18: the markers are not written")
        broker.mark()
        #expect(try pending.required().errorCode == .noError)
    }

    @Test("A decision that the log gave up and committed later is carried out")
    func committedLater() throws {
        let broker = try TransactionsUnderTest()
        let producer = try broker.producer()
        _ = try broker.add([0], by: producer, version: 5)
        broker.log.state.withLock { $0.commitsAtOnce = false }
        let pending = try broker.askToEnd(producer, commit: true, version: 5)
        broker.broker.loop.run { [log = broker.log] in log.giveUp() }
        #expect(try pending.required().errorCode == .notCoordinator)
        broker.broker.loop.pass(milliseconds: 500)
        #expect(broker.orders.all.withLock { $0.isEmpty }, "it is not committed")
        broker.broker.loop.run { [log = broker.log] in log.commit() }
        broker.broker.loop.pass(milliseconds: 500)
        #expect(broker.orders.all.withLock { $0.count } == 1)
        broker.mark()
        broker.log.state.withLock { $0.commitsAtOnce = true }
        broker.broker.loop.run { [log = broker.log] in log.commit() }
        #expect(try broker.describe().transactionState == "CompleteCommit")
    }

    @Test("Ids are listed by state, producer and age", arguments: ListTransactionsHandler.versions)
    func lists(version: Int16) throws {
        let broker = try TransactionsUnderTest()
        let producer = try broker.producer()
        _ = try broker.begin("b")
        _ = try broker.add([0], by: producer, version: 5)
        func listed(_ fill: (inout ListTransactionsRequest) -> Void) throws -> [String] {
            let handler = ListTransactionsHandler(broker.host, clock: broker.broker.loop)
            let answer = try broker.broker.call(handler, version: version, fill).required()
            #expect(answer.errorCode == .noError)
            return answer.transactionStates.map(\.transactionalID)
        }
        #expect(try listed { _ in } == ["a", "b"])
        #expect(try listed { $0.stateFilters = ["Ongoing"] } == ["a"])
        #expect(try listed { $0.stateFilters = ["Lost"] } == [])
        #expect(try listed { $0.producerIDFilters = [producer.id] } == ["a"])
        guard version >= 1 else { return }
        #expect(try listed { $0.durationFilter = 1_000 } == [])
    }

    @Test(
        "KIP-1152: a pattern lists the ids that it matches whole; none or an empty one lists all",
        arguments: [
            (nil, ["a", "a.b", "b", "ba"]), ("", ["a", "a.b", "b", "ba"]), ("a", ["a"]), ("a.*", ["a", "a.b"]),
            (#".*\.b|ba"#, ["a.b", "ba"]), ("^b$", ["b"]), ("c+", []), ("[ab]{1,2}", ["a", "b", "ba"]),
        ] as [(String?, [String])])
    func listsByPattern(pattern: String?, ids: [String]) throws {
        let broker = try TransactionsUnderTest()
        for id in ["ba", "a", "b", "a.b"] { _ = try broker.begin(id) }
        let handler = ListTransactionsHandler(broker.host, clock: broker.broker.loop)
        let answer = try broker.broker.call(handler, version: 2) { $0.transactionalIDPattern = pattern }.required()
        #expect(answer.errorCode == .noError)
        #expect(answer.transactionStates.map(\.transactionalID) == ids)
    }

    @Test("A pattern and the other filters of a list have all to be met")
    func listsByPatternAndState() throws {
        let broker = try TransactionsUnderTest()
        _ = try broker.add([0], by: try broker.producer(), version: 5)
        _ = try broker.begin("aa")
        let handler = ListTransactionsHandler(broker.host, clock: broker.broker.loop)
        func listed(_ pattern: String, _ state: String) throws -> [String] {
            let answer = try broker.broker.call(handler, version: 2) { request in
                request.transactionalIDPattern = pattern
                request.stateFilters = [state]
            }.required()
            return answer.transactionStates.map(\.transactionalID)
        }
        #expect(try listed("a+", "Ongoing") == ["a"])
        #expect(try listed("a+", "Empty") == ["aa"])
        #expect(try listed("b", "Ongoing") == [])
    }

    @Test("A pattern that can't be read is refused", arguments: ["(", "a**", "[b-a]", "*", #"\1"#, "a{1001}"])
    func badPattern(pattern: String) throws {
        let broker = try TransactionsUnderTest()
        _ = try broker.begin("a")
        let handler = ListTransactionsHandler(broker.host, clock: broker.broker.loop)
        let answer = try broker.broker.call(handler, version: 2) { $0.transactionalIDPattern = pattern }.required()
        #expect(answer.errorCode == .invalidRegularExpression && answer.transactionStates.isEmpty)
    }

    @Test("Of an id that is not there nothing is told")
    func unknown() throws {
        let broker = try TransactionsUnderTest()
        #expect(try broker.describe("nobody").errorCode == .transactionalIDNotFound)
        #expect(try broker.describe("").errorCode == .invalidRequest)
    }
}
