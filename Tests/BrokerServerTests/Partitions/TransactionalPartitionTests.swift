import LogStorage
import Primitives
import Synchronization
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Transactions at a partition") struct TransactionalPartitionTests {
    private func part(_ answer: WholeAnswer<FetchResponse>) throws -> FetchResponse.PartitionData {
        try #require(answer.required().responses.first?.partitions.first)
    }

    @Test(
        "Rule 11: who reads what is committed gets no further than the oldest open transaction",
        arguments: FetchHandler.versions)
    func stable(version: Int16) throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(2))
        try broker.produceInTransaction(7)
        _ = try broker.produce(PartitionsUnderTest.batch())
        let all = try part(broker.fetch(at: 0, version: version, maxWaitMilliseconds: 0))
        #expect(all.highWatermark == 4)
        #expect(all.lastStableOffset == Offset(2))
        #expect(try all.records?.lastOffset == Offset(3))
        #expect(all.abortedTransactions == nil)
        let committed = try part(
            broker.fetch(at: 0, version: version, maxWaitMilliseconds: 0, readsCommittedOnly: true))
        #expect(try committed.records?.lastOffset == Offset(1))
        #expect(committed.abortedTransactions == [])
        let behind = try part(
            broker.fetch(at: 3, version: version, maxWaitMilliseconds: 0, readsCommittedOnly: true))
        #expect(behind.errorCode == .noError)
        #expect(behind.records?.isEmpty ?? true)
        #expect(try broker.latest(readsCommittedOnly: true) == Offset(2))
        #expect(try broker.latest(readsCommittedOnly: false) == Offset(4))
    }

    @Test(
        "A waiting reader of what is committed is woken by the end of a transaction, and told what was aborted",
        arguments: [Int16(4), 7, 12, 18])
    func wakes(version: Int16) throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7, count: 2)
        let waiting = try broker.fetch(
            at: 0, version: version, maxWaitMilliseconds: 60_000, readsCommittedOnly: true)
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(waiting.response == nil, "new records alone are nothing that it may read")
        #expect(try broker.end(7, isCommit: false) == .noError)
        let told = try part(waiting)
        #expect(told.lastStableOffset == Offset(4))
        #expect(told.abortedTransactions == [.of(7, from: 0)])
        #expect(try told.records?.lastOffset == Offset(3))
    }

    @Test("A session of one who reads what is committed is rung by the end of a transaction")
    func rings() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch())
        try broker.produceInTransaction(7)
        let first = try broker.fetch(
            at: 0, maxWaitMilliseconds: 0, session: (0, 0), readsCommittedOnly: true
        ).required()
        let waiting = try broker.fetch(
            at: 1, maxWaitMilliseconds: 60_000, session: (first.sessionID, 1), readsCommittedOnly: true)
        #expect(waiting.response == nil)
        try broker.produceInTransaction(8)
        #expect(waiting.response == nil)
        #expect(try broker.end(7, isCommit: true) == .noError)
        let told = try part(waiting)
        #expect(told.lastStableOffset == Offset(2))
        #expect(try told.records?.lastOffset == Offset(1))
        #expect(told.abortedTransactions == [])
    }

    @Test("Rule 11: a marker that is not below the high watermark yet decides nothing")
    func uncommittedMarker() throws {
        let broker = try PartitionsUnderTest()
        try broker.produceInTransaction(7, acks: 1)
        _ = try broker.fetch(at: 1, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0)
        #expect(try part(broker.fetch(at: 1, maxWaitMilliseconds: 0)).highWatermark == 1)
        let verdict = try broker.beginEnd(7, isCommit: true)
        #expect(verdict.error == nil)
        #expect(try broker.latest(readsCommittedOnly: true) == Offset(0))
        _ = try broker.fetch(at: 2, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0)
        #expect(verdict.error == .noError)
        #expect(try broker.latest(readsCommittedOnly: true) == Offset(2))
    }

    @Test("Rule 29: of two coordinators the later one ends the transaction, and a producer's earlier life nothing")
    func fencing() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7, epoch: 3)
        #expect(try broker.end(7, epoch: 2, isCommit: false) == .invalidProducerEpoch)
        #expect(try broker.end(7, epoch: 3, isCommit: true, coordinatorEpoch: 9) == .noError)
        #expect(try broker.end(7, epoch: 3, isCommit: false, coordinatorEpoch: 8) == .transactionCoordinatorFenced)
        #expect(try broker.end(7, epoch: 3, isCommit: true, coordinatorEpoch: 9) == .noError, "its answer was lost")
        let producer = try #require(broker.producers().activeProducers.first)
        #expect(producer.producerID == ProducerID(7))
        #expect(producer.producerEpoch == 3)
        #expect(producer.coordinatorEpoch == 9)
        #expect(producer.currentTxnStartOffset == Offset(-1))
    }

    @Test("DescribeProducers tells of open transactions, and of what is not here")
    func describes() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch())
        try broker.produceInTransaction(7, epoch: 1, sequence: 4)
        let producer = try #require(broker.producers().activeProducers.first)
        #expect(producer.lastSequence == 4)
        #expect(producer.currentTxnStartOffset == Offset(1))
        #expect(producer.coordinatorEpoch == -1)
        #expect(try broker.producers(of: 5).errorCode == .unknownTopicOrPartition)
    }

    @Test("A leader that is none any more ends no transaction; a follower reads up to its own last stable offset")
    func follower() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2], inSync: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(2), acks: 1)
        try broker.produceInTransaction(7, acks: 1)
        try broker.moveLeadership(to: 2)
        #expect(try broker.end(7, isCommit: true) == .notLeaderOrFollower)
        let all = try part(broker.fetch(at: 0, maxWaitMilliseconds: 0))
        #expect(all.highWatermark == 3)
        let committed = try part(broker.fetch(at: 0, maxWaitMilliseconds: 0, readsCommittedOnly: true))
        #expect(committed.lastStableOffset == Offset(2))
        #expect(try committed.records?.lastOffset == Offset(1))
        // Leader again: the transaction is still open.
        try broker.moveLeadership(to: 1)
        #expect(try broker.latest(readsCommittedOnly: true) == Offset(2))
    }

    @Test("What was aborted in a sealed segment is read from its file")
    func sealed() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7)
        try broker.produceInTransaction(8)
        #expect(try broker.end(8, isCommit: true) == .noError)
        #expect(try broker.end(7, isCommit: false) == .noError)
        try broker.configure("segment.bytes", "1048576")
        for _ in 0..<3 { _ = try broker.produce(PartitionsUnderTest.large(600_000)) }
        let told = try part(broker.fetch(at: 0, maxWaitMilliseconds: 0, readsCommittedOnly: true))
        #expect(told.abortedTransactions == [.of(7, from: 0)])
        let later = try part(broker.fetch(at: 6, maxWaitMilliseconds: 0, readsCommittedOnly: true))
        #expect(later.abortedTransactions == [])
        #expect(later.records?.isEmpty == false)
    }

    @Test("Deleting an open transaction's records lets its readers go on from the log start")
    func deleted() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7, count: 2)
        _ = try broker.produce(PartitionsUnderTest.batch(2))
        #expect(try broker.latest(readsCommittedOnly: true) == .zero)
        let waiting = try broker.fetch(at: 0, maxWaitMilliseconds: 60_000, readsCommittedOnly: true)
        let partition = try broker.partition
        broker.loop.run { partition.deleteRecords(before: Offset(3), DeletionInFlight(count: 1) { _ in }, slot: 0) }
        #expect(try part(waiting).errorCode == .offsetOutOfRange)
        #expect(try broker.latest(readsCommittedOnly: true) == Offset(3))
    }
}

