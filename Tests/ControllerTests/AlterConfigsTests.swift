import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite struct AlterConfigsTests {
    private static func resource(
        _ type: Int8, _ name: String, _ operations: [(String, Int8, String?)]
    ) -> IncrementalAlterConfigsRequest.AlterConfigsResource {
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = type
        resource.resourceName = name
        resource.configs = operations.map { key, operation, value in
            var config = IncrementalAlterConfigsRequest.AlterableConfig()
            config.name = key
            config.configOperation = operation
            config.value = value
            return config
        }
        return resource
    }

    private static func alter(
        _ cluster: inout Cluster, validateOnly: Bool = false,
        _ resources: IncrementalAlterConfigsRequest.AlterConfigsResource...
    ) -> [IncrementalAlterConfigsResponse.AlterConfigsResourceResponse] {
        var request = IncrementalAlterConfigsRequest()
        request.resources = resources
        request.validateOnly = validateOnly
        return cluster.commit(
            cluster.controller.incrementalAlterConfigs(request, rules: ScriptedBrokerRules())
        ).responses
    }

    private func cluster() -> Cluster {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        return cluster
    }

    @Test("lists are extended and shortened from the value in force")
    func lists() {
        var cluster = cluster()
        _ = Self.alter(&cluster, Self.resource(2, "t", [("cleanup.policy", 2, "compact")]))
        #expect(cluster.controller.image.configs[.topic("t")] == ["cleanup.policy": "delete,compact"])
        _ = Self.alter(&cluster, Self.resource(2, "t", [("cleanup.policy", 3, "delete")]))
        #expect(cluster.controller.image.configs[.topic("t")] == ["cleanup.policy": "compact"])
        let refused = Self.alter(&cluster, Self.resource(2, "t", [("retention.ms", 2, "5")]))[0]
        #expect(refused.errorCode == .invalidConfig)
        #expect(refused.errorMessage == "Can't APPEND to key retention.ms because its type is not LIST.")
    }

    @Test("a resource is altered as a whole or not at all, and others beside it")
    func wholeResources() {
        var cluster = cluster()
        let answers = Self.alter(
            &cluster, Self.resource(2, "t", [("retention.ms", 0, "5"), ("segment.ms", 0, "0")]),
            Self.resource(4, "", [("log.retention.ms", 0, "6")]))
        #expect(answers.map(\.errorCode) == [.invalidConfig, .noError])
        #expect(cluster.controller.image.configs[.topic("t")].isEmpty)
        #expect(cluster.controller.image.configs[.allBrokers]["log.retention.ms"] == "6")
    }

    @Test("what is asked for validation only leaves nothing behind")
    func validation() {
        var cluster = cluster()
        let answer = Self.alter(&cluster, validateOnly: true, Self.resource(2, "t", [("retention.ms", 0, "5")]))[0]
        #expect(answer.errorCode == .noError)
        #expect(cluster.controller.image.configs[.topic("t")].isEmpty)
    }

    @Test("what is named twice, unknown or without value is refused with Kafka's words")
    func refusals() {
        var cluster = cluster()
        let twice = Self.resource(2, "t", [("retention.ms", 0, "5"), ("retention.ms", 1, nil)])
        #expect(Self.alter(&cluster, twice)[0].errorMessage == "Error due to duplicate config keys")
        let null = Self.alter(&cluster, Self.resource(2, "t", [("retention.ms", 0, nil)]))[0]
        #expect(null.errorMessage == "Null value not supported for : retention.ms")
        let one = Self.resource(2, "t", [("retention.ms", 0, "5")])
        #expect(
            Self.alter(&cluster, one, one).map(\.errorMessage) == [
                "Each resource must appear at most once.", "Each resource must appear at most once.",
            ])
        let unknown = Self.alter(&cluster, Self.resource(2, "t", [("retention", 0, "5")]))[0]
        #expect(unknown.errorCode == .invalidConfig && unknown.errorMessage == "Unknown topic config name: retention")
        let nowhere = Self.alter(&cluster, Self.resource(2, "u", [("retention.ms", 0, "5")]))[0]
        #expect(nowhere.errorCode == .unknownTopicOrPartition)
        let stranger = Self.alter(&cluster, Self.resource(4, "9", [("log.retention.ms", 0, "5")]))[0]
        #expect(stranger.errorCode == .brokerIDNotRegistered && stranger.errorMessage == "No broker with id 9 found.")
        let fixed = Self.alter(&cluster, Self.resource(4, "1", [("node.id", 0, "5")]))[0]
        #expect(fixed.errorCode == .invalidRequest)
        let conflict = Self.alter(
            &cluster, Self.resource(2, "t", [("min.compaction.lag.ms", 0, "9"), ("max.compaction.lag.ms", 0, "8")]))[0]
        #expect(conflict.errorCode == .invalidConfig)
    }

    @Test("while there are eligible leader replicas all brokers have one min.insync.replicas, from the first record on")
    func oneMinimum() {
        var cluster = Cluster(brokers: [1, 2, 3]) { $0.defaultMinInSyncReplicas = 2 }
        #expect(cluster.controller.image.configs[.allBrokers] == ["min.insync.replicas": "2"])
        #expect(cluster.controller.minInSyncReplicas(topic: "t", replicas: 3) == 2)
        let own = Self.alter(&cluster, Self.resource(4, "1", [("min.insync.replicas", 0, "1")]))[0]
        #expect(own.errorCode == .invalidConfig)
        let removed = Self.alter(&cluster, Self.resource(4, "", [("min.insync.replicas", 1, nil)]))[0]
        #expect(removed.errorCode == .invalidConfig)
        let raised = Self.alter(&cluster, Self.resource(4, "", [("min.insync.replicas", 0, "3")]))[0]
        #expect(raised.errorCode == .noError)
        #expect(cluster.controller.minInSyncReplicas(topic: "t", replicas: 3) == 3)
    }

    @Test("the older request replaces all: what it does not name is unset")
    func replacing() {
        var cluster = cluster()
        _ = Self.alter(&cluster, Self.resource(2, "t", [("retention.ms", 0, "5"), ("segment.ms", 0, "6")]))
        var resource = AlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 2
        resource.resourceName = "t"
        var config = AlterConfigsRequest.AlterableConfig()
        config.name = "segment.ms"
        config.value = "7"
        resource.configs = [config]
        var request = AlterConfigsRequest()
        request.resources = [resource]
        let answer = cluster.commit(cluster.controller.alterConfigs(request, rules: ScriptedBrokerRules()))
        #expect(answer.responses.map(\.errorCode) == [.noError])
        #expect(cluster.controller.image.configs[.topic("t")] == ["segment.ms": "7"])
    }

    @Test("allowing unclean elections for all brokers elects a leader for what has none")
    func uncleanForAll() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2)
        let leader = try #require(try cluster.partition("t").leader)
        let other: Int32 = leader == BrokerID(1) ? 2 : 1
        cluster.fence(other)
        cluster.fence(leader.value)
        #expect(try cluster.partition("t").leader == nil)
        cluster.heartbeat(other)
        #expect(try cluster.partition("t").leader == nil)
        _ = Self.alter(&cluster, Self.resource(4, "", [("unclean.leader.election.enable", 0, "true")]))
        #expect(try cluster.partition("t").leader == BrokerID(other))
    }

    @Test("a consumer group has settings of its own; unknown keys, wrong values and a default group are refused")
    func groups() {
        var cluster = cluster()
        let key = "consumer.session.timeout.ms"
        #expect(Self.alter(&cluster, Self.resource(32, "g", [(key, 0, "50000")]))[0].errorCode == .noError)
        #expect(cluster.controller.image.configs[ConfigResource(.group, "g")] == [key: "50000"])
        #expect(Self.alter(&cluster, Self.resource(32, "g", [(key, 0, "x")]))[0].errorCode == .invalidConfig)
        #expect(Self.alter(&cluster, Self.resource(32, "g", [("session", 0, "1")]))[0].errorCode == .invalidConfig)
        #expect(Self.alter(&cluster, Self.resource(32, "g", [(key, 2, "1")]))[0].errorCode == .invalidConfig)
        #expect(Self.alter(&cluster, Self.resource(32, "", [(key, 0, "50000")]))[0].errorCode == .invalidRequest)
        #expect(Self.alter(&cluster, Self.resource(32, "g", [(key, 1, nil)]))[0].errorCode == .noError)
        #expect(cluster.controller.image.configs[ConfigResource(.group, "g")].isEmpty)
    }
}
