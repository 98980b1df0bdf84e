import LogStorage
import Primitives
import Replication
import Security
package import WireMessages
package import World

/// ListOffsets (API key 2), versions 1 to 11: where a partition begins and ends, and what stands at a time.
///
/// Errors: `OFFSET_NOT_AVAILABLE` (before version 5 `LEADER_NOT_AVAILABLE`) while the watermark lags after an election,
/// `NOT_LEADER_OR_FOLLOWER`, `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`, `UNKNOWN_TOPIC_OR_PARTITION`,
/// `INVALID_REQUEST` for a partition that is named twice, `CLUSTER_AUTHORIZATION_FAILED` for a client in a broker's
/// name, `UNSUPPORTED_VERSION` for an unknown special timestamp.
/// Not implemented: offsets in tiered storage, which are answered as those of a topic without it.
/// Source: KIP-79, KIP-207, KIP-734.
package struct ListOffsetsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...11
    package static let listeners: ListenerKinds = .client

    /// Kafka's numbers for what is no time.
    enum Special {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        static let maxTimestamp: Int64 = -3
        static let earliestLocal: Int64 = -4
        static let latestTiered: Int64 = -5
        static let earliestPendingUpload: Int64 = -6
    }

    private let table: PartitionTable
    private let pool: any BlockingPool
    private let clusterAction: ClusterAction

    /// - Parameter interBrokerListener: the listener on which followers ask; elsewhere nobody acts as a broker.
    package init(table: PartitionTable, world: World, interBrokerListener: String) {
        self.table = table
        clusterAction = ClusterAction(interBrokerListener: interBrokerListener)
        pool = world.pool
    }

    package func handle(
        _ request: ListOffsetsRequest, _ context: RequestContext, _ reply: Reply<ListOffsetsResponse>
    ) {
        let needsSearch = request.topics.contains { topic in
            topic.partitions.contains { $0.timestamp >= 0 || $0.timestamp == Special.maxTimestamp }
        }
        guard needsSearch else { return reply(response(to: request, context)) }
        // Finding a time may read from the disk.
        pool.run { reply(self.response(to: request, context)) }
    }

    private func response(to request: ListOffsetsRequest, _ context: RequestContext) -> ListOffsetsResponse {
        let isRefused =
            request.replicaID.value >= 0
            && !clusterAction.isAllowed(onListener: context.listener.name, isController: false)
        let requester: Requester =
            request.replicaID.value >= 0
            ? .follower(request.replicaID) : .consumer(readsCommittedOnly: request.isolationLevel == 1)
        var response = ListOffsetsResponse()
        var seen: Set<String> = []
        for topic in request.topics {
            var answer = ListOffsetsResponse.ListOffsetsTopicResponse()
            answer.name = topic.name
            for asked in topic.partitions {
                let isNew = seen.insert("\(topic.name)/\(asked.partitionIndex)").inserted
                var part = ListOffsetsResponse.ListOffsetsPartitionResponse()
                part.partitionIndex = asked.partitionIndex
                if isRefused {
                    // A follower is shown the log behind the high watermark: no client may pass for one.
                    part.errorCode = .clusterAuthorizationFailed
                } else if isNew {
                    fill(&part, topic.name, asked, requester, context.version)
                } else {
                    part.errorCode = .invalidRequest
                }
                answer.partitions.append(part)
            }
            response.topics.append(answer)
        }
        return response
    }

    private func fill(
        _ part: inout ListOffsetsResponse.ListOffsetsPartitionResponse, _ topic: String,
        _ asked: ListOffsetsRequest.ListOffsetsPartition, _ requester: Requester, _ version: Int16
    ) {
        guard let partition = table.partition(topic, asked.partitionIndex) else {
            let isKnown = table.knows(topic, asked.partitionIndex)
            part.errorCode = isKnown ? .notLeaderOrFollower : .unknownTopicOrPartition
            return
        }
        guard let wanted = ListOffsetsHandler.wanted(asked.timestamp, version) else {
            part.errorCode = .unsupportedVersion
            return
        }
        do throws(ReplicationError) {
            let epoch = LeaderEpoch.optional(asked.currentLeaderEpoch)
            guard let found = try partition.listOffset(wanted, requester, requestedEpoch: epoch) else { return }
            part.offset = found.offset
            part.timestamp = found.timestamp?.value ?? -1
            if version >= 4, let epoch = found.epoch { part.leaderEpoch = epoch }
        } catch {
            part.errorCode = error.code == .offsetNotAvailable && version < 5 ? .leaderNotAvailable : error.code
        }
    }

    /// Nil for a special timestamp that the version does not have.
    private static func wanted(_ timestamp: Int64, _ version: Int16) -> PartitionState.ListedOffset? {
        switch timestamp {
        case Special.latest: .latest
        case Special.earliest: .earliest
        case Special.maxTimestamp: version >= 7 ? .maxTimestamp : nil
        case Special.earliestLocal: version >= 8 ? .earliest : nil
        case Special.latestTiered: version >= 9 ? .tiered : nil
        case Special.earliestPendingUpload: version >= 11 ? .tiered : nil
        case 0...: .at(Timestamp(timestamp))
        default: nil
        }
    }
}
