import ClientCore
import Primitives
import Testing
import WireMessages

@Suite("Partitioner")
struct PartitionerTests {
    // From Kafka's own UtilsTest.testMurmur2 (org.apache.kafka.common.utils).
    @Test(
        "Keys hash as in Kafka's clients",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur(key: String, hash: Int32) {
        #expect(Int32(bitPattern: Murmur2.hash(Array(key.utf8))) == hash)
    }

    @Test("Records without a key stay with a partition for a while, and then turn to another that has a leader")
    func sticky() throws {
        var partitioner = Partitioner(stickyBytes: 100)
        var generator = SeededGenerator(seed: 1)
        let view = Views.view(leaders: [1, nil, 2])
        var choices: [PartitionIndex] = []
        for _ in 0..<8 {
            choices.append(
                try #require(
                    partitioner.partitionWithoutKey(topic: "t", view: view, recordBytes: 50, using: &generator)))
        }
        #expect(!choices.contains(PartitionIndex(1)))
        for pair in stride(from: 0, to: 8, by: 2) { #expect(choices[pair] == choices[pair + 1]) }
        #expect(choices[1] != choices[2])
    }
}

/// Views of a cluster for tests.
enum Views {
    /// Brokers 1 to 3 and a topic `t` whose partitions have these leaders.
    static func view(leaders: [Int32?], epoch: Int32 = 5, topic: String = "t") -> ClusterView {
        var view = ClusterView()
        view.apply(response(leaders: leaders, epoch: epoch, topic: topic), isComplete: true)
        return view
    }

    static func response(leaders: [Int32?], epoch: Int32 = 5, topic: String = "t") -> MetadataResponse {
        var response = MetadataResponse()
        response.brokers = ([1, 2, 3] as [Int32]).map { id in
            var broker = MetadataResponse.MetadataResponseBroker()
            broker.nodeID = BrokerID(id)
            broker.host = "host"
            broker.port = 9091 + id
            return broker
        }
        var described = MetadataResponse.MetadataResponseTopic()
        described.name = topic
        described.topicID = TopicID(high: 7, low: 7)
        described.partitions = leaders.enumerated().map { index, leader in
            var partition = MetadataResponse.MetadataResponsePartition()
            partition.partitionIndex = PartitionIndex(Int32(index))
            partition.leaderID = BrokerID(leader ?? -1)
            partition.leaderEpoch = LeaderEpoch(epoch)
            return partition
        }
        response.topics = [described]
        return response
    }
}
