import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Topics at the controller")
struct TopicTests {
    @Test("A fresh cluster of three gives partition p the replicas 1,2,3, then 2,3,1, then 3,1,2")
    func placement() throws {
        var cluster = Cluster(brokers: [3, 1, 2])
        let result = cluster.createTopic("orders", partitions: 6)
        #expect(result.errorCode == .noError)
        #expect(result.numPartitions == 6 && result.replicationFactor == 3)
        let replicas = try #require(cluster.image.topics[name: "orders"]).partitions.map(\.replicaNumbers)
        #expect(replicas[0...2] == [[1, 2, 3], [2, 3, 1], [3, 1, 2]])
        #expect(replicas[3...5] == [[1, 3, 2], [2, 1, 3], [3, 2, 1]])
        for index in 0..<6 {
            let partition = try cluster.partition("orders", index)
            #expect(partition.leader == partition.replicas[0] && partition.isr == partition.replicas)
        }
    }

    @Test("Internal topics do not shift where the first topic of a client begins")
    func internalTopics() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("__consumer_offsets", partitions: 50)
        cluster.createTopic("orders")
        #expect(try cluster.partition("orders").replicaNumbers == [1, 2, 3])
    }

    @Test("Small topics begin at different brokers")
    func spread() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        for name in ["a", "b", "c"] { cluster.createTopic(name, replicas: 1) }
        #expect(try ["a", "b", "c"].map { try cluster.partition($0).leader?.value } == [1, 2, 3])
    }

    @Test("Fenced brokers get replicas only when there are not enough others, and are not in sync then")
    func fenced() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.fence(2)
        cluster.createTopic("t", replicas: 2)
        #expect(try cluster.partition().replicaNumbers == [1, 3])
        cluster.createTopic("u", replicas: 3)
        let partition = try cluster.partition("u")
        #expect(partition.replicaNumbers.last == 2 && !partition.isrNumbers.contains(2))
    }

    @Test("Counts of −1 take the controller's defaults")
    func defaults() throws {
        var cluster = Cluster(brokers: [1, 2, 3]) {
            $0.defaultPartitions = 4
            $0.defaultReplicationFactor = 2
        }
        let result = cluster.createTopic("t", partitions: -1, replicas: -1)
        #expect(result.numPartitions == 4 && result.replicationFactor == 2)
    }

    @Test("Impossible numbers are refused with Kafka's codes and words")
    func numbers() {
        var cluster = Cluster(brokers: [1])
        #expect(cluster.createTopic("t", partitions: 0).errorCode == .invalidPartitions)
        #expect(cluster.createTopic("t", partitions: -2).errorCode == .invalidPartitions)
        #expect(cluster.createTopic("t", replicas: 0).errorCode == .invalidReplicationFactor)
        let tooMany = cluster.createTopic("t", replicas: 3)
        #expect(tooMany.errorCode == .invalidReplicationFactor)
        #expect(
            tooMany.errorMessage
                == "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached "
                + "because only 1 broker(s) are registered.")
        #expect(cluster.createTopic("t", partitions: 1_000_000, replicas: 1).errorCode == .policyViolation)
        #expect(cluster.image.topics.count == 0)
    }

    @Test("A17: names are checked, and a.b collides with a_b", arguments: ["", ".", "..", "a/b", "a%2f", "ü"])
    func names(_ name: String) {
        var cluster = Cluster(brokers: [1])
        #expect(cluster.createTopic(name, replicas: 1).errorCode == .invalidTopicException)
        #expect(cluster.createTopic("a.b", replicas: 1).errorCode == .noError)
        let collision = cluster.createTopic("a_b", replicas: 1)
        #expect(collision.errorCode == .invalidTopicException)
        #expect(collision.errorMessage == "Topic 'a_b' collides with existing topic: a.b")
    }

    @Test("A name that exists, or stands twice in one request, is refused; the others are created")
    func duplicates() {
        var cluster = Cluster(brokers: [1])
        cluster.createTopic("t", replicas: 1)
        let again = cluster.createTopic("t", replicas: 1)
        #expect(again.errorCode == .topicAlreadyExists && again.errorMessage == "Topic 't' already exists.")
        var request = CreateTopicsRequest()
        for name in ["x", "x", "y"] {
            var topic = CreateTopicsRequest.CreatableTopic()
            topic.name = name
            topic.numPartitions = 1
            topic.replicationFactor = 1
            request.topics.append(topic)
        }
        let response = cluster.createTopics(request)
        #expect(response.topics.map(\.errorCode) == [.invalidRequest, .noError])
        #expect(cluster.image.topics[name: "x"] == nil && cluster.image.topics[name: "y"] != nil)
    }

    @Test("Validation alone creates nothing and answers as the creation would")
    func validateOnly() {
        var cluster = Cluster(brokers: [1])
        let result = cluster.createTopic("t", partitions: 2, replicas: 1, validateOnly: true)
        #expect(result.errorCode == .noError && result.numPartitions == 2)
        #expect(cluster.image.topics.count == 0)
    }

    @Test("Manual assignments are taken as given, or refused with what is wrong")
    func manual() throws {
        var cluster = Cluster(brokers: [1, 2])
        let good = cluster.createTopic("t", partitions: -1, replicas: -1, assignments: [[2, 1], [1, 2]])
        #expect(good.errorCode == .noError)
        #expect(try cluster.partition("t", 0).replicaNumbers == [2, 1])
        let bad: [(String, [[Int32]])] = [("a", [[1, 1]]), ("b", [[9]]), ("c", [[]]), ("d", [[1, 2], [1]])]
        for (name, assignments) in bad {
            let result = cluster.createTopic(name, partitions: -1, replicas: -1, assignments: assignments)
            #expect(result.errorCode == .invalidReplicaAssignment)
        }
        #expect(cluster.createTopic("e", partitions: 1, replicas: -1, assignments: [[1]]).errorCode == .invalidRequest)
        #expect(cluster.createTopic("e", partitions: -1, replicas: 1, assignments: [[1]]).errorCode == .invalidRequest)
    }

    @Test(
        "Configurations are checked by key, type and bounds",
        arguments: [
            ("retention.ms", "1000", true), ("retention.ms", "-2", false), ("retention.ms", "soon", false),
            ("cleanup.policy", "compact,delete", true), ("cleanup.policy", "shred", false),
            ("segment.bytes", "1024", false), ("flush.on.ack", "false", true), ("flush.on.ack", "maybe", false),
            ("min.insync.replicas", "0", false), ("no.such.key", "1", false), ("remote.storage.enable", "true", false),
            ("min.cleanable.dirty.ratio", "0.25", true), ("compression.type", "zip", false),
        ])
    func configs(_ key: String, _ value: String, _ isValid: Bool) {
        var cluster = Cluster(brokers: [1])
        let result = cluster.createTopic("t", replicas: 1, configs: [(key, value)])
        #expect(result.errorCode == (isValid ? .noError : .invalidConfig))
        #expect(cluster.image.configs.value(ofTopic: "t", key) == (isValid ? value : nil))
        if isValid {
            #expect(result.configs?.first { $0.name == key }?.value == value)
            #expect(result.configs?.first { $0.name == key }?.configSource == 1)
        }
    }

    @Test("Configurations are set, unset, extended and shortened")
    func alterConfigs() {
        var cluster = Cluster(brokers: [1])
        cluster.createTopic("t", replicas: 1)
        #expect(cluster.setConfig("t", "retention.ms", "7").errorCode == .noError)
        #expect(cluster.image.configs.value(ofTopic: "t", "retention.ms") == "7")
        #expect(cluster.setConfig("t", "retention.ms", nil, operation: 1).errorCode == .noError)
        #expect(cluster.image.configs.value(ofTopic: "t", "retention.ms") == nil)
        #expect(cluster.setConfig("t", "cleanup.policy", "compact", operation: 2).errorCode == .noError)
        #expect(cluster.image.configs.value(ofTopic: "t", "cleanup.policy") == "delete,compact")
        #expect(cluster.setConfig("t", "cleanup.policy", "delete", operation: 3).errorCode == .noError)
        #expect(cluster.image.configs.value(ofTopic: "t", "cleanup.policy") == "compact")
        #expect(cluster.setConfig("t", "retention.ms", "7", operation: 2).errorCode == .invalidConfig)
        #expect(cluster.setConfig("u", "retention.ms", "7").errorCode == .unknownTopicOrPartition)
    }

    @Test("Topics are deleted by name or by id; what a request means twice is left alone")
    func deletion() throws {
        var cluster = Cluster(brokers: [1])
        for name in ["a", "b", "c"] { cluster.createTopic(name, replicas: 1) }
        func state(_ name: String?, _ id: TopicID = .zero) -> DeleteTopicsRequest.DeleteTopicState {
            var state = DeleteTopicsRequest.DeleteTopicState()
            state.name = name
            state.topicID = id
            return state
        }
        func answers(_ states: [DeleteTopicsRequest.DeleteTopicState]) -> [ErrorCode] {
            var request = DeleteTopicsRequest()
            request.topics = states
            return cluster.commit(cluster.controller.deleteTopics(request)).responses.map(\.errorCode)
        }
        let b = try #require(cluster.image.topics.id(of: "b"))
        let c = try #require(cluster.image.topics.id(of: "c"))
        #expect(answers([state("a"), state("a"), state(nil, b), state(nil, b)]) == [.invalidRequest, .invalidRequest])
        #expect(
            answers([state("b"), state(nil, b), state("c", c)]) == [.invalidRequest, .invalidRequest, .invalidRequest])
        #expect(answers([state(nil)]) == [.invalidRequest])
        #expect(cluster.image.topics.count == 3)
        #expect(answers([state("a"), state(nil, b)]) == [.noError, .noError])
        #expect(cluster.image.topics.count == 1)
        #expect(answers([state("a"), state(nil, b)]) == [.unknownTopicOrPartition, .unknownTopicID])
    }

    @Test("Deletion can be switched off")
    func deletionDisabled() {
        var cluster = Cluster(brokers: [1]) { $0.isTopicDeletionEnabled = false }
        cluster.createTopic("a", replicas: 1)
        var request = DeleteTopicsRequest()
        request.topicNames = ["a"]
        #expect(cluster.controller.deleteTopics(request).reply.responses[0].errorCode == .topicDeletionDisabled)
    }

    @Test("Replicas are spread over racks, and a rack whose brokers are away is passed over")
    func racks() throws {
        var cluster = Cluster()
        // Two brokers in each of three racks.
        for id in 1...6 as ClosedRange<Int32> {
            var request = Cluster.registration(id)
            request.rack = "rack-\((id - 1) / 2)"
            cluster.register(request)
            cluster.heartbeat(id)
        }
        func racks(_ topic: String) throws -> [Set<Int32>] {
            try #require(cluster.image.topics[name: topic]).partitions.map {
                Set($0.replicaNumbers.map { ($0 - 1) / 2 })
            }
        }
        cluster.createTopic("t", partitions: 12)
        #expect(try racks("t").allSatisfy { $0.count == 3 })
        let leaders = try #require(cluster.image.topics[name: "t"]).partitions.compactMap(\.leader?.value)
        #expect((1...6).map { id in leaders.count { $0 == id } } == [2, 2, 2, 2, 2, 2])
        let held = try #require(cluster.image.topics[name: "t"]).partitions.flatMap(\.replicaNumbers)
        #expect((1...6).map { id in held.count { $0 == id } } == [6, 6, 6, 6, 6, 6])
        cluster.createTopic("two", partitions: 6, replicas: 2)
        #expect(try racks("two").allSatisfy { $0.count == 2 })
        cluster.createTopic("five", partitions: 6, replicas: 5)
        #expect(try racks("five").allSatisfy { $0.count == 3 })
        cluster.fence(5)
        cluster.fence(6)
        cluster.createTopic("u", partitions: 4)
        for partition in try #require(cluster.image.topics[name: "u"]).partitions {
            #expect(partition.replicaNumbers.allSatisfy { $0 <= 4 } && partition.isr == partition.replicas)
            #expect(Set(partition.replicaNumbers.map { ($0 - 1) / 2 }).count == 2)
        }
    }

    @Test("No partition is placed where no broker can serve")
    func nobody() {
        var cluster = Cluster(brokers: [1, 2])
        cluster.fence(1)
        cluster.fence(2)
        let automatic = cluster.createTopic("t", replicas: 1)
        #expect(automatic.errorCode == .invalidReplicationFactor)
        #expect(
            automatic.errorMessage
                == "Unable to replicate the partition 1 time(s): All brokers are currently fenced.")
        let manual = cluster.createTopic("t", partitions: -1, replicas: -1, assignments: [[1, 2]])
        #expect(manual.errorCode == .invalidReplicaAssignment)
        #expect(
            manual.errorMessage
                == "All brokers specified in the manual partition assignment for partition 0 are fenced or in "
                + "controlled shutdown.")
    }

    private func grow(_ count: Int32, _ assignments: [[Int32]]? = nil, topic: String = "t") -> CreatePartitionsRequest {
        var asked = CreatePartitionsRequest.CreatePartitionsTopic()
        asked.name = topic
        asked.count = count
        asked.assignments = assignments.map { lists in
            lists.map { brokers in
                var assignment = CreatePartitionsRequest.CreatePartitionsAssignment()
                assignment.brokerIDs = brokers.map { BrokerID($0) }
                return assignment
            }
        }
        var request = CreatePartitionsRequest()
        request.topics = [asked]
        return request
    }

    @Test("Partitions are added, never taken away")
    func createPartitions() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", partitions: 2)
        #expect(cluster.commit(cluster.controller.createPartitions(grow(4))).results[0].errorCode == .noError)
        #expect(try #require(cluster.image.topics[name: "t"]).partitions.count == 4)
        #expect(try cluster.partition("t", 2).replicaNumbers == [3, 1, 2])
        #expect(cluster.controller.createPartitions(grow(4)).reply.results[0].errorCode == .invalidPartitions)
        #expect(cluster.controller.createPartitions(grow(3)).reply.results[0].errorCode == .invalidPartitions)
        let unknown = cluster.controller.createPartitions(grow(3, topic: "no")).reply.results[0]
        #expect(unknown.errorCode == .unknownTopicOrPartition)
        #expect(cluster.controller.createPartitions(grow(20_000)).reply.results[0].errorCode == .policyViolation)
    }

    @Test("Added partitions go where the request says, and a validation alone adds none")
    func createPartitionsByHand() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", replicas: 2)
        let bad: [[[Int32]]] = [[[1, 2]], [[1, 2], [1]], [[1, 2], [3, 3]], [[1, 2], [3, 9]], [[1, 2], []]]
        for assignments in bad {
            let result = cluster.controller.createPartitions(grow(3, assignments)).reply.results[0]
            #expect(result.errorCode == .invalidReplicaAssignment)
        }
        var valid = grow(3, [[3, 1], [2, 3]])
        valid.validateOnly = true
        #expect(cluster.commit(cluster.controller.createPartitions(valid)).results[0].errorCode == .noError)
        #expect(try #require(cluster.image.topics[name: "t"]).partitions.count == 1)
        valid.validateOnly = false
        #expect(cluster.commit(cluster.controller.createPartitions(valid)).results[0].errorCode == .noError)
        #expect(try cluster.partition("t", 1).replicaNumbers == [3, 1])
        #expect(try cluster.partition("t", 2).replicaNumbers == [2, 3])
        valid.topics += valid.topics
        let twice = cluster.controller.createPartitions(valid).reply
        #expect(twice.results.map(\.errorCode) == [.invalidRequest])
    }

    @Test("A topic that is being moved gets new partitions with as many replicas as it is to have")
    func createPartitionsWhileMoving() throws {
        var cluster = Cluster(brokers: [1, 2, 3, 4])
        cluster.createTopic("t", replicas: 2)
        try cluster.reassign(to: [3, 4])
        #expect(cluster.commit(cluster.controller.createPartitions(grow(2))).results[0].errorCode == .noError)
        #expect(try cluster.partition("t", 1).replicas.count == 2)
    }
}
