import Primitives
import Quorum
package import WireMessages
import WireProtocol

/// Fetch (API key 1), v12–18, on controller listeners: voters and observers copy the metadata log (KIP-595).
///
/// A node that is a broker too has one handler for both kinds of listener; it hands on what `isMetadataFetch` names.
/// Errors: `INCONSISTENT_CLUSTER_ID`, `UNKNOWN_TOPIC_ID`, `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`,
/// `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`.
package struct MetadataFetchHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 4...18
    package static let listeners = ListenerKinds.controller
    /// The first version that tells the last fetched epoch, without which no log can be compared.
    private static let firstUsable: Int16 = 12
    /// The most bytes of log in one answer.
    private static let answerBytesMax: Int32 = 8 << 20

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    /// Whether a fetch is one of the metadata log: it came to a controller listener.
    package static func isMetadataFetch(_ context: RequestContext) -> Bool {
        context.listener.kind == .controller
    }

    package func handle(_ request: FetchRequest, _ context: RequestContext, _ reply: Reply<FetchResponse>) {
        if let error = refusal(of: request, version: context.version) {
            var response = FetchResponse()
            response.errorCode = error
            return reply(response)
        }
        let part = request.topics[0].partitions[0]
        let id = context.version >= 15 ? request.replicaState.replicaID : request.replicaID
        let fetch = LogFetch(
            replica: MetadataPartition.key(id, part.replicaDirectoryID), epoch: part.currentLeaderEpoch,
            offset: part.fetchOffset, lastFetchedEpoch: LeaderEpoch(part.lastFetchedEpoch),
            highWatermark: MetadataFetchHandler.known(part.highWatermark),
            maxWaitMilliseconds: Int64(request.maxWaitMilliseconds))
        let maxBytes = Int(min(request.maxBytes, part.partitionMaxBytes, MetadataFetchHandler.answerBytesMax))
        let maker = ResponseMaker(topicName: request.topics[0].topic, maxBytes: max(maxBytes, 1), host: host)
        host.onLoop { [host] in
            host.noteMake(of: id, context)
            host.ask(.fetch(fetch)) { answer in
                guard case .fetch(let verdict, let highWatermark, let content) = answer else { return }
                reply(maker.response(verdict, highWatermark, content))
            }
        }
    }

    private static func known(_ highWatermark: Int64) -> KnownHighWatermark {
        if highWatermark == .max { return .notTold }
        return highWatermark < 0 ? .unknown : .known(Offset(highWatermark))
    }

    private func refusal(of request: FetchRequest, version: Int16) -> ErrorCode? {
        guard version >= MetadataFetchHandler.firstUsable else { return .unsupportedVersion }
        guard host.accepts(clusterID: request.clusterID) else { return .inconsistentClusterID }
        guard request.topics.count == 1, request.topics[0].partitions.count == 1 else { return .invalidRequest }
        let topic = request.topics[0]
        let isOurs = version >= 13 ? topic.topicID == .metadataTopic : topic.topic == MetadataPartition.topic
        guard isOurs, topic.partitions[0].partition == MetadataPartition.index else {
            return version >= 13 ? .unknownTopicID : .unknownTopicOrPartition
        }
        let part = topic.partitions[0]
        let isPossible = part.fetchOffset >= .zero && part.lastFetchedEpoch >= 0 && part.currentLeaderEpoch >= .zero
        return isPossible && request.maxWaitMilliseconds >= 0 ? nil : .invalidRequest
    }

    private struct ResponseMaker: Sendable {
        let topicName: String
        let maxBytes: Int
        let host: QuorumHost

        func response(
            _ verdict: Verdict, _ highWatermark: Offset?, _ content: FetchContent<Offset>
        ) -> FetchResponse {
            var part = FetchResponse.PartitionData()
            part.partitionIndex = MetadataPartition.index
            part.errorCode = verdict.error
            part.highWatermark = highWatermark?.value ?? -1
            part.lastStableOffset = highWatermark ?? Offset(-1)
            part.logStartOffset = host.logStartOffset
            part.currentLeader.leaderID = verdict.leaderID ?? BrokerID(-1)
            part.currentLeader.leaderEpoch = verdict.epoch
            part.records = .empty
            switch content {
            case .empty: break
            case .entries(let offset): part.records = host.readLog(from: offset, maxBytes: maxBytes) ?? .empty
            case .diverging(let end):
                part.divergingEpoch.epoch = end.epoch.value
                part.divergingEpoch.endOffset = end.end
            case .snapshot(let id):
                part.snapshotID.endOffset = id.endOffset
                part.snapshotID.epoch = id.epoch.value
            }
            var topic = FetchResponse.FetchableTopicResponse()
            topic.topic = topicName
            topic.topicID = .metadataTopic
            topic.partitions = [part]
            var response = FetchResponse()
            response.responses = [topic]
            if let id = verdict.leaderID, let endpoint = host.endpoint(of: id) {
                var node = FetchResponse.NodeEndpoint()
                node.nodeID = id
                node.host = endpoint.host
                node.port = Int32(endpoint.port)
                response.nodeEndpoints = [node]
            }
            return response
        }
    }
}
