import Primitives
import Replication
import WireMessages

extension FetchRequest {
    /// Puts what a session has to say into the request.
    mutating func carry(_ plan: FetchSessionBuilder.Plan) {
        sessionID = plan.sessionID
        sessionEpoch = plan.sessionEpoch
        for item in plan.items {
            guard case .id(let topic) = item.key.topic else { continue }
            if topics.last?.topicID != topic {
                topics.append(FetchTopic())
                topics[topics.count - 1].topicID = topic
            }
            topics[topics.count - 1].partitions.append(FetchPartition(item))
        }
        for key in plan.forgotten {
            guard case .id(let topic) = key.topic else { continue }
            if forgottenTopicsData.last?.topicID != topic {
                forgottenTopicsData.append(ForgottenTopic())
                forgottenTopicsData[forgottenTopicsData.count - 1].topicID = topic
            }
            forgottenTopicsData[forgottenTopicsData.count - 1].partitions.append(key.partition)
        }
    }
}

extension FetchRequest.FetchPartition {
    fileprivate init(_ item: FetchItem) {
        self.init()
        partition = item.key.partition
        fetchOffset = item.wish.offset
        currentLeaderEpoch = item.wish.currentLeaderEpoch ?? LeaderEpoch(-1)
        lastFetchedEpoch = item.wish.lastFetchedEpoch?.value ?? -1
        logStartOffset = item.wish.logStart ?? Offset(-1)
        partitionMaxBytes = Int32(clamping: item.wish.maxBytes)
        if let known = item.wish.highWatermark { highWatermark = known.value }
        if let flushed = item.wish.flushedEnd { flushedOffset = flushed }
    }
}
