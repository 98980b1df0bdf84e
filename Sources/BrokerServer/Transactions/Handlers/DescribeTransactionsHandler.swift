import Coordinators
import Primitives
package import WireMessages

/// Tells what becomes of transactions (KIP-664).
///
/// - Errors: for each id INVALID_REQUEST (an empty one), TRANSACTIONAL_ID_NOT_FOUND, NOT_COORDINATOR,
///   COORDINATOR_LOAD_IN_PROGRESS.
package struct DescribeTransactionsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .client

    private typealias Described = DescribeTransactionsResponse.TransactionState

    private let transactions: TransactionCoordinatorHost

    package init(_ transactions: TransactionCoordinatorHost) { self.transactions = transactions }

    package func handle(
        _ request: DescribeTransactionsRequest, _ context: RequestContext, _ reply: Reply<DescribeTransactionsResponse>
    ) {
        var response = DescribeTransactionsResponse()
        response.transactionStates = request.transactionalIDs.map { describe($0) }
        reply(response)
    }

    private func describe(_ id: String) -> Described {
        var described = Described()
        described.transactionalID = id
        guard !id.isEmpty else {
            described.errorCode = .invalidRequest
            return described
        }
        switch transactions.access(id, { shard, _ in shard[id] }) {
        case .failure(let refusal): described.errorCode = refusal.code
        case .success(nil): described.errorCode = .transactionalIDNotFound
        case .success(.some(let stored)):
            described.transactionState = stored.state.name
            described.transactionTimeoutMilliseconds = stored.timeoutMilliseconds
            described.transactionStartTimeMilliseconds = stored.startTimestamp?.value ?? -1
            described.producerID = stored.producerID
            described.producerEpoch = stored.producerEpoch
            for partition in stored.partitions.sorted() {
                if described.topics.last?.topic != partition.topic {
                    var topic = DescribeTransactionsResponse.TopicData()
                    topic.topic = partition.topic
                    described.topics.append(topic)
                }
                described.topics[described.topics.count - 1].partitions.append(partition.index)
            }
        }
        return described
    }
}
