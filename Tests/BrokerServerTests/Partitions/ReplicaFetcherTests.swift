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

        init(configs: [String: String] = [:], partitions: Int = 1, hastens: Bool = false) throws {
            broker = try PartitionsUnderTest(configs: configs, partitions: partitions)
            network = try #require(broker.world.network as? ScriptedNetwork)
            fetchers = ReplicaFetchers(
                me: BrokerID(1), settings: try Settings(PropertiesFile(parsing: "")), interBrokerListener: "CLIENTS",
                brokerEpoch: { BrokerEpoch(101) }, world: broker.world,
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            broker.followers.tellFlushes(to: fetchers)
            try followInNextEpoch()
            var versions = ApiVersionsResponse()
            versions.apiKeys = [Follower.listed(.fetch, FetchRequest.versions)]
            // Where the leader does not speak it, no fetch is hastened.
            if hastens { versions.apiKeys.append(Follower.listed(.listOffsets, ListOffsetsRequest.versions)) }
            _ = network.link?.takeFrames()
            network.receive(Bytes([0, 0, 0, 0] + versions.encoded(version: 4).array))
        }

        private static func listed(_ key: APIKey, _ versions: ClosedRange<Int16>) -> ApiVersionsResponse.ApiVersion {
            var listed = ApiVersionsResponse.ApiVersion()
            listed.apiKey = key.value
            listed.maxVersion = versions.upperBound
            return listed
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

        /// The only request that was sent since the last call.
        func takeRequest() throws -> (header: RequestHeader, body: FetchRequest) {
            let sent = try takeRequests()
            #expect(sent.count == 1)
            return try #require(sent.first)
        }

        /// The fetches that were sent since the last call.
        func takeRequests() throws -> [(header: RequestHeader, body: FetchRequest)] {
            try takeAll().filter { $0.header.key == .fetch }.map { header, body in
                var reader = WireReader(body)
                return (header, try FetchRequest(from: &reader, version: header.version))
            }
        }

        /// Whatever was sent since the last call.
        func takeAll() throws -> [(header: RequestHeader, body: Bytes)] {
            try #require(network.link).takeFrames().map { frame in
                var reader = WireReader(frame)
                let header = try RequestHeader(from: &reader) { key in
                    key == .fetch ? FetchRequest.firstFlexible : ListOffsetsRequest.firstFlexible
                }
                return (header, frame[reader.position..<frame.count])
            }
        }

        /// An answer without news.
        func answerNothing(_ header: RequestHeader) {
            var response = FetchResponse()
            response.sessionID = 7
            let whole = WireFrame.response(
                to: FetchRequest.self, response, version: header.version, correlationID: header.correlationID)
            network.receive(whole[4..<whole.count])
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

    @Test("A partition that is to be followed hastens what waits at the leader, once")
    func hastened() throws {
        let follower = try Follower(hastens: true)
        let first = try #require(follower.takeRequests().first)
        #expect(first.body.maxWaitMilliseconds > 0)
        try follower.followInNextEpoch()
        #expect(try follower.takeAll().map { $0.header.key } == [APIKey.listOffsets])
        try follower.followInNextEpoch()
        #expect(try follower.takeAll().isEmpty)

        follower.answerNothing(first.header)
        #expect(try epochs(#require(follower.takeRequests().first).body) == [LeaderEpoch(6)])
    }

    @Test("A replica that stops and starts again goes on, though its loop is told of the start first")
    func overtakingStart() throws {
        let follower = try Follower()
        let first = try #require(follower.takeRequests().first)
        let partition = try follower.broker.partition
        follower.fetchers.unfollow(partition)
        follower.fetchers.follow(partition, leader: BrokerID(2))
        follower.broker.loop.reverseWaiting()
        follower.broker.loop.run()
        follower.answerNothing(first.header)
        #expect(try epochs(#require(follower.takeRequests().first).body) == [LeaderEpoch(4)])
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

    // MARK: flushes

    private func asked(_ request: FetchRequest) throws -> FetchRequest.FetchPartition {
        try #require(request.topics.first?.partitions.first)
    }

    /// Records that begin at `base`.
    private static func records(_ count: Int, at base: UInt8, epoch: Int32? = nil) -> Bytes {
        var bytes = PartitionsUnderTest.batch(count).array
        bytes[7] = base
        // All epochs here are below 256.
        if let epoch { bytes.replaceSubrange(12..<16, with: [0, 0, 0, UInt8(epoch)]) }
        return Bytes(bytes)
    }

    @Test("Records are fetched while those before them are flushed, and are acknowledged when they are durable")
    func fetchesWhileFlushing() throws {
        let follower = try Follower()
        let first = try follower.takeRequest()
        #expect(try asked(first.body).flushedOffset == Offset(0))
        #expect(first.body.maxWaitMilliseconds > 0)

        follower.broker.pool.hold()
        follower.answer(first.header) { $0.records = Self.records(3, at: 0) }
        let second = try follower.takeRequest()
        #expect(try asked(second.body).fetchOffset == Offset(3))
        #expect(try asked(second.body).flushedOffset == Offset(0))
        // Waiting at the leader it would hold back what the flush is going to acknowledge.
        #expect(second.body.maxWaitMilliseconds == 0)

        follower.answer(second.header) { $0.records = Self.records(2, at: 3) }
        let third = try follower.takeRequest()
        #expect(try asked(third.body).fetchOffset == Offset(5))
        #expect(try asked(third.body).flushedOffset == Offset(0))
        follower.answerNothing(third.header)
        #expect(try follower.takeRequests().isEmpty)

        // One flush for both.
        #expect(follower.broker.pool.heldCount == 1)
        follower.broker.pool.release()
        let fourth = try follower.takeRequest()
        #expect(try asked(fourth.body).fetchOffset == Offset(5))
        #expect(try asked(fourth.body).flushedOffset == Offset(5))
        #expect(fourth.body.maxWaitMilliseconds > 0)
    }

    @Test("A flush that ends while a request is in flight is told with the next one at once")
    func flushEndsInFlight() throws {
        let follower = try Follower()
        follower.broker.pool.hold()
        follower.answer(try follower.takeRequest().header) { $0.records = Self.records(3, at: 0) }
        let second = try follower.takeRequest()
        follower.broker.pool.release()
        #expect(try follower.takeRequests().isEmpty)
        follower.answerNothing(second.header)
        let third = try follower.takeRequest()
        #expect(try asked(third.body).flushedOffset == Offset(3))
        #expect(third.body.maxWaitMilliseconds > 0)
    }

    @Test("A slow flush keeps the fetcher from its other partitions for a moment only")
    func slowFlush() throws {
        let follower = try Follower()
        follower.broker.pool.hold()
        follower.answer(try follower.takeRequest().header) { $0.records = Self.records(3, at: 0) }
        var count = 0
        for _ in 0..<200 {
            for sent in try follower.takeRequests() {
                count += 1
                #expect(sent.body.maxWaitMilliseconds == 0)
                follower.answerNothing(sent.header)
            }
            follower.broker.loop.pass(milliseconds: 1)
        }
        // Every ten or eleven milliseconds, and a few on chance.
        #expect((15...30).contains(count), "\(count)")
    }

    @Test("A log is not cut while it is being flushed, but when that is done")
    func divergenceWhileFlushing() throws {
        let follower = try Follower()
        follower.broker.pool.hold()
        follower.answer(try follower.takeRequest().header) { $0.records = Self.records(3, at: 0) }
        let second = try follower.takeRequest()
        let epoch = try asked(second.body).lastFetchedEpoch
        func diverge(_ header: RequestHeader) {
            follower.answer(header) { part in
                part.divergingEpoch.epoch = epoch
                part.divergingEpoch.endOffset = Offset(0)
            }
        }
        diverge(second.header)
        #expect(try follower.takeRequests().isEmpty)
        #expect(try follower.broker.partition.position?.logEnd == Offset(3))
        #expect(follower.broker.pool.heldCount == 1)
        follower.broker.pool.release()
        let third = try follower.takeRequest()
        #expect(try asked(third.body).fetchOffset == Offset(3))
        diverge(third.header)
        let end = try follower.broker.partition.position?.logEnd
        #expect(end == Offset(0))
        #expect(try asked(follower.takeRequest().body).fetchOffset == Offset(0))
    }

    @Test("A second answer that the log diverges cuts nothing away of what came behind the first cut")
    func divergenceTwice() throws {
        let follower = try Follower(configs: ["flush.on.ack": "false"])
        let partition = try follower.broker.partition
        follower.answer(try follower.takeRequest().header) { $0.records = Self.records(3, at: 0) }
        follower.answer(try follower.takeRequest().header) { $0.records = Self.records(2, at: 3) }
        let position = try #require(partition.followerAsk?.position)
        #expect(position.offset == Offset(5))
        let epoch = try #require(position.lastEpoch)
        let answer = Partition.Repair.divergence(EpochEnd(epoch: epoch, endOffset: Offset(3)))
        #expect(partition.repair(answer, asked: position) == .cut(to: Offset(3), from: Offset(5)))

        // The leader's records of its own epoch: the log ends elsewhere, and then where the leader had been asked.
        let third = try follower.takeRequest()
        follower.answer(third.header) { part in
            part.records = Self.records(1, at: 3, epoch: epoch.value + 1)
            part.highWatermark = 4
        }
        #expect(partition.repair(answer, asked: position) == .notNeeded)
        follower.answer(try follower.takeRequest().header) { part in
            part.records = Self.records(1, at: 4, epoch: epoch.value + 1)
            part.highWatermark = 5
        }
        #expect(partition.followerAsk?.position.offset == Offset(5))
        #expect(partition.repair(answer, asked: position) == .notNeeded)
        #expect(partition.repair(.restart(at: Offset(3)), asked: position) == .notNeeded)
        #expect(partition.position?.logEnd == Offset(5))
    }

    @Test("A fetcher whose early fetches bring nothing makes fewer of them, and again as many when one does")
    func eagerness() {
        var eager = EagerFetching()
        func chances(until taken: Int) -> Int {
            var count = 0
            var seen = 0
            while seen < taken {
                count += 1
                if eager.takesChance() { seen += 1 }
            }
            return count
        }
        #expect(chances(until: 1) == 1)
        for passed in [1, 2, 4, 8, 16, 32, 64, 64] {
            eager.ended(broughtRecords: false)
            #expect(chances(until: 1) == passed + 1)
        }
        eager.ended(broughtRecords: true)
        #expect(chances(until: 3) == 3)
    }
}
