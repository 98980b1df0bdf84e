import Primitives
import Quorum
package import WireMessages

/// FetchSnapshot (API key 59), v0–1: a replica that is behind the log's start fetches a snapshot in pieces.
///
/// Errors: `INCONSISTENT_CLUSTER_ID`, `UNKNOWN_TOPIC_OR_PARTITION`, `SNAPSHOT_NOT_FOUND`, `POSITION_OUT_OF_RANGE`,
/// `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`.
package struct FetchSnapshotHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners = ListenerKinds.controller
    /// The largest piece that is sent.
    private static let pieceBytesMax: Int32 = 8 << 20

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    package func handle(
        _ request: FetchSnapshotRequest, _ context: RequestContext, _ reply: Reply<FetchSnapshotResponse>
    ) {
        guard host.accepts(clusterID: request.clusterID) else {
            var response = FetchSnapshotResponse()
            response.errorCode = .inconsistentClusterID
            return reply(response)
        }
        guard request.topics.count == 1, request.topics[0].name == MetadataPartition.topic,
            request.topics[0].partitions.count == 1, let part = request.topics[0].partitions.first,
            part.partition == MetadataPartition.index
        else {
            var response = FetchSnapshotResponse()
            response.errorCode = .unknownTopicOrPartition
            return reply(response)
        }
        let fetch = SnapshotFetch(
            replica: MetadataPartition.key(request.replicaID, part.replicaDirectoryID), epoch: part.currentLeaderEpoch,
            snapshot: SnapshotID(
                endOffset: part.snapshotID.endOffset, epoch: LeaderEpoch(part.snapshotID.epoch)),
            position: part.position)
        let maxBytes = Int(min(max(request.maxBytes, 1), FetchSnapshotHandler.pieceBytesMax))
        host.onLoop { [host] in
            host.ask(.fetchSnapshot(fetch)) { answer in
                guard case .fetchSnapshot(let verdict, let granted) = answer else { return }
                reply(FetchSnapshotHandler.response(verdict, granted, maxBytes: maxBytes, host))
            }
        }
    }

    private static func response(
        _ verdict: Verdict, _ granted: SnapshotFetch?, maxBytes: Int, _ host: QuorumHost
    ) -> FetchSnapshotResponse {
        var part = FetchSnapshotResponse.PartitionSnapshot()
        part.errorCode = verdict.error
        part.currentLeader.leaderID = verdict.leaderID ?? BrokerID(-1)
        part.currentLeader.leaderEpoch = verdict.epoch
        if let granted {
            part.snapshotID.endOffset = granted.snapshot.endOffset
            part.snapshotID.epoch = granted.snapshot.epoch.value
            part.position = granted.position
            if let piece = host.snapshotPiece(granted, maxBytes: maxBytes) {
                part.size = piece.sizeBytes
                part.unalignedRecords = piece.bytes
                let isInside = granted.position >= 0 && granted.position < max(piece.sizeBytes, 1)
                if !isInside { part.errorCode = .positionOutOfRange }
            } else {
                part.errorCode = .snapshotNotFound
            }
        }
        var topic = FetchSnapshotResponse.TopicSnapshot()
        topic.name = MetadataPartition.topic
        topic.partitions = [part]
        var response = FetchSnapshotResponse()
        response.topics = [topic]
        response.nodeEndpoints = host.nodeEndpoints(of: verdict)
        return response
    }
}
