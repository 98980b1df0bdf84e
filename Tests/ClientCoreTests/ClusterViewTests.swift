import ClientCore
import Primitives
import Testing
import WireMessages
import World

@Suite("What a client knows of its cluster")
struct ClusterViewTests {
    @Test("An answer of a broker that lags does not bring an older leader back")
    func epochs() {
        var view = Views.view(leaders: [2], epoch: 6)
        view.apply(Views.response(leaders: [1], epoch: 5), isComplete: false)
        #expect(view.partition(TopicPartition("t", PartitionIndex(0)))?.leader == BrokerID(2))
        view.apply(Views.response(leaders: [3], epoch: 7), isComplete: false)
        #expect(view.partition(TopicPartition("t", PartitionIndex(0)))?.leader == BrokerID(3))
    }

    @Test("A leader named in an error is taken over only with a newer epoch")
    func learned() {
        let place = TopicPartition("t", PartitionIndex(0))
        var view = Views.view(leaders: [1], epoch: 5)
        view.learnLeader(place, leader: BrokerID(2), epoch: LeaderEpoch(5))
        #expect(view.partition(place)?.leader == BrokerID(1))
        view.learnLeader(place, leader: BrokerID(2), epoch: LeaderEpoch(6))
        #expect(view.partition(place)?.leader == BrokerID(2))
        view.learnLeader(place, leader: BrokerID(9), epoch: LeaderEpoch(7))
        #expect(view.partition(place)?.leader == BrokerID(2), "broker 9 is not known")
    }

    @Test("A topic that is gone from a complete answer, or unknown, is forgotten")
    func forgotten() {
        var view = Views.view(leaders: [1])
        var gone = Views.response(leaders: [])
        gone.topics[0].errorCode = .unknownTopicOrPartition
        #expect(view.apply(gone, isComplete: false).map(\.error) == [.unknownTopicOrPartition])
        #expect(view.topicNames.isEmpty)
        view = Views.view(leaders: [1])
        view.apply(Views.response(leaders: [1], topic: "other"), isComplete: true)
        #expect(view.topicNames == ["other"])
    }

    @Test("Bootstrap servers are read, also IPv6 ones")
    func bootstrap() throws {
        let servers = try BootstrapServers(parsing: "a:1, b:2,[::1]:3")
        #expect(
            servers.endpoints == [
                Endpoint(host: "a", port: 1), Endpoint(host: "b", port: 2), Endpoint(host: "::1", port: 3),
            ])
    }

    @Test(
        "Bootstrap servers that make no sense are refused by name", arguments: ["", "a", "a:", ":1", "a:0", "a:70000"])
    func badBootstrap(text: String) {
        #expect(throws: BootstrapServers.ParseError.self) { try BootstrapServers(parsing: text) }
    }

    @Test("The greatest common version is chosen; none where there is none")
    func versions() {
        var response = ApiVersionsResponse()
        let ranges: [(Int16, Int16, Int16)] = [(3, 0, 5), (18, 9, 12), (10, 5, 2)]
        response.apiKeys = ranges.map { key, least, greatest in
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = key
            entry.minVersion = least
            entry.maxVersion = greatest
            return entry
        }
        let table = VersionTable(response)
        #expect(table.version(of: MetadataRequest.self) == 5)
        #expect(table.version(of: MetadataRequest.self, upTo: 4) == 4)
        #expect(table.version(of: MetadataRequest.self, upTo: 3) == nil, "it can't forbid creation")
        #expect(table.version(of: ApiVersionsRequest.self) == nil, "theirs begins behind ours")
        #expect(table.version(of: FindCoordinatorRequest.self) == nil, "an upside-down range counts as missing")
        #expect(table.version(of: FetchRequest.self) == nil)
    }

    @Test("Waits double up to the greatest, with a fifth of play")
    func backoff() {
        let policy = RetryPolicy(backoffMilliseconds: 100, backoffMillisecondsMax: 1_000)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            #expect((80...120).contains(policy.wait(after: 0, using: &generator)))
            #expect((320...480).contains(policy.wait(after: 2, using: &generator)))
            #expect((800...1_200).contains(policy.wait(after: 60, using: &generator)))
        }
    }
}
