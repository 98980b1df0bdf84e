import Primitives
import Quorum
import WireMessages
import WireProtocol

/// What this node asks other replicas, on the wire.
struct OutgoingQuorumMessages {
    let clusterID: String?
    /// This node's own address as a controller; nil on broker-only nodes.
    let ownEndpoint: VoterEndpoint?
    /// The most bytes of the log that one answer may bring (`controller.quorum.fetch.max.bytes`).
    let fetchBytesMax: Int32
    /// The same for a snapshot (`controller.quorum.fetch.snapshot.max.bytes`).
    let snapshotBytesMax: Int32

    func vote(_ ask: VoteAsk) -> VoteRequest {
        var partition = VoteRequest.PartitionData()
        partition.partitionIndex = MetadataPartition.index
        partition.replicaEpoch = ask.epoch.value
        partition.replicaID = ask.candidate.id
        partition.replicaDirectoryID = ask.candidate.directoryID ?? .zero
        partition.voterDirectoryID = ask.voter?.directoryID ?? .zero
        partition.lastOffsetEpoch = ask.lastEpoch.value
        partition.lastOffset = ask.lastOffset
        partition.preVote = ask.isPreVote
        var topic = VoteRequest.TopicData()
        topic.topicName = MetadataPartition.topic
        topic.partitions = [partition]
        var request = VoteRequest()
        request.clusterID = clusterID
        request.voterID = ask.voter?.id ?? BrokerID(-1)
        request.topics = [topic]
        return request
    }

    func beginEpoch(_ notice: BeginEpochNotice) -> BeginQuorumEpochRequest {
        var partition = BeginQuorumEpochRequest.PartitionData()
        partition.partitionIndex = MetadataPartition.index
        partition.voterDirectoryID = notice.voter?.directoryID ?? .zero
        partition.leaderID = notice.leaderID
        partition.leaderEpoch = notice.epoch
        var topic = BeginQuorumEpochRequest.TopicData()
        topic.topicName = MetadataPartition.topic
        topic.partitions = [partition]
        var request = BeginQuorumEpochRequest()
        request.clusterID = clusterID
        request.voterID = notice.voter?.id ?? BrokerID(-1)
        request.topics = [topic]
        if let ownEndpoint {
            var endpoint = BeginQuorumEpochRequest.LeaderEndpoint()
            endpoint.name = ownEndpoint.listenerName
            endpoint.host = ownEndpoint.host
            endpoint.port = ownEndpoint.port
            request.leaderEndpoints = [endpoint]
        }
        return request
    }

    func endEpoch(_ notice: EndEpochNotice) -> EndQuorumEpochRequest {
        var partition = EndQuorumEpochRequest.PartitionData()
        partition.partitionIndex = MetadataPartition.index
        partition.leaderID = notice.leaderID
        partition.leaderEpoch = notice.epoch
        partition.preferredSuccessors = notice.successors.map(\.id)
        partition.preferredCandidates = notice.successors.map { successor in
            var candidate = EndQuorumEpochRequest.ReplicaInfo()
            candidate.candidateID = successor.id
            candidate.candidateDirectoryID = successor.directoryID ?? .zero
            return candidate
        }
        var topic = EndQuorumEpochRequest.TopicData()
        topic.topicName = MetadataPartition.topic
        topic.partitions = [partition]
        var request = EndQuorumEpochRequest()
        request.clusterID = clusterID
        request.topics = [topic]
        if let ownEndpoint {
            var endpoint = EndQuorumEpochRequest.LeaderEndpoint()
            endpoint.name = ownEndpoint.listenerName
            endpoint.host = ownEndpoint.host
            endpoint.port = ownEndpoint.port
            request.leaderEndpoints = [endpoint]
        }
        return request
    }

    func fetch(_ fetch: LogFetch) -> FetchRequest {
        var partition = FetchRequest.FetchPartition()
        partition.partition = MetadataPartition.index
        partition.currentLeaderEpoch = fetch.epoch
        partition.fetchOffset = fetch.offset
        partition.lastFetchedEpoch = fetch.lastFetchedEpoch.value
        partition.partitionMaxBytes = fetchBytesMax
        partition.replicaDirectoryID = fetch.replica.directoryID ?? .zero
        switch fetch.highWatermark {
        case .known(let offset): partition.highWatermark = offset.value
        case .unknown: partition.highWatermark = -1
        case .notTold: break
        }
        var topic = FetchRequest.FetchTopic()
        topic.topic = MetadataPartition.topic
        topic.topicID = .metadataTopic
        topic.partitions = [partition]
        var request = FetchRequest()
        request.clusterID = clusterID
        request.replicaState.replicaID = fetch.replica.id
        request.maxWaitMilliseconds = Int32(clamping: fetch.maxWaitMilliseconds)
        request.maxBytes = fetchBytesMax
        request.topics = [topic]
        return request
    }

