package import Primitives
package import WireMessages
package import World

/// What a client knows of the cluster: brokers, topics and leaders, from the Metadata responses it got.
package struct ClusterView: Hashable, Sendable {
    /// One topic as the cluster described it last.
    package struct Topic: Hashable, Sendable {
        package let id: TopicID
        package let isInternal: Bool
        /// By partition index, without gaps.
        package fileprivate(set) var partitions: [Partition]
    }

    /// One partition as the cluster described it last.
    package struct Partition: Hashable, Sendable {
        package let index: PartitionIndex
        package fileprivate(set) var leader: BrokerID?
        package fileprivate(set) var leaderEpoch: LeaderEpoch?
        package let replicas: [BrokerID]
        package let inSyncReplicas: [BrokerID]
    }

    package private(set) var clusterID: String?
    package private(set) var controller: BrokerID?
    package private(set) var brokers: [BrokerID: Endpoint] = [:]
    package private(set) var topics: [String: Topic] = [:]
    private var namesByID: [TopicID: String] = [:]

    package init() {}

    /// The ids of the brokers that are alive, ascending.
    package var brokerIDs: [BrokerID] { brokers.keys.sorted() }

    /// The names of the topics that are known, sorted.
    package var topicNames: [String] { topics.keys.sorted() }

    /// The name of a topic that was described with this id.
    package func name(of id: TopicID) -> String? { namesByID[id] }

    /// The description of a partition, if it is known.
    package func partition(_ place: TopicPartition) -> Partition? {
        guard let topic = topics[place.topic], place.partition.value >= 0,
            Int(place.partition.value) < topic.partitions.count
        else { return nil }
        return topic.partitions[Int(place.partition.value)]
    }

    /// Takes a response in. Topics that it does not mention stay as they are, unless it `isComplete`.
    ///
    /// - Invariant: a leader of an older epoch never replaces a newer one of the same topic id (KIP-320): a broker that
    ///   lags may answer after one that does not.
    /// - Returns: the topics that have an error, with it.
    @discardableResult
    package mutating func apply(_ response: MetadataResponse, isComplete: Bool) -> [(name: String, error: ErrorCode)] {
        clusterID = response.clusterID ?? clusterID
        controller = response.controllerID.value >= 0 ? response.controllerID : nil
        brokers = [:]
        for broker in response.brokers {
            brokers[broker.nodeID] = Endpoint(host: broker.host, port: Int(broker.port))
        }
        let before = topics
        if isComplete { topics = [:] }
        var failed: [(name: String, error: ErrorCode)] = []
        for described in response.topics {
            guard let name = described.name else { continue }
            guard described.errorCode == .noError else {
                failed.append((name, described.errorCode))
                if described.errorCode == .unknownTopicOrPartition { topics[name] = nil }
                continue
            }
            topics[name] = ClusterView.topic(described, before: before[name])
        }
        namesByID = [:]
        for (name, topic) in topics where topic.id != .zero { namesByID[topic.id] = name }
        return failed
    }

    private static func topic(_ described: MetadataResponse.MetadataResponseTopic, before: Topic?) -> Topic {
        let partitions = described.partitions.sorted { $0.partitionIndex < $1.partitionIndex }
        let made = partitions.enumerated().map { index, fresh in
            let known = before.flatMap {
                $0.id == described.topicID && index < $0.partitions.count ? $0.partitions[index] : nil
            }
            let epoch = fresh.leaderEpoch.value >= 0 ? fresh.leaderEpoch : nil
            if let known, let knownEpoch = known.leaderEpoch, let epoch, epoch < knownEpoch { return known }
            return Partition(
                index: fresh.partitionIndex, leader: fresh.leaderID.value >= 0 ? fresh.leaderID : nil,
                leaderEpoch: epoch, replicas: fresh.replicaNodes, inSyncReplicas: fresh.isrNodes)
        }
        return Topic(id: described.topicID, isInternal: described.isInternal, partitions: made)
    }

    /// Takes a newer leader from the error of a Produce or Fetch response (KIP-951).
    package mutating func learnLeader(_ place: TopicPartition, leader: BrokerID, epoch: LeaderEpoch) {
        guard let known = partition(place), epoch > (known.leaderEpoch ?? LeaderEpoch(-1)), brokers[leader] != nil
        else {
            return
        }
        topics[place.topic]?.partitions[Int(place.partition.value)].leader = leader
        topics[place.topic]?.partitions[Int(place.partition.value)].leaderEpoch = epoch
    }
}
