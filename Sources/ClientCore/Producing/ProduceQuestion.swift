package import Primitives
package import WireMessages
import WireProtocol

/// Produce: the request to one leader and its answers.
package enum ProduceQuestion {
    /// What became of one batch.
    package struct Answer: Hashable, Sendable {
        package let place: TopicPartition
        package let error: ErrorCode
        package let baseOffset: Offset?
        /// A newer leader that the broker knows of (KIP-951), with its epoch.
        package let newLeader: BrokerID?
        package let newLeaderEpoch: LeaderEpoch?
    }

    /// The request with the encoded batches.
    package static func request(
        _ batches: [(place: TopicPartition, records: Bytes)], acks: Int16, timeoutMilliseconds: Int32,
        transactionalID: String? = nil, view: ClusterView
    ) -> ProduceRequest {
        var request = ProduceRequest()
        request.transactionalID = transactionalID
        request.acks = acks
        request.timeoutMilliseconds = timeoutMilliseconds
        for topic in Set(batches.map(\.place.topic)).sorted() {
            var entry = ProduceRequest.TopicProduceData()
            entry.name = topic
            entry.topicID = view.topics[topic]?.id ?? .zero
            entry.partitionData = batches.filter { $0.place.topic == topic }.map { batch in
                var partition = ProduceRequest.PartitionProduceData()
                partition.index = batch.place.partition.value
                partition.records = batch.records
                return partition
            }
            request.topicData.append(entry)
        }
        return request
    }

    /// The answers of a response.
    package static func answers(_ response: ProduceResponse, view: ClusterView) -> [Answer] {
        response.responses.flatMap { topic in
            let name = topic.name.isEmpty ? view.name(of: topic.topicID) ?? "" : topic.name
            return topic.partitionResponses.map { partition in
                let leader = partition.currentLeader
                return Answer(
                    place: TopicPartition(name, PartitionIndex(partition.index)), error: partition.errorCode,
                    baseOffset: partition.baseOffset.value >= 0 ? partition.baseOffset : nil,
                    newLeader: leader.leaderID.value >= 0 ? leader.leaderID : nil,
                    newLeaderEpoch: leader.leaderID.value >= 0 ? leader.leaderEpoch : nil)
            }
        }
    }
}
