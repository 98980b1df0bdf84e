import Controller
import Metadata
import Primitives
import Simulator
import Testing

@testable import BrokerServer

@Suite("Silent nodes of a control plane")
struct SilentNodeTests {
    static let seeds: ClosedRange<UInt64> = 1...10

    private func cluster(seed: UInt64) throws -> ControlCluster {
        let cluster = ControlCluster(seed: seed)
        _ = try #require(cluster.milliseconds(until: cluster.allRunning))
        let active = try #require(cluster.active)
        #expect(cluster.createTopic("orders", at: active) == .noError)
        cluster.time.run(forMilliseconds: 2_000)
        return cluster
    }

    /// Whether all who are awake know a leader for each partition, and none of them is `silent`.
    private func isLed(_ cluster: ControlCluster, without silent: Int32) -> Bool {
        cluster.nodes.values.filter { $0.id != silent }.allSatisfy { node in
            let topic = node.cache.current.topics[name: "orders"]
            return topic?.partitions.allSatisfy { $0.leader != nil && $0.leader?.value != silent } ?? false
        }
    }

    private func fences(_ cluster: ControlCluster) -> UInt64 {
        cluster.nodes.values.map { $0.controller.detections.values.reduce(0, +) }.reduce(0, +)
    }

    @Test(
        "R2: a paused broker's partitions have another leader within 1.2 s, and it comes back when it wakes",
        arguments: seeds)
    func pausedBroker(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let active = try #require(cluster.active)
        let victim: Int32 = active == 1 ? 2 : 1
        let node = try #require(cluster.nodes[victim])
        node.pause()
        let took = try #require(cluster.milliseconds(until: { isLed(cluster, without: victim) }))
        #expect((600...1_200).contains(took))
        #expect(cluster.nodes[active]?.controller.detections == [.silence: 1])
        cluster.time.run(forMilliseconds: 3_000)
        node.resume()
        let back = cluster.milliseconds(until: {
            cluster.nodes[active]?.cache.current.brokers.isActive(BrokerID(victim)) ?? false
        })
        #expect(try #require(back) < 2_000)
    }

    @Test("R2 and R7: a paused active controller's own partitions have another leader within 1.8 s", arguments: seeds)
    func pausedController(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let victim = try #require(cluster.active)
        let node = try #require(cluster.nodes[victim])
        node.pause()
        let took = try #require(cluster.milliseconds(until: { isLed(cluster, without: victim) }))
        #expect(took <= 1_800)
        node.resume()
        cluster.time.run(forMilliseconds: 3_000)
        let active = cluster.nodes.values.filter { $0.controller.isActive }
        #expect(active.count == 1)
        #expect(active.first?.cache.current.brokers.sorted.allSatisfy(\.isActive) ?? false)
    }

    @Test("R2: a broker that only the controller can't hear is left to its session", arguments: seeds)
    func cutOffFromController(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        let active = try #require(cluster.active)
        let victim: Int32 = active == 1 ? 2 : 1
        cluster.network.cut(from: Int(victim), to: Int(active))
        cluster.network.cut(from: Int(active), to: Int(victim))
        cluster.time.run(forMilliseconds: 2_500)
        #expect(fences(cluster) == 0)
        let took = cluster.milliseconds(until: { isLed(cluster, without: victim) })
        #expect(try #require(took) < 1_500)
        cluster.network.heal()
        cluster.time.run(forMilliseconds: 2_000)
        #expect(cluster.nodes.values.allSatisfy { $0.cache.current.brokers.sorted.allSatisfy(\.isActive) })
    }

    @Test("A pause of all nodes at once fences nobody", arguments: seeds)
    func pausedTogether(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        for node in cluster.nodes.values { node.pause() }
        cluster.time.run(forMilliseconds: 10_000)
        for id in cluster.nodes.keys.sorted() { cluster.nodes[id]?.resume() }
        cluster.time.run(forMilliseconds: 10_000)
        #expect(fences(cluster) == 0)
        #expect(cluster.nodes.values.allSatisfy { $0.cache.current.brokers.sorted.allSatisfy(\.isActive) })
    }

    @Test("Pauses of half a second, again and again, fence nobody", arguments: seeds)
    func shortPauses(seed: UInt64) throws {
        let cluster = try cluster(seed: seed)
        for round in 0..<60 {
            let id = Int32(round % 3) + 1
            let node = try #require(cluster.nodes[id])
            node.pause()
            cluster.time.run(forMilliseconds: cluster.time.draw(in: 50...500))
            node.resume()
            cluster.time.run(forMilliseconds: cluster.time.draw(in: 50...1_000))
        }
        #expect(fences(cluster) == 0)
    }
}
