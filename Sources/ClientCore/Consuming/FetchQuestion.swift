package import Primitives
package import WireMessages
import WireProtocol

/// Fetch without a session: the request to one leader and its answers.
package enum FetchQuestion {
    /// How much a fetch asks for, and for how long it may wait.
    package struct Limits: Hashable, Sendable {
        package var waitMillisecondsMax: Int32 = 500
        package var bytesMin: Int32 = 1
        package var bytesMax: Int32 = 52_428_800
        package var partitionBytesMax: Int32 = 1_048_576
        package var readsCommittedOnly = false

        package init() {}
    }

    /// What came for one partition.
    package struct Answer: Hashable, Sendable {
        package let place: TopicPartition
        package let error: ErrorCode
        package let highWatermark: Offset
        /// Below it every transaction is decided; -1 from brokers that do not tell.
        package let lastStable: Offset
        package let records: Bytes?
        package let aborted: [AbortedRange]
        package let newLeader: BrokerID?
        package let newLeaderEpoch: LeaderEpoch?
    }

    /// A transaction that was given up: its producer's records from here on to its marker are not read.
    package struct AbortedRange: Hashable, Sendable {
        package let producer: ProducerID
        package let firstOffset: Offset

        package init(producer: ProducerID, firstOffset: Offset) {
            self.producer = producer
            self.firstOffset = firstOffset
        }
    }

    /// The request for some partitions that one broker leads.
    package static func request(
        _ wanted: [ConsumerPositions.Wanted], limits: Limits, view: ClusterView
    ) -> FetchRequest {
        var request = FetchRequest()
        request.maxWaitMilliseconds = limits.waitMillisecondsMax
        request.minBytes = limits.bytesMin
        request.maxBytes = limits.bytesMax
        request.isolationLevel = limits.readsCommittedOnly ? 1 : 0
        for topic in Set(wanted.map(\.place.topic)).sorted() {
            var entry = FetchRequest.FetchTopic()
            entry.topic = topic
            entry.topicID = view.topics[topic]?.id ?? .zero
            entry.partitions = wanted.filter { $0.place.topic == topic }.map { want in
                var partition = FetchRequest.FetchPartition()
                partition.partition = want.place.partition
                partition.currentLeaderEpoch = want.leaderEpoch ?? LeaderEpoch(-1)
                partition.fetchOffset = want.offset
                partition.partitionMaxBytes = limits.partitionBytesMax
                return partition
            }
            request.topics.append(entry)
        }
        return request
    }

    /// The answers of a response; those for topics that are not known any more are left out.
    package static func answers(_ response: FetchResponse, view: ClusterView) -> [Answer] {
        response.responses.flatMap { topic -> [Answer] in
            guard let name = topic.topic.isEmpty ? view.name(of: topic.topicID) : topic.topic else { return [] }
            return topic.partitions.map { partition in
                let leader = partition.currentLeader
                return Answer(
                    place: TopicPartition(name, partition.partitionIndex), error: partition.errorCode,
                    highWatermark: Offset(partition.highWatermark), lastStable: partition.lastStableOffset,
                    records: partition.records,
                    aborted: (partition.abortedTransactions ?? []).map {
                        AbortedRange(producer: $0.producerID, firstOffset: $0.firstOffset)
                    },
                    newLeader: leader.leaderID.value >= 0 ? leader.leaderID : nil,
                    newLeaderEpoch: leader.leaderID.value >= 0 ? leader.leaderEpoch : nil)
            }
        }
    }
}
