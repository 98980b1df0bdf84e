import Metadata
import Primitives
import Testing
import WireMessages

@testable import Controller

@Suite("The cost of a failover")
struct FailoverCostTests {
    private static let partitions = 10_000

    private func cluster(topics: Int) throws -> Cluster {
        var cluster = Cluster(brokers: [1, 2, 3])
        let count = FailoverCostTests.partitions / topics
        let places: [[Int32]] = [[1, 2], [2, 3], [3, 1]]
        for topic in 0..<topics {
            cluster.createTopic(
                "t\(topic)", partitions: -1, replicas: -1, assignments: (0..<count).map { places[$0 % places.count] })
        }
        return cluster
    }

    @Test("One decision moves all that a broker of 10,000 partitions has, and names each once", arguments: [1, 100])
    func oneDecision(topics: Int) throws {
        var cluster = try cluster(topics: topics)
        var asked = 0
        _ = cluster.controller.partitionChanges { _ in
            asked += 1
            return nil
        }
        #expect(asked == FailoverCostTests.partitions)

        let decision = cluster.controller.fence(BrokerID(1), epoch: cluster.epoch(1))
        let all = cluster.image.topics.sortedByName.flatMap(\.partitions)
        let affected = all.count { $0.isr.contains(BrokerID(1)) }
        #expect(decision.records.count == affected + 1)
        cluster.commit(decision)
        for partition in cluster.image.topics.sortedByName.flatMap(\.partitions) {
            #expect(partition.leader != nil && partition.leader != BrokerID(1))
            #expect(!partition.isr.contains(BrokerID(1)))
        }
        // Back again it leads nothing, and nothing is decided about any partition.
        let back = cluster.controller.unfencing(try cluster.broker(1))
        #expect(back.count == 1)
    }

    @Test("Replaying it copies the partitions of a topic once at most, not once for each of them")
    func replay() throws {
        var cluster = try cluster(topics: 1)
        let decision = cluster.controller.fence(BrokerID(1), epoch: cluster.epoch(1))
        let topic = try #require(cluster.image.topics[name: "t0"]?.id)
        // Somebody looks at the image of before, as those who answer requests do.
        let before = cluster.image
        var places: Set<UInt> = []
        for record in decision.records {
            cluster.controller.replay(record)
            places.insert(FailoverCostTests.place(of: topic, in: cluster.controller))
        }
        #expect(places.count <= 2)
        #expect(before.topics[topic]?.partitions.first?.leader == BrokerID(1))
    }

    @Test("The decision is one batch of the metadata log, so that all of it happens or nothing, and far below the limit")
    func oneBatch() throws {
        let batchBytesMax = 8 << 20
        var cluster = try cluster(topics: 100)
        let decision = cluster.controller.fence(BrokerID(1), epoch: cluster.epoch(1))
        let bytes = decision.records.reduce(0) { $0 + MetadataRecordFrame.encode($1).count }
        #expect(bytes * 10 < batchBytesMax, "\(bytes) bytes for \(decision.records.count) records")
        let clock = ContinuousClock()
        let spent = clock.measure { cluster.commit(decision) }
        print("replaying the failover of \(decision.records.count - 1) of 10,000 partitions: \(spent), \(bytes) bytes")
    }

    /// Where the partitions of a topic lie in memory.
    private static func place(of topic: TopicID, in controller: ClusterController) -> UInt {
        let partitions = controller.image.topics[topic]?.partitions ?? []
        return unsafe partitions.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    }
}
