import Logging
import Metadata
import Primitives
import Replication
import Testing
import WireMessages
import WireProtocol
import World

@testable import BrokerServer

@Suite("Fetching from a leader")
struct ReplicaFetcherTests {
    /// Broker 1 follows broker 2, whose answers the test gives.
    private struct Follower {
        let broker: PartitionsUnderTest
        let network: ScriptedNetwork
        let fetchers: ReplicaFetchers

        init(configs: [String: String] = [:]) throws {
            broker = try PartitionsUnderTest(configs: configs)
            network = try #require(broker.world.network as? ScriptedNetwork)
            fetchers = ReplicaFetchers(
                me: BrokerID(1), settings: try Settings(PropertiesFile(parsing: "")), interBrokerListener: "CLIENTS",
                brokerEpoch: { BrokerEpoch(101) }, world: broker.world,
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try followInNextEpoch()
            var listed = ApiVersionsResponse.ApiVersion()
            listed.apiKey = APIKey.fetch.value
            listed.maxVersion = FetchRequest.versions.upperBound
            var versions = ApiVersionsResponse()
            versions.apiKeys = [listed]
            _ = network.link?.takeFrames()
            network.receive(Bytes([0, 0, 0, 0] + versions.encoded(version: 4).array))
        }

        /// Metadata names broker 2 as the leader, in an epoch above the last.
        func followInNextEpoch() throws {
            try broker.moveLeadership(to: 2)
            let partition = try broker.partition
            let (fetchers, image) = (fetchers, broker.cache.current)
            broker.loop.run {
                fetchers.metadataPublished(image, delta: MetadataDelta())
                fetchers.follow(partition, leader: BrokerID(2))
            }
        }

        /// The requests that were sent since the last call.
        func takeRequests() throws -> [(header: RequestHeader, body: FetchRequest)] {
            try #require(network.link).takeFrames().map { frame in
                var reader = WireReader(frame)
                let header = try RequestHeader(from: &reader) { _ in FetchRequest.firstFlexible }
                return (header, try FetchRequest(from: &reader, version: header.version))
            }
        }

        func answer(_ header: RequestHeader, _ fill: (inout FetchResponse.PartitionData) -> Void) {
            var part = FetchResponse.PartitionData()
            fill(&part)
            var topic = FetchResponse.FetchableTopicResponse()
            topic.topicID = PartitionsUnderTest.topicID
            topic.partitions = [part]
            var response = FetchResponse()
            response.sessionID = 7
            response.responses = [topic]
            let whole = WireFrame.response(
                to: FetchRequest.self, response, version: header.version, correlationID: header.correlationID)
            network.receive(whole[4..<whole.count])
        }
    }

    private func epochs(_ request: FetchRequest) -> [LeaderEpoch] {
        request.topics.flatMap { $0.partitions.map(\.currentLeaderEpoch) }
    }

    @Test("An answer in the former epoch, that the leader has left already, does not stop fetching in the new one")
    func refusedInFormerEpoch() throws {
        let follower = try Follower()
        let first = try #require(follower.takeRequests().first)
        #expect(epochs(first.body) == [LeaderEpoch(4)])
        try follower.followInNextEpoch()
        #expect(try follower.takeRequests().isEmpty)

        follower.answer(first.header) { $0.errorCode = .fencedLeaderEpoch }
        let second = try #require(follower.takeRequests().first)
        #expect(epochs(second.body) == [LeaderEpoch(5)])

        // Refused in the present epoch it waits for newer metadata.
        follower.answer(second.header) { $0.errorCode = .fencedLeaderEpoch }
        #expect(try follower.takeRequests().isEmpty)
        try follower.followInNextEpoch()
        #expect(try epochs(#require(follower.takeRequests().first).body) == [LeaderEpoch(6)])
    }

    @Test("Rule 3: records and watermark of an answer in a former epoch are not taken")
    func recordsOfFormerEpoch() throws {
        let follower = try Follower()
        let first = try #require(follower.takeRequests().first)
        try follower.followInNextEpoch()
        follower.answer(first.header) { part in
            part.records = PartitionsUnderTest.batch(3)
            part.highWatermark = 3
        }
        let second = try #require(follower.takeRequests().first)
        #expect(second.body.topics.first?.partitions.first?.fetchOffset == Offset(0))
        follower.answer(second.header) { part in
            part.records = PartitionsUnderTest.batch(2)
            part.highWatermark = 0
        }
        #expect(try follower.broker.partition.followerAsk?.highWatermark == Offset(0))
    }

    @Test("A throttled replica that lags is not asked for while too much was taken, and one that is caught up is")
    func throttled() throws {
        let follower = try Follower(configs: [
            "follower.replication.throttled.replicas": "0:1", "flush.on.ack": "false",
        ])
        let throttle = try follower.broker.partition.services.throttles.followers
        throttle.limit(bytesPerSecond: 10, over: .standard)
        let first = try #require(follower.takeRequests().first)
        let records = PartitionsUnderTest.batch(3)
        follower.answer(first.header) { part in
            part.records = records
            part.highWatermark = 6
        }
        #expect(throttle.isExceeded(now: follower.broker.loop.now))
        #expect(try follower.takeRequests().isEmpty)
        follower.broker.loop.pass(milliseconds: 1_000)
        #expect(try follower.takeRequests().isEmpty)
        // All windows have passed.
        follower.broker.loop.pass(milliseconds: 10_100)
        let second = try #require(follower.takeRequests().first)
        #expect(second.body.topics.first?.partitions.first?.fetchOffset == Offset(3))
        follower.answer(second.header) { part in
            // The base offset stands first.
            part.records = Bytes([0, 0, 0, 0, 0, 0, 0, 3] + records.array.dropFirst(8))
            part.highWatermark = 6
        }
        #expect(throttle.isExceeded(now: follower.broker.loop.now))
        #expect(try !follower.takeRequests().isEmpty)
    }
}
