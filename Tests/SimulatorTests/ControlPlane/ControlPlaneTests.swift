import BrokerServer
import Metadata
import Primitives
import Simulator
import Synchronization
import Testing
import WireMessages

@Suite("Control plane of three nodes")
struct ControlPlaneTests {
    static let seeds: ClosedRange<UInt64> = 1...10

    private func cluster(seed: UInt64) throws -> ControlCluster {
        let cluster = ControlCluster(seed: seed)
        let took = try #require(cluster.milliseconds(until: cluster.allRunning), "the brokers were never let in")
        #expect(took < 3_000)
        return cluster
    }

    @Test("Three nodes find a controller, register and are let in", arguments: seeds)
    func start(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        cluster.time.run(forMilliseconds: 1_000)
        for node in cluster.nodes.values {
            let image = node.cache.current
            #expect(image.brokers.count == 3 && image.brokers.sorted.allSatisfy(\.isActive))
            #expect(image.controllers.sorted.count == 3)
            #expect(image.features.metadataVersion != nil)
            #expect(node.ended == nil)
        }
    }

    @Test("A topic created at any broker is known at all, and placed in turn", arguments: seeds)
    func createTopic(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let asked = Int32(seed % 3) + 1
        #expect(cluster.createTopic("orders", at: asked) == .noError)
        cluster.time.run(forMilliseconds: 600)
        var request = MetadataRequest()
        request.topics = nil
        for id: Int32 in 1...3 {
            let response = try #require(cluster.ask(id, request))
            #expect(response.brokers.map(\.nodeID.value) == [1, 2, 3])
            #expect(response.clusterID == ControlNode.clusterID)
            let topic = try #require(response.topics.first)
            #expect(topic.partitions.map(\.leaderID.value) == [1, 2, 3])
            #expect(topic.partitions.map { $0.isrNodes.map(\.value) } == [[1, 2, 3], [2, 3, 1], [3, 1, 2]])
        }
        #expect(cluster.createTopic("orders", at: asked) == .topicAlreadyExists)
    }