extension FetchResponse.AbortedTransaction {
    fileprivate static func of(_ producer: Int64, from offset: Int64) -> Self {
        var transaction = Self()
        transaction.producerID = ProducerID(producer)
        transaction.firstOffset = Offset(offset)
        return transaction
    }
}

extension Bytes {
    /// Of the last record of the last batch.
    fileprivate var lastOffset: Offset? {
        get throws {
            var batches = RecordBatches(self)
            var last: Offset?
            while let batch = try batches.next() { last = batch.header.lastOffset }
            return last
        }
    }
}

/// What becomes of a marker.
final class EndVerdict: Sendable {
    private let result = Mutex<ErrorCode?>(nil)
    var error: ErrorCode? { result.withLock { $0 } }
    func note(_ error: ErrorCode) { result.withLock { $0 = error } }
}

extension PartitionsUnderTest {
    static func large(_ byteCount: Int) -> Bytes {
        var builder = RecordBatchBuilder()
        builder.append(timestamp: Timestamp(0), key: nil, value: Bytes([UInt8](repeating: 1, count: byteCount)))
        return builder.finish()
    }

    /// Appends a batch of a transaction, as the partition is given it when its coordinator knows of it.
    func produceInTransaction(
        _ id: Int64, epoch: Int16 = 0, sequence: Int32 = 0, count: Int = 1, acks: Int16 = -1,
        verification: UInt64?? = .none, answered: @escaping @Sendable (ErrorCode) -> Void = { _ in }
    ) throws {
        let producer = BatchProducer(id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: sequence)
        var builder = RecordBatchBuilder(producer: producer, isTransactional: true)
        for _ in 0..<count { builder.append(timestamp: Timestamp(0), key: nil, value: Bytes(utf8: "value")) }
        let incoming = PartitionState.Incoming(
            batch: builder.finish(),
            request: ProduceInFlight([.init(topic: 0, partition: 0)]) { answered($0[0].error) }, slot: 0,
            waitsForReplicas: acks == -1,
            claim: verification.map {
                TransactionClaim(
                    producer: ProducerID(id), epoch: ProducerEpoch(epoch), sequence: sequence, verification: $0)
            })
        let partition = try partition
        loop.run { partition.append([incoming])?.forgetNewest() }
    }

