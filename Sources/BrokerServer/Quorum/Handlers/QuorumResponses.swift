import Primitives
import Quorum
import WireMessages
import WireProtocol

/// Where a node is, as the quorum's answers tell it; each has a structure of its own for it.
protocol QuorumNodeEndpoint {
    init()
    var nodeID: BrokerID { get set }
    var host: String { get set }
    var port: UInt16 { get set }
}

/// What an answer says of the one partition: whether it worked, and who leads.
protocol QuorumPartitionAnswer {
    init()
    var partitionIndex: PartitionIndex { get set }
    var errorCode: ErrorCode { get set }
    var leaderID: BrokerID { get set }
    var leaderEpoch: LeaderEpoch { get set }
}

protocol QuorumTopicAnswer {
    associatedtype Partition: QuorumPartitionAnswer
    init()
    var topicName: String { get set }
    var partitions: [Partition] { get set }
}

/// An answer to Vote, BeginQuorumEpoch or EndQuorumEpoch: they differ in their types alone.
protocol QuorumTopicsResponse: WireMessage {
    associatedtype Topic: QuorumTopicAnswer
    associatedtype Node: QuorumNodeEndpoint
    var errorCode: ErrorCode { get set }
    var topics: [Topic] { get set }
    var nodeEndpoints: [Node] { get set }
}

extension QuorumTopicsResponse {
    /// An error of the whole request.
    init(_ error: ErrorCode) {
        self.init()
        errorCode = error
    }

    /// The verdict on the one partition, and where its leader is.
    init(_ verdict: Verdict, _ host: QuorumHost, _ complete: (inout Topic.Partition) -> Void = { _ in }) {
        self.init()
        var part = Topic.Partition()
        part.partitionIndex = MetadataPartition.index
        part.errorCode = verdict.error
        part.leaderID = verdict.leaderID ?? BrokerID(-1)
        part.leaderEpoch = verdict.epoch
        complete(&part)
        var topic = Topic()
        topic.topicName = MetadataPartition.topic
        topic.partitions = [part]
        topics = [topic]
        nodeEndpoints = host.nodeEndpoints(of: verdict)
    }
}

extension QuorumHost {
    /// Where the leader of a verdict is.
    func nodeEndpoints<Node: QuorumNodeEndpoint>(of verdict: Verdict) -> [Node] {
        guard let id = verdict.leaderID, let endpoint = endpoint(of: id) else { return [] }
        var node = Node()
        node.nodeID = id
        node.host = endpoint.host
        node.port = endpoint.port
        return [node]
    }
}

extension VoteResponse: QuorumTopicsResponse {}
extension VoteResponse.TopicData: QuorumTopicAnswer {}
extension VoteResponse.PartitionData: QuorumPartitionAnswer {}
extension VoteResponse.NodeEndpoint: QuorumNodeEndpoint {}
extension BeginQuorumEpochResponse: QuorumTopicsResponse {}
extension BeginQuorumEpochResponse.TopicData: QuorumTopicAnswer {}
extension BeginQuorumEpochResponse.PartitionData: QuorumPartitionAnswer {}
extension BeginQuorumEpochResponse.NodeEndpoint: QuorumNodeEndpoint {}
extension EndQuorumEpochResponse: QuorumTopicsResponse {}
extension EndQuorumEpochResponse.TopicData: QuorumTopicAnswer {}
extension EndQuorumEpochResponse.PartitionData: QuorumPartitionAnswer {}
extension EndQuorumEpochResponse.NodeEndpoint: QuorumNodeEndpoint {}
extension FetchSnapshotResponse.NodeEndpoint: QuorumNodeEndpoint {}
