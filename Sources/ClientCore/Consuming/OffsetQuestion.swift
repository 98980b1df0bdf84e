package import Primitives
package import WireMessages

/// Which offset of a partition is asked for.
package enum ListedTimestamp: Hashable, Sendable {
    /// The first that still exists.
    case earliest
    /// The end: the high watermark, or the last stable offset for readers of committed records.
    case latest
    /// The record with the greatest timestamp.
    case latestTime
    /// The first that is on a broker's own disk (KIP-405).
    case earliestLocal
    /// The last that is in remote storage (KIP-1005).
    case latestTiered
    /// The first that is to be copied to remote storage (KIP-1023).
    case earliestPendingUpload
    /// The first record at this time or later.
    case at(Timestamp)

    var onWire: Int64 {
        switch self {
        case .latest: -1
        case .earliest: -2
        case .latestTime: -3
        case .earliestLocal: -4
        case .latestTiered: -5
        case .earliestPendingUpload: -6
        case .at(let time): time.value
        }
    }
}

/// ListOffsets: the request to one leader and its answers.
package enum OffsetQuestion {
    /// One partition's answer; no offset where there is none at that time.
    package struct Answer: Hashable, Sendable {
        package let place: TopicPartition
        package let error: ErrorCode
        package let offset: Offset?

        package init(place: TopicPartition, error: ErrorCode, offset: Offset?) {
            self.place = place
            self.error = error
            self.offset = offset
        }
    }

    /// The request for partitions that one broker leads.
    package static func request(
        _ places: [TopicPartition], at timestamp: ListedTimestamp, view: ClusterView
    ) -> ListOffsetsRequest {
        var request = ListOffsetsRequest()
        request.replicaID = BrokerID(-1)
        for topic in Set(places.map(\.topic)).sorted() {
            var entry = ListOffsetsRequest.ListOffsetsTopic()
            entry.name = topic
            entry.partitions = places.filter { $0.topic == topic }.map { place in
                var partition = ListOffsetsRequest.ListOffsetsPartition()
                partition.partitionIndex = place.partition
                partition.currentLeaderEpoch = view.partition(place)?.leaderEpoch ?? LeaderEpoch(-1)
                partition.timestamp = timestamp.onWire
                return partition
            }
            request.topics.append(entry)
        }
        return request
    }

    /// The answers of a response.
    package static func answers(_ response: ListOffsetsResponse) -> [Answer] {
        response.topics.flatMap { topic in
            topic.partitions.map { partition in
                Answer(
                    place: TopicPartition(topic.name, partition.partitionIndex), error: partition.errorCode,
                    offset: partition.offset.value >= 0 ? partition.offset : nil)
            }
        }
    }
}
