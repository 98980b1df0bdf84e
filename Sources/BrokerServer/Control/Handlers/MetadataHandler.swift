import Metadata
import Primitives
package import WireMessages

/// Metadata (API key 3), v0–13.
///
/// Errors for each topic: UNKNOWN_TOPIC_OR_PARTITION (and the topic is created, where that is allowed);
/// UNKNOWN_TOPIC_ID; INVALID_TOPIC_EXCEPTION; INVALID_REQUEST. For each partition: LEADER_NOT_AVAILABLE, also while its
/// leader is known to be dead and no other is elected yet; LISTENER_NOT_FOUND from version 6 on.
package struct MetadataHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...13
    package static let listeners: ListenerKinds = .client

    private let view: ClusterView
    private let creator: TopicCreator
    private let createsTopics: Bool

    /// - Parameter createsTopics: whether a topic is created when it is asked for (`auto.create.topics.enable`).
    package init(_ view: ClusterView, creator: TopicCreator, createsTopics: Bool) {
        self.view = view
        self.creator = creator
        self.createsTopics = createsTopics
    }

    package func handle(_ request: MetadataRequest, _ context: RequestContext, _ reply: Reply<MetadataResponse>) {
        let moment = view.moment(listener: context.listener.name)
        let version = context.version
        var response = MetadataResponse()
        response.brokers = moment.listedBrokers.map(MetadataResponse.MetadataResponseBroker.init)
        response.clusterID = view.clusterID
        response.controllerID = moment.namedController ?? BrokerID(-1)
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        if let asked = asked(request, version) {
            response.topics = asked.map { answer($0, request, moment, version) }
        } else {
            response.topics = moment.image.topics.sortedByName.map { described($0, moment, version) }
        }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where response.topics[index].errorCode == .noError {
                response.topics[index].topicAuthorizedOperations = AuthorizedOperations.topic
            }
        }
        reply(response)
    }

    /// The topics that are asked for; nil for all of them.
    private func asked(
        _ request: MetadataRequest, _ version: Int16
    ) -> [MetadataRequest.MetadataRequestTopic]? {
        guard let topics = request.topics else { return nil }
        // Version 0 had no null: an empty list stood for all.
        return version == 0 && topics.isEmpty ? nil : topics
    }

    private func answer(
        _ asked: MetadataRequest.MetadataRequestTopic, _ request: MetadataRequest, _ moment: ClusterView.Moment,
        _ version: Int16
    ) -> MetadataResponse.MetadataResponseTopic {
        var answer = MetadataResponse.MetadataResponseTopic()
        answer.name = asked.name ?? (version >= 12 ? nil : "")
        answer.topicID = asked.topicID
        if asked.topicID != .zero {
            // A name beside it counts for nothing: Kafka's own client sends an empty one.
            guard version >= 12 else {
                answer.errorCode = .invalidRequest
                return answer
            }
            if let topic = moment.image.topics[asked.topicID] { return described(topic, moment, version) }
            answer.errorCode = .unknownTopicID
            return answer
        }
        guard let name = asked.name else {
            answer.errorCode = .invalidRequest
            return answer
        }
        if let topic = moment.image.topics[name: name] { return described(topic, moment, version) }
        answer.isInternal = TopicName.isInternal(name)
        guard TopicName.isValid(name) else {
            answer.errorCode = .invalidTopicException
            return answer
        }
        // Internal topics are created by those who need them, with settings of their own.
        if createsTopics, version < 4 || request.allowAutoTopicCreation, !answer.isInternal { creator.create(name) }
        answer.errorCode = .unknownTopicOrPartition
        return answer
    }

    private func described(
        _ topic: TopicImage, _ moment: ClusterView.Moment, _ version: Int16
    ) -> MetadataResponse.MetadataResponseTopic {
        var answer = MetadataResponse.MetadataResponseTopic()
        answer.name = topic.name
        answer.topicID = topic.id
        answer.isInternal = TopicName.isInternal(topic.name)
        answer.partitions = topic.partitions.enumerated().map { index, partition in
            var described = MetadataResponse.MetadataResponsePartition()
            let (leader, error) = moment.leader(of: partition)
            described.partitionIndex = PartitionIndex(Int32(index))
            described.errorCode = error == .listenerNotFound && version < 6 ? .leaderNotAvailable : error
            described.leaderID = leader ?? BrokerID(-1)
            described.leaderEpoch = partition.leaderEpoch
            described.replicaNodes = partition.replicas
            described.isrNodes = partition.isr
            described.offlineReplicas = moment.offlineReplicas(of: partition)
            return described
        }
        return answer
    }
}

extension MetadataResponse.MetadataResponseBroker {
    init(_ listed: (broker: BrokerRegistration, at: RegisteredListener)) {
        self.init()
        nodeID = listed.broker.id
        host = listed.at.host
        port = Int32(listed.at.port)
        rack = listed.broker.rack
    }
}
