import Primitives
import Testing
import WireMessages
import WireProtocol

/// Requests that are well formed but for what a test puts into them.
extension RawClient {
    /// Sends a request and reads its answer; nil where the server closed instead.
    func ask<Request: WireRequest>(_ request: Request, version: Int16) throws -> Request.Response? {
        send(RawClient.request(request, version: version, 7))
        guard let answer = answer() else { return nil }
        let headerVersion = ResponseHeader.headerVersion(
            key: Request.key, version: version, firstFlexible: Request.firstFlexible)
        let body = answer[(headerVersion == 0 ? 4 : 5)..<answer.count]
        return try Request.Response.decode(body, version: version)
    }

    /// What the node says to a new topic of one partition.
    func createTopic(_ name: String) throws -> ErrorCode? {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = 1
        topic.replicationFactor = 1
        var request = CreateTopicsRequest()
        request.topics = [topic]
        return try ask(request, version: 7)?.topics.first?.errorCode
    }

    func deleteTopic(_ name: String) throws -> ErrorCode? {
        var topic = DeleteTopicsRequest.DeleteTopicState()
        topic.name = name
        var request = DeleteTopicsRequest()
        request.topics = [topic]
        return try ask(request, version: 6)?.responses.first?.errorCode
    }

    /// Sends `records` to partition 0, and again while the partition has no leader yet.
    func produce(
        _ records: Bytes?, to topic: String, acks: Int16 = -1, version: Int16 = 9
    ) throws -> ProduceResponse.PartitionProduceResponse? {
        var partition = ProduceRequest.PartitionProduceData()
        partition.records = records
        var data = ProduceRequest.TopicProduceData()
        data.name = topic
        data.partitionData = [partition]
        var request = ProduceRequest()
        request.acks = acks
        request.timeoutMilliseconds = 10_000
        request.topicData = [data]
        for _ in 0..<10_000 {
            guard let answer = try ask(request, version: version)?.responses.first?.partitionResponses.first else {
                return nil
            }
            if ![.unknownTopicOrPartition, .notLeaderOrFollower].contains(answer.errorCode) { return answer }
        }
        return nil
    }

    /// All batches of partition 0.
    func fetchAll(_ topic: String) throws -> Bytes {
        var partition = FetchRequest.FetchPartition()
        partition.partitionMaxBytes = 1 << 20
        var asked = FetchRequest.FetchTopic()
        asked.topic = topic
        asked.partitions = [partition]
        var request = FetchRequest()
        request.maxBytes = 1 << 20
        request.topics = [asked]
        let part = try #require(try ask(request, version: 12)?.responses.first?.partitions.first)
        #expect(part.errorCode == .noError)
        return part.records ?? .empty
    }
}
