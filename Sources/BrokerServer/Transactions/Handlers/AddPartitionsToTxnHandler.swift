import Coordinators
package import Metadata
import Primitives
import Synchronization
package import WireMessages

/// Adds partitions to transactions, or tells whether they belong to them: for clients (up to version 3) of one
/// transaction, for brokers (from 4 on) of many (KIP-890).
///
/// - Errors: for each partition UNKNOWN_TOPIC_OR_PARTITION, and then OPERATION_NOT_ATTEMPTED for the others;
///   NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, and those of `TransactionShard.addPartitions` and
///   `verifyPartitions`; before version 2 INVALID_PRODUCER_EPOCH for PRODUCER_FENCED.
package struct AddPartitionsToTxnHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private typealias Asked = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction
    private typealias TopicResult = AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult

    private let transactions: TransactionCoordinatorHost
    private let image: @Sendable () -> MetadataImage

    package init(_ transactions: TransactionCoordinatorHost, image: @escaping @Sendable () -> MetadataImage) {
        self.transactions = transactions
        self.image = image
    }

    package func handle(
        _ request: AddPartitionsToTxnRequest, _ context: RequestContext, _ reply: Reply<AddPartitionsToTxnResponse>
    ) {
        let isOfBroker = context.version >= 4
        let asked = isOfBroker ? request.transactions : [AddPartitionsToTxnHandler.only(of: request)]
        guard !asked.isEmpty else { return reply(AddPartitionsToTxnResponse()) }
        let collected = Collected(expected: asked.count) { results in
            var response = AddPartitionsToTxnResponse()
            if !isOfBroker { response.resultsByTopicV3AndBelow = results[0] }
            for (transaction, topics) in zip(asked, results) where isOfBroker {
                var result = AddPartitionsToTxnResponse.AddPartitionsToTxnResult()
                result.transactionalID = transaction.transactionalID
                result.topicResults = topics
                response.resultsByTransaction.append(result)
            }
            reply(response)
        }
        for (index, transaction) in asked.enumerated() {
            answer(transaction, version: context.version) { collected.add($0, at: index) }
        }
    }

    private static func only(of request: AddPartitionsToTxnRequest) -> Asked {
        var asked = Asked()
        asked.transactionalID = request.v3AndBelowTransactionalID
        asked.producerID = request.v3AndBelowProducerID
        asked.producerEpoch = request.v3AndBelowProducerEpoch
        asked.topics = request.v3AndBelowTopics
        return asked
    }

    private func answer(
        _ asked: Asked, version: Int16, answered: @escaping @Sendable ([TopicResult]) -> Void
    ) {
        let partitions = asked.topics.flatMap { topic in
            topic.partitions.map { TransactionPartition(topic: topic.name, index: $0) }
        }
        let topics = image().topics
        let unknown = partitions.map { topics[name: $0.topic]?[$0.index] == nil }
        if unknown.contains(true) {
            return answered(
                AddPartitionsToTxnHandler.results(
                    of: asked, unknown.map { $0 ? .unknownTopicOrPartition : .operationNotAttempted }))
        }
        let isFencedUnnamed = version < 2
        @Sendable func refuse(_ error: ErrorCode) {
            let shown = error == .producerFenced && isFencedUnnamed ? .invalidProducerEpoch : error
            answered(AddPartitionsToTxnHandler.results(of: asked, partitions.map { _ in shown }))
        }
        let producer = ProducerIdentity(asked.producerID, asked.producerEpoch)
        transactions.submit(
            asked.transactionalID,
            answered: { answer in
                switch answer {
                case .partitions(let errors): answered(AddPartitionsToTxnHandler.results(of: asked, errors))
                case .failed(let error): refuse(error)
                case .producer, .needsProducerID: preconditionFailure("partitions are answered with a producer")
                }
            }, refused: refuse
        ) { shard, ticket, time in
            if asked.verifyOnly {
                return [.reply(ticket, shard.verifyPartitions(partitions, of: asked.transactionalID, by: producer))]
            }
            return shard.addPartitions(
                partitions, to: asked.transactionalID, by: producer, clientVersion: version >= 4 ? 2 : 0,
                ticket: ticket, at: time)
        }
    }

    private static func results(of asked: Asked, _ errors: [ErrorCode]) -> [TopicResult] {
        var next = errors.makeIterator()
        return asked.topics.map { topic in
            var result = TopicResult()
            result.name = topic.name
            result.resultsByPartition = topic.partitions.map { index in
                var partition = AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult()
                partition.partitionIndex = index
                partition.partitionErrorCode = next.next() ?? .unknownServerError
                return partition
            }
            return result
        }
    }

    /// The results of many transactions, which come from many shards; the last one makes the answer.
    private final class Collected: Sendable {
        private let results: Mutex<(found: [[TopicResult]], missing: Int)>
        private let whenComplete: @Sendable ([[TopicResult]]) -> Void

        init(expected: Int, whenComplete: @escaping @Sendable ([[TopicResult]]) -> Void) {
            results = Mutex((found: Array(repeating: [], count: expected), missing: expected))
            self.whenComplete = whenComplete
        }

        func add(_ result: [TopicResult], at index: Int) {
            let complete: [[TopicResult]]? = results.withLock { results in
                results.found[index] = result
                results.missing -= 1
                return results.missing == 0 ? results.found : nil
            }
            if let complete { whenComplete(complete) }
        }
    }
}