    func beginEnd(
        _ id: Int64, epoch: Int16 = 0, isCommit: Bool, coordinatorEpoch: Int32 = 0, hasOwnEpoch: Bool = false
    ) throws -> EndVerdict {
        let marker = EndMarker(
            producerID: ProducerID(id), producerEpoch: ProducerEpoch(epoch), isCommit: isCommit,
            coordinatorEpoch: coordinatorEpoch, hasOwnEpoch: hasOwnEpoch)
        let verdict = EndVerdict()
        let request = ProduceInFlight([.init(topic: 0, partition: 0)]) { verdict.note($0[0].error) }
        let partition = try partition
        loop.run { partition.end(marker, request, slot: 0) }
        return verdict
    }

    func end(
        _ id: Int64, epoch: Int16 = 0, isCommit: Bool, coordinatorEpoch: Int32 = 0, hasOwnEpoch: Bool = false
    ) throws -> ErrorCode? {
        try beginEnd(
            id, epoch: epoch, isCommit: isCommit, coordinatorEpoch: coordinatorEpoch, hasOwnEpoch: hasOwnEpoch
        ).error
    }

    func latest(readsCommittedOnly: Bool) throws -> Offset? {
        try call(listOffsetsHandler, version: 7) { request in
            request.replicaID = BrokerID(-1)
            request.isolationLevel = readsCommittedOnly ? 1 : 0
            var topic = ListOffsetsRequest.ListOffsetsTopic()
            topic.name = "t"
            var partition = ListOffsetsRequest.ListOffsetsPartition()
            partition.timestamp = -1
            topic.partitions = [partition]
            request.topics = [topic]
        }.required().topics.first?.partitions.first?.offset
    }

    func producers(of partition: Int32 = 0) throws -> DescribeProducersResponse.PartitionResponse {
        let handler = DescribeProducersHandler(table: table)
        let answer = try call(handler, version: 0) { request in
            var topic = DescribeProducersRequest.TopicRequest()
            topic.name = "t"
            topic.partitionIndexes = [PartitionIndex(partition)]
            request.topics = [topic]
        }
        return try #require(answer.required().topics.first?.partitions.first)
    }
}
