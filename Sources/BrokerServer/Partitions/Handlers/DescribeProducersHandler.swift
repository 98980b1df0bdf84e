import LogStorage
import Primitives
package import WireMessages

/// DescribeProducers (API key 61), version 0: the idempotent producers that a replica knows, and their transactions.
/// Followers answer too.
///
/// Errors: `UNKNOWN_TOPIC_OR_PARTITION`, `NOT_LEADER_OR_FOLLOWER` (no replica here), `KAFKA_STORAGE_ERROR` (no log).
/// Source: KIP-664.
package struct DescribeProducersHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .client

    private let table: PartitionTable

    package init(table: PartitionTable) { self.table = table }

    package func handle(
        _ request: DescribeProducersRequest, _ context: RequestContext, _ reply: Reply<DescribeProducersResponse>
    ) {
        var response = DescribeProducersResponse()
        response.topics = request.topics.map { topic in
            var answer = DescribeProducersResponse.TopicResponse()
            answer.name = topic.name
            answer.partitions = topic.partitionIndexes.map { describe(topic.name, $0) }
            return answer
        }
        reply(response)
    }

    private func describe(_ topic: String, _ index: PartitionIndex) -> DescribeProducersResponse.PartitionResponse {
        var answer = DescribeProducersResponse.PartitionResponse()
        answer.partitionIndex = index
        guard let partition = table.partition(topic, index) else {
            answer.errorCode = table.absence(topic, index).error
            return answer
        }
        guard let producers = partition.producers else {
            answer.errorCode = .kafkaStorageError
            return answer
        }
        for id in producers.ids {
            guard let state = producers[id] else { continue }
            var producer = DescribeProducersResponse.ProducerState()
            producer.producerID = id
            producer.producerEpoch = Int32(state.epoch.value)
            producer.lastSequence = state.batches.last?.lastSequence ?? -1
            producer.lastTimestamp = state.lastTimestamp.value
            producer.coordinatorEpoch = state.coordinatorEpoch ?? -1
            producer.currentTxnStartOffset = state.currentTransactionFirstOffset ?? Offset(-1)
            answer.activeProducers.append(producer)
        }
        return answer
    }
}
