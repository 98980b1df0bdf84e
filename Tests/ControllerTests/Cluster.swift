import Controller
import Metadata
import Primitives
import Testing
import WireMessages

/// A controller with a log that commits at once, and brokers that answer as the test says.
struct Cluster {
    var controller: ClusterController
    var now = MonotonicInstant(0)
    /// The offset of the next record.
    var end = Offset.zero
    /// All records so far, in order.
    private(set) var written: [MetadataRecord] = []
    private var generator = SeededGenerator(seed: 1)

    init(brokers: [Int32] = [], _ adjust: (inout ControllerConfiguration) -> Void = { _ in }) {
        var configuration = ControllerConfiguration(clusterID: "test")
        adjust(&configuration)
        controller = ClusterController(configuration: configuration, image: MetadataImage(), now: MonotonicInstant(0))
        commit(controller.decideBootstrap())
        for broker in brokers { join(broker) }
    }

    /// Replays a decision's records as the log would, and gives its reply.
    @discardableResult
    mutating func commit<Reply>(_ decision: Decision<Reply>) -> Reply {
        for record in decision.records { controller.replay(record) }
        written += decision.records
        end = end + Int64(decision.records.count)
        return decision.reply
    }

    static func registration(
        _ id: Int32, life: UInt64 = 1, directory: UInt64? = nil, previousEpoch: Int64 = -1
    ) -> BrokerRegistrationRequest {
        var request = BrokerRegistrationRequest()
        request.brokerID = BrokerID(id)
        request.clusterID = "test"
        request.incarnationID = UUID128(high: UInt64(id), low: life)
        var listener = BrokerRegistrationRequest.Listener()
        listener.name = "PLAINTEXT"
        listener.host = "host\(id)"
        listener.port = 9092
        request.listeners = [listener]
        request.features = ClusterFeatures.supported.map {
            var feature = BrokerRegistrationRequest.Feature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.levels.lowerBound
            feature.maxSupportedVersion = $0.levels.upperBound
            return feature
        }
        request.logDirs = [DirectoryID(high: 1_000, low: directory ?? UInt64(id))]
        request.previousBrokerEpoch = BrokerEpoch(previousEpoch)
        // What tells a Martlet from brokers of another make.
        request.settings = []
        return request
    }

    @discardableResult
    mutating func register(_ request: BrokerRegistrationRequest) -> BrokerRegistrationResponse {
        let response = commit(controller.registerBroker(request, nextOffset: end, now: now))
        if response.errorCode == .noError {
            controller.sessions.start(request.brokerID, epoch: response.brokerEpoch, now: now)
        }
        return response
    }

    @discardableResult
    mutating func heartbeat(
        _ id: Int32, _ edit: (inout BrokerHeartbeatRequest) -> Void = { _ in }
    ) -> BrokerHeartbeatResponse {
        var request = BrokerHeartbeatRequest()
        request.brokerID = BrokerID(id)
        request.brokerEpoch = epoch(id)
        request.currentMetadataOffset = Offset(end.value - 1)
        edit(&request)
        return commit(controller.heartbeat(request, nextOffset: end, now: now))
    }

    /// Registers a broker and lets it in.
    mutating func join(_ id: Int32, life: UInt64 = 1, previousEpoch: Int64 = -1) {
        register(Cluster.registration(id, life: life, previousEpoch: previousEpoch))
        heartbeat(id)
    }

    mutating func fence(_ id: Int32) { commit(controller.fence(BrokerID(id), epoch: epoch(id))) }

    mutating func wait(milliseconds: Int64) { now = now.advanced(byMilliseconds: milliseconds) }

    @discardableResult
    mutating func createTopic(
        _ name: String, partitions: Int32 = 1, replicas: Int16 = 3, configs: [(String, String)] = [],
        assignments: [[Int32]] = [], validateOnly: Bool = false
    ) -> CreateTopicsResponse.CreatableTopicResult {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = replicas
        topic.configs = configs.map { key, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = key
            config.value = value
            return config
        }
        topic.assignments = assignments.enumerated().map { index, brokers in
            var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
            assignment.partitionIndex = PartitionIndex(Int32(index))
            assignment.brokerIDs = brokers.map { BrokerID($0) }
            return assignment
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.validateOnly = validateOnly
        return createTopics(request).topics[0]
    }

    mutating func createTopics(_ request: CreateTopicsRequest) -> CreateTopicsResponse {
        commit(controller.createTopics(request, generator: &generator))
    }

    // MARK: What is seen

    var image: MetadataImage { controller.image }

    func epoch(_ id: Int32) -> BrokerEpoch { image.brokers[BrokerID(id)]?.epoch ?? BrokerEpoch(-1) }

    func broker(_ id: Int32) throws -> BrokerRegistration { try #require(image.brokers[BrokerID(id)]) }

    func partition(_ topic: String = "t", _ index: Int = 0) throws -> PartitionRegistration {
        try #require(image.topics[name: topic]).partitions[index]
    }
}

extension PartitionRegistration {
    var isrNumbers: [Int32] { isr.map(\.value) }
    var replicaNumbers: [Int32] { replicas.map(\.value) }
    var elrNumbers: [Int32] { eligibleLeaderReplicas.map(\.value) }
    var candidateNumbers: [Int32] { recoveryCandidates.map(\.value) }
}
