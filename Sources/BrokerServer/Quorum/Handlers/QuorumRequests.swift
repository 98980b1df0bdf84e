import Primitives
import Quorum
import WireMessages
import WireProtocol

/// What a request says of the one partition.
protocol QuorumAskedPartition {
    var partitionIndex: PartitionIndex { get }
}

protocol QuorumAskedTopic {
    associatedtype Partition: QuorumAskedPartition
    var topicName: String { get }
    var partitions: [Partition] { get }
}

/// Vote, BeginQuorumEpoch or EndQuorumEpoch: they are about one partition, in lists.
protocol QuorumTopicsRequest: WireRequest where Response: QuorumTopicsResponse {
    associatedtype Topic: QuorumAskedTopic
    var clusterID: String? { get }
    var topics: [Topic] { get }
}

extension QuorumTopicsRequest {
    /// The one partition that it is about; where it is about another cluster or partition, it is refused, and nil.
    func partition(_ host: QuorumHost, _ reply: Reply<Response>) -> Topic.Partition? {
        guard host.accepts(clusterID: clusterID) else {
            reply(Response(.inconsistentClusterID))
            return nil
        }
        guard topics.count == 1, topics[0].topicName == MetadataPartition.topic, topics[0].partitions.count == 1,
            let part = topics[0].partitions.first, part.partitionIndex == MetadataPartition.index
        else {
            reply(Response(.invalidRequest))
            return nil
        }
        return part
    }
}

extension QuorumHost {
    /// Has the core take what a leader tells of its epoch, and answers with the verdict. On the control loop.
    func take<Response: QuorumTopicsResponse>(
        _ notice: QuorumRequest, from leader: BrokerID, _ context: RequestContext, _ reply: Reply<Response>
    ) {
        noteMake(of: leader, context)
        ask(notice) { answer in
            switch answer {
            case .beginEpoch(let verdict), .endEpoch(let verdict): reply(Response(verdict, self))
            case .vote, .fetch, .fetchSnapshot, .voterChange: preconditionFailure("the core answered something else")
            }
        }
    }

    /// Learns of which make the replica behind a request is. On the control loop.
    func noteMake(of id: BrokerID, _ context: RequestContext) {
        let isMartlet = context.connection.isMartlet
        guard let replica, replica.isOther(id) == isMartlet else { return }
        feed(.makeShown(id, isMartlet: isMartlet))
    }
}

extension VoteRequest: QuorumTopicsRequest {}
extension VoteRequest.TopicData: QuorumAskedTopic {}
extension VoteRequest.PartitionData: QuorumAskedPartition {}
extension BeginQuorumEpochRequest: QuorumTopicsRequest {}
extension BeginQuorumEpochRequest.TopicData: QuorumAskedTopic {}
extension BeginQuorumEpochRequest.PartitionData: QuorumAskedPartition {}
extension EndQuorumEpochRequest: QuorumTopicsRequest {}
extension EndQuorumEpochRequest.TopicData: QuorumAskedTopic {}
extension EndQuorumEpochRequest.PartitionData: QuorumAskedPartition {}
