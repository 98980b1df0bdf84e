import Coordinators
import HashTreeCollections
import Metadata
import Primitives
import WireMessages

/// Members of the consumer protocol in a scene, and the topics that they subscribe to.
extension Scene {
    static func topicID(_ name: String) -> TopicID {
        UUID128(high: 7, low: name.utf8.reduce(0) { $0 &* 257 &+ UInt64($1) } | 1 << 62)
    }

    /// Topics with so many partitions; with `racks`, partition `p` has its replica in rack `p` modulo their count.
    static func topics(_ topics: [String: Int32], racks: [String] = [], end: Int64 = 1) throws -> SubscribableTopics {
        var image = MetadataImage()
        for (index, rack) in racks.enumerated() {
            var broker = RegisterBrokerRecord()
            broker.brokerID = BrokerID(Int32(index))
            broker.rack = rack
            try image.replay(.registerBroker(broker))
        }
        for (name, count) in topics.sorted(by: { $0.key < $1.key }) {
            var topic = TopicRecord()
            topic.name = name
            topic.topicID = topicID(name)
            try image.replay(.topic(topic))
            for index in 0..<count {
                var partition = PartitionRecord()
                partition.topicID = topic.topicID
                partition.partitionID = PartitionIndex(index)
                partition.replicas = [BrokerID(index % Int32(max(1, racks.count)))]
                try image.replay(.partition(partition))
            }
        }
        image.provenance.end = Offset(end)
        return SubscribableTopics(image)
    }

    func setTopics(_ topics: [String: Int32], racks: [String] = [], end: Int64 = 1) throws {
        shard.topicsChanged(try Scene.topics(topics, racks: racks, end: end), changed: nil)
    }

    /// What a consumer says in a heartbeat.
    struct Beat {
        var member: String
        var epoch: Int32 = 0
        var names: [String]?
        var expression: String?
        var owned: [String: [Int32]]?
        var instance: String?
        var rack: String?
        var assignor: String?
        var rebalance: Int32 = -1
        var group = "g"
        var version: Int16 = 1

        static func join(
            _ member: String, _ names: [String]? = ["t"], expression: String? = nil, instance: String? = nil,
            rack: String? = nil, assignor: String? = nil
        ) -> Beat {
            Beat(
                member: member, names: names, expression: expression, owned: [:], instance: instance, rack: rack,
                assignor: assignor, rebalance: 60_000)
        }
    }

    /// A heartbeat; returns its ticket.
    func sendBeat(_ beat: Beat) -> Ticket {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = beat.group
        request.memberID = beat.member
        request.memberEpoch = beat.epoch
        request.instanceID = beat.instance
        request.rackID = beat.rack
        request.rebalanceTimeoutMilliseconds = beat.rebalance
        request.subscribedTopicNames = beat.names
        request.subscribedTopicRegex = beat.expression
        request.serverAssignor = beat.assignor
        request.topicPartitions = beat.owned.map { owned in
            owned.sorted { $0.key < $1.key }.map { name, partitions in
                var topic = ConsumerGroupHeartbeatRequest.TopicPartitions()
                topic.topicID = Scene.topicID(name)
                topic.partitions = partitions.map { PartitionIndex($0) }
                return topic
            }
        }
        let ticket = ticket()
        let origin = RequestOrigin(clientID: "c", clientHost: "/127.0.0.1", version: beat.version)
        perform(
            shard.consumerHeartbeat(
                request, from: origin, ticket: ticket, newID: UUID128(high: 1, low: UInt64(ticket.value)), at: time))
        return ticket
    }

    func answer(_ ticket: Ticket) -> ConsumerGroupHeartbeatResponse? {
        guard case .consumerHeartbeat(let response) = replies[ticket.value] else { return nil }
        return response
    }

    /// A heartbeat and its answer.
    @discardableResult
    func beat(_ beat: Beat) -> ConsumerGroupHeartbeatResponse {
        guard let response = answer(sendBeat(beat)) else { preconditionFailure("no answer") }
        return response
    }

    /// A plain heartbeat of a member that has joined.
    @discardableResult
    func beat(
        _ member: String, _ epoch: Int32, owned: [String: [Int32]]? = nil, instance: String? = nil
    ) -> ConsumerGroupHeartbeatResponse {
        beat(Beat(member: member, epoch: epoch, owned: owned, instance: instance))
    }

    var consumers: ConsumerGroup? { shard.image["g"]?.consumer }

    /// What members own by the log, as `t0 t1`, by member.
    var owned: [String: String] {
        var owned: [String: String] = [:]
        for (id, member) in consumers?.members ?? [:] { owned[id] = Scene.text(member.assigned.map(\.partition)) }
        return owned
    }

    static let letters = ["t", "u", "v", "w"]

    static func text(_ partitions: [TopicPartitionID]) -> String {
        partitions.map { partition in
            "\(letters.first { topicID($0) == partition.topic } ?? "?")\(partition.index)"
        }.sorted().joined(separator: " ")
    }
}

extension ConsumerGroupHeartbeatResponse {
    /// The assignment as `t0 t1`; nil where none is told.
    var told: String? {
        assignment.map { assignment in
            Scene.text(
                assignment.topicPartitions.flatMap { topic in
                    topic.partitions.map { TopicPartitionID(topic.topicID, $0) }
                })
        }
    }
}