    @Test("A controller that reads its log piece by piece begins when it has read all of it", arguments: 1...3)
    func manyPieces(seed: UInt64) throws {
        let cluster = ControlCluster(seed: seed, segmentBytes: 500)
        cluster.time.run(forMilliseconds: 2_000)
        let names = (0..<20).map { "topic-\($0)" }
        for name in names { #expect(cluster.createTopic(name, at: 1) == .noError) }
        cluster.time.run(forMilliseconds: 600)
        for id: Int32 in 1...3 { cluster.crash(id) }
        for id: Int32 in 1...3 { cluster.start(id) }
        _ = try #require(cluster.milliseconds(until: { cluster.active != nil }))
        // What it has applied is what it decides by.
        let active = try #require(cluster.active)
        let image = try #require(cluster.nodes[active]).cache.current
        #expect(names.filter { image.topics[name: $0] == nil } == [])
    }

    @Test("A topic that Metadata asks for comes into being", arguments: 1...3)
    func autoCreate(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        var topic = MetadataRequest.MetadataRequestTopic()
        topic.name = "fresh"
        var request = MetadataRequest()
        request.topics = [topic]
        #expect(cluster.ask(2, request)?.topics.first?.errorCode == .unknownTopicOrPartition)
        cluster.time.run(forMilliseconds: 600)
        #expect(cluster.ask(2, request)?.topics.first?.errorCode == .noError)
    }

    @Test("R1: a killed broker's partitions have another leader in a fraction of its session", arguments: seeds)
    func killedBroker(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let active = try #require(cluster.active)
        #expect(cluster.createTopic("orders", at: active) == .noError)
        cluster.time.run(forMilliseconds: 600)
        let victim: Int32 = active == 1 ? 2 : 1
        let others = cluster.nodes.keys.filter { $0 != victim }.sorted()
        cluster.crash(victim)
        let took = cluster.milliseconds(until: {
            others.allSatisfy { id in
                let topic = cluster.nodes[id]?.cache.current.topics[name: "orders"]
                return topic?.partitions.allSatisfy { $0.leader != nil && $0.leader?.value != victim } ?? false
            }
        })
        #expect(try #require(took) < 300)
    }

    @Test("Who lost the connection to a dead leader names nobody until there is another, and lists the dead a while")
    func suspicion() throws {
        let cluster = try cluster(seed: 11)
        let active = try #require(cluster.active)
        #expect(cluster.createTopic("orders", at: active) == .noError)
        cluster.time.run(forMilliseconds: 600)
        let victim: Int32 = active == 1 ? 2 : 1
        let witness: Int32 = 3 == active ? (victim == 1 ? 2 : 1) : 3
        cluster.crash(victim)
        cluster.nodes[witness]?.suspected.connectionEnded(to: BrokerID(victim))
        var request = MetadataRequest()
        request.topics = nil
        let early = try #require(cluster.ask(witness, request))
        let ledByVictim = try #require(early.topics.first).partitions.filter { $0.replicaNodes[0].value == victim }
        #expect(ledByVictim.allSatisfy { $0.leaderID.value != victim })
        #expect(early.brokers.map(\.nodeID.value).contains(victim))
        cluster.time.run(forMilliseconds: 500)
        let later = try #require(cluster.ask(witness, request))
        #expect(try #require(later.topics.first).partitions.allSatisfy { $0.errorCode == .noError })
        #expect(later.brokers.count == 3)
        cluster.time.run(forMilliseconds: 1_000)
        #expect(try #require(cluster.ask(witness, request)).brokers.count == 2)
    }

    @Test("R1 and R7: a killed broker that was the active controller too is replaced within a second", arguments: seeds)
    func killedController(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let active = try #require(cluster.active)
        #expect(cluster.createTopic("orders", at: active) == .noError)
        cluster.time.run(forMilliseconds: 600)
        let others = cluster.nodes.keys.filter { $0 != active }.sorted()
        cluster.crash(active)
        let took = cluster.milliseconds(until: {
            others.allSatisfy { id in
                let topic = cluster.nodes[id]?.cache.current.topics[name: "orders"]
                return topic?.partitions.allSatisfy { $0.leader != nil && $0.leader?.value != active } ?? false
            }
        })
        #expect(try #require(took) < 1_000)
        #expect(cluster.createTopic("later", at: others[0]) == .noError)
    }

    @Test("Rule 17: a restarted broker is another life with a greater epoch, and is let in again", arguments: seeds)
    func restart(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let victim = Int32(seed % 3) + 1
        let former = try #require(cluster.nodes[victim]?.lifecycle.epoch)
        cluster.crash(victim)
        cluster.time.run(forMilliseconds: Int64(seed * 40))
        cluster.start(victim)
        #expect(cluster.milliseconds(until: cluster.allRunning) != nil)
        #expect(try #require(cluster.nodes[victim]?.lifecycle.epoch) > former)
    }

    @Test("Rule 18: a broker that leaves in order hands over before it goes", arguments: seeds)
    func leave(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        #expect(cluster.createTopic("orders", at: 1) == .noError)
        let hasLeft = Mutex(false)
        cluster.nodes[1]?.lifecycle.leave { hasLeft.withLock { $0 = true } }
        let took = cluster.milliseconds(until: { hasLeft.withLock { $0 } })
        #expect(try #require(took) < 2_000)
        let image = try #require(cluster.nodes[2]).cache.current
        #expect(try #require(image.topics[name: "orders"]).partitions.allSatisfy { $0.leader != BrokerID(1) })
    }

    @Test("Producer ids of three brokers never meet", arguments: 1...3)
    func producerIDs(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let given = Mutex<[Int64]>([])
        for node in cluster.nodes.values {
            for _ in 0..<1_200 {
                node.producerIDs.next { result in
                    if case .success(let id) = result { given.withLock { $0.append(id.value) } }
                }
            }
        }
        _ = cluster.milliseconds(until: { given.withLock { $0.count == 3_600 } })
        #expect(given.withLock { Set($0).count } == 3_600)
    }

    @Test("A minority decides nothing; when it is healed both sides see one history", arguments: seeds)
    func partition(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let active = try #require(cluster.active)
        let others = [1, 2, 3].filter { $0 != active }
        for other in others {
            cluster.network.cut(from: Int(active), to: Int(other))
            cluster.network.cut(from: Int(other), to: Int(active))
        }
        let took = cluster.milliseconds(until: { others.contains { cluster.nodes[$0]?.controller.isActive ?? false } })
        #expect(took != nil)
        #expect(cluster.createTopic("majority", at: others[0]) == .noError)
        cluster.network.heal()
        cluster.time.run(forMilliseconds: 3_000)
        let images = cluster.nodes.values.map { $0.cache.current.topics.id(of: "majority") }
        #expect(Set(images).count == 1 && images[0] != nil)
        #expect(cluster.nodes.values.filter { $0.controller.isActive }.count == 1)
    }
}