    func fetchSnapshot(_ fetch: SnapshotFetch) -> FetchSnapshotRequest {
        var partition = FetchSnapshotRequest.PartitionSnapshot()
        partition.partition = MetadataPartition.index
        partition.currentLeaderEpoch = fetch.epoch
        partition.snapshotID.endOffset = fetch.snapshot.endOffset
        partition.snapshotID.epoch = fetch.snapshot.epoch.value
        partition.position = fetch.position
        partition.replicaDirectoryID = fetch.replica.directoryID ?? .zero
        var topic = FetchSnapshotRequest.TopicSnapshot()
        topic.name = MetadataPartition.topic
        topic.partitions = [partition]
        var request = FetchSnapshotRequest()
        request.clusterID = clusterID
        request.replicaID = fetch.replica.id
        request.maxBytes = snapshotBytesMax
        request.topics = [topic]
        return request
    }
}

/// What other replicas answered, for the core; nil for an answer that says nothing about the one partition.
enum IncomingQuorumReplies {
    static func vote(_ response: VoteResponse) -> QuorumReply? {
        guard response.errorCode == .noError, let part = response.topics.first?.partitions.first else { return nil }
        return .vote(
            MetadataPartition.verdict(part.errorCode, part.leaderID, part.leaderEpoch),
            isGranted: part.errorCode == .noError && part.voteGranted)
    }

    static func beginEpoch(_ response: BeginQuorumEpochResponse) -> QuorumReply? {
        guard response.errorCode == .noError, let part = response.topics.first?.partitions.first else { return nil }
        return .beginEpoch(MetadataPartition.verdict(part.errorCode, part.leaderID, part.leaderEpoch))
    }

    static func endEpoch(_ response: EndQuorumEpochResponse) -> QuorumReply? {
        guard response.errorCode == .noError, let part = response.topics.first?.partitions.first else { return nil }
        return .endEpoch(MetadataPartition.verdict(part.errorCode, part.leaderID, part.leaderEpoch))
    }

    static func fetch(_ response: FetchResponse) -> QuorumReply? {
        guard response.errorCode == .noError, let part = response.responses.first?.partitions.first else { return nil }
        let verdict = MetadataPartition.verdict(
            part.errorCode, part.currentLeader.leaderID, part.currentLeader.leaderEpoch)
        let highWatermark = part.highWatermark < 0 ? nil : Offset(part.highWatermark)
        let content: FetchContent<[FetchedBatch]>
        if part.divergingEpoch.epoch >= 0 {
            let epoch = LeaderEpoch(part.divergingEpoch.epoch)
            content = .diverging(EpochEnd(epoch: epoch, end: part.divergingEpoch.endOffset))
        } else if part.snapshotID.epoch >= 0, part.snapshotID.endOffset.value >= 0 {
            let epoch = LeaderEpoch(part.snapshotID.epoch)
            content = .snapshot(SnapshotID(endOffset: part.snapshotID.endOffset, epoch: epoch))
        } else if let records = part.records, records.count > 0 {
            guard let batches = fetched(records) else { return nil }
            content = .entries(batches)
        } else {
            content = .empty
        }
        return .fetch(verdict, highWatermark: highWatermark, content)
    }

    /// The whole batches of an answer, checksums compared; nil when one is damaged.
    private static func fetched(_ records: Bytes) -> [FetchedBatch]? {
        var batches = RecordBatches(records)
        var made: [FetchedBatch] = []
        do throws(RecordBatchError) {
            while let batch = try batches.next() {
                try batch.verifyChecksum()
                let header = batch.header
                guard header.lastOffsetDelta >= 0, header.leaderEpoch.value >= 0 else { return nil }
                guard let changes = try? QuorumControlRecords.changes(in: batch) else { return nil }
                made.append(
                    FetchedBatch(
                        base: header.baseOffset, end: header.nextOffset, epoch: header.leaderEpoch, bytes: batch.bytes,
                        changes: changes))
            }
        } catch {
            // An answer may end within a batch; what is whole before it counts.
            guard case .truncated = error, !made.isEmpty else { return nil }
        }
        return made
    }

    static func fetchSnapshot(_ response: FetchSnapshotResponse) -> QuorumReply? {
        guard response.errorCode == .noError, let part = response.topics.first?.partitions.first else { return nil }
        let verdict = MetadataPartition.verdict(
            part.errorCode, part.currentLeader.leaderID, part.currentLeader.leaderEpoch)
        guard part.errorCode == .noError else { return .fetchSnapshot(verdict, nil) }
        let id = SnapshotID(endOffset: part.snapshotID.endOffset, epoch: LeaderEpoch(part.snapshotID.epoch))
        let piece = SnapshotPiece(
            snapshot: id, sizeBytes: part.size, position: part.position, bytes: part.unalignedRecords ?? .empty)
        return .fetchSnapshot(verdict, piece)
    }
}
