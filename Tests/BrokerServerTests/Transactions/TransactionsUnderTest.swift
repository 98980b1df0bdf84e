import Coordinators
import Logging
import Metadata
import Primitives
import Synchronization
import WireMessages

@testable import BrokerServer

/// A broker's transaction APIs over one scripted partition of `__transaction_state`, beside its group APIs.
final class TransactionsUnderTest {
    let broker: GroupsUnderTest
    let log: ScriptedCoordinatorLog
    let host: TransactionCoordinatorHost
    let orders = Orders()

    /// What the shards ordered, in order.
    final class Orders: Sendable {
        let all = Mutex<[(order: MarkerOrder, leadership: ShardLeadership)]>([])
        let ids = Mutex<Int64>(1_000)

        func nextID() -> ProducerID {
            ids.withLock { next in
                next += 1
                return ProducerID(next)
            }
        }
    }

    init() throws {
        broker = try GroupsUnderTest.leading()
        let log = ScriptedCoordinatorLog(broker.loop)
        self.log = log
        host = TransactionCoordinatorHost(
            broker: BrokerID(1), settings: TransactionConfiguration(), clock: broker.loop, loops: [broker.loop],
            pool: LoopPool(broker.loop), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            orders: ShardOrders(
                take: { [orders] order, leadership in orders.all.withLock { $0.append((order, leadership)) } },
                drop: { _ in }), recordLevel: { 2 }, logOf: { _ in log })
        try lead()
    }

    /// This broker leads `__transaction_state-0` in epoch 5.
    private func lead() throws {
        log.lead(in: LeaderEpoch(5))
        var topic = TopicRecord()
        topic.name = TransactionCoordinatorHost.topicName
        topic.topicID = UUID128(high: 9, low: 9)
        var partition = PartitionRecord()
        partition.topicID = topic.topicID
        partition.partitionID = PartitionIndex(0)
        partition.replicas = [BrokerID(1)]
        partition.isr = partition.replicas
        partition.leader = BrokerID(1)
        partition.leaderEpoch = LeaderEpoch(5)
        var next = broker.cache.current
        var delta = MetadataDelta()
        for record in [MetadataRecord.topic(topic), .partition(partition)] { try next.replay(record, noting: &delta) }
        broker.cache.replace(with: next)
        let (published, changes) = (next, delta)
        broker.loop.run { [host] in host.metadataPublished(published, delta: changes) }
        broker.loop.pass(milliseconds: 20)
    }

    // MARK: Requests

    func begin(
        _ id: String? = "a", as producer: ProducerIdentity? = nil, version: Int16 = 5
    ) throws -> InitProducerIdResponse {
        let handler = InitProducerIdHandler(host) { [orders] in $0(orders.nextID()) }
        return try broker.call(handler, version: version) { request in
            request.transactionalID = id
            request.transactionTimeoutMilliseconds = 60_000
            request.producerID = producer?.id ?? ProducerID(-1)
            request.producerEpoch = producer?.epoch ?? ProducerEpoch(-1)
        }.required()
    }

    func producer() throws -> ProducerIdentity {
        let begun = try begin()
        return ProducerIdentity(begun.producerID, begun.producerEpoch)
    }

    /// The error of each partition of `t` that was asked for.
    func add(
        _ partitions: [Int32], by producer: ProducerIdentity, version: Int16, verifyOnly: Bool = false
    ) throws -> [ErrorCode] {
        var topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic()
        topic.name = "t"
        topic.partitions = partitions.map { PartitionIndex($0) }
        let handler = AddPartitionsToTxnHandler(host, image: { [cache = broker.cache] in cache.current })
        let answer = try broker.call(handler, version: version) { request in
            if version < 4 {
                request.v3AndBelowTransactionalID = "a"
                request.v3AndBelowProducerID = producer.id
                request.v3AndBelowProducerEpoch = producer.epoch
                request.v3AndBelowTopics = [topic]
                return
            }
            var transaction = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction()
            transaction.transactionalID = "a"
            transaction.producerID = producer.id
            transaction.producerEpoch = producer.epoch
            transaction.verifyOnly = verifyOnly
            transaction.topics = [topic]
            request.transactions = [transaction]
        }.required()
        let topics = version < 4 ? answer.resultsByTopicV3AndBelow : answer.resultsByTransaction[0].topicResults
        return topics.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
    }

    func end(_ producer: ProducerIdentity, commit: Bool, version: Int16 = 5) throws -> EndTxnResponse {
        try askToEnd(producer, commit: commit, version: version).required()
    }

    /// In version 5 the answer waits for `mark`.
    func askToEnd(
        _ producer: ProducerIdentity, commit: Bool, version: Int16
    ) throws -> PendingAnswer<EndTxnResponse> {
        let handler = EndTxnHandler(host) { [orders] in $0(orders.nextID()) }
        return try broker.call(handler, version: version) { request in
            request.transactionalID = "a"
            request.producerID = producer.id
            request.producerEpoch = producer.epoch
            request.committed = commit
        }
    }

    /// All markers that were ordered are written.
    func mark() {
        let ordered = orders.all.withLock { all in
            defer { all = [] }
            return all
        }
        for (order, leadership) in ordered {
            broker.loop.run { [host] in
                host.shard(at: leadership.partition)?.post(in: leadership) { shard, time in
                    shard.markersWritten(order, order.partitions, at: time)
                }
            }
        }
    }

    func describe(_ id: String = "a") throws -> DescribeTransactionsResponse.TransactionState {
        try broker.call(DescribeTransactionsHandler(host), version: 0) { $0.transactionalIDs = [id] }
            .required().transactionStates[0]
    }
}
