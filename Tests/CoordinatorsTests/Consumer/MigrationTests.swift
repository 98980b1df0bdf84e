import Coordinators
import HashTreeCollections
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("Consumer groups: migration from and to the classic protocol") struct MigrationTests {
    private func scene(_ adjust: (inout GroupConfiguration) -> Void = { _ in }) throws -> Scene {
        let scene = Scene {
            $0.consumerLimits.assignmentIntervalMilliseconds = 0
            adjust(&$0)
        }
        try scene.setTopics(["t": 4])
        return scene
    }

    private static func assignment(_ partitions: [Int32]) -> Bytes {
        var message = ConsumerProtocolAssignment()
        var topic = ConsumerProtocolAssignment.TopicPartition()
        topic.topic = "t"
        topic.partitions = partitions.map { PartitionIndex($0) }
        message.assignedPartitions = [topic]
        return Bytes([0, 1] + message.encoded(version: 1).array)
    }

    private static func partitions(_ bytes: Bytes?) throws -> [Int32] {
        guard let bytes, bytes.count > 2 else { return [] }
        let version = bytes.bigEndian(Int16.self, at: 0)
        let message = try ConsumerProtocolAssignment.decode(bytes[2..<bytes.count], version: version)
        return message.assignedPartitions.flatMap { $0.partitions.map(\.value) }.sorted()
    }

    /// A stable classic group of one consumer that owns all four partitions; its id.
    private func classicConsumer(in scene: Scene) -> String {
        let id = scene.joined(scene.join(subscription: Scene.subscription("t")))?.memberID ?? ""
        scene.join(id, subscription: Scene.subscription("t"))
        scene.sync(id, generation: 1, bytes: [id: MigrationTests.assignment([0, 1, 2, 3])])
        #expect(scene.state() == "Stable")
        return id
    }

    @Test("a consumer that joins a classic group makes it a consumer group; the classic member is served on")
    func upgrade() throws {
        let scene = try scene()
        let old = classicConsumer(in: scene)
        scene.commit(7, member: old, generation: 1)
        let new = scene.beat(.join("n"))
        #expect(new.errorCode == .noError && new.memberEpoch == 2 && new.told == "")
        #expect(scene.shard.isConsumerGroup("g") && scene.fetched() == 7)
        #expect(scene.owned[old] == "t0 t1 t2 t3")
        #expect(scene.shard.describeConsumerGroup("g")?.members.map(\.memberType).sorted() == [0, 1])

        #expect(scene.heartbeat(old, generation: 1) == .rebalanceInProgress)
        let again = scene.joined(scene.join(old, subscription: Scene.subscription("t")))
        #expect(again?.errorCode == .noError && again?.generationID == 2 && again?.protocolName == "range")
        #expect(again?.leader == "" && again?.members.isEmpty == true)
        let synced = scene.synced(scene.sync(old, generation: 2, type: "consumer", name: "range"))
        #expect(try MigrationTests.partitions(synced?.assignment) == [0, 1])
        #expect(scene.heartbeat(old, generation: 2) == .noError)
        #expect(scene.beat("n", 2).told == "t2 t3")
        #expect(scene.committedError(scene.commit(9, member: old, generation: 2)) == .noError)
        #expect(scene.committedError(scene.commit(9, member: old, generation: 1)) == .illegalGeneration)

        let next = scene.reloaded()
        #expect(next.consumers == scene.consumers)
        #expect(next.heartbeat(old, generation: 2) == .noError)
    }

    @Test("when the last consumer leaves, the group is classic again and calls its members to a rebalance")
    func downgrade() throws {
        let scene = try scene()
        let old = classicConsumer(in: scene)
        scene.beat(.join("n"))
        scene.join(old, subscription: Scene.subscription("t"))
        scene.sync(old, generation: 2)
        #expect(scene.beat("n", -1).errorCode == .noError)
        #expect(!scene.shard.isConsumerGroup("g") && scene.state() == "PreparingRebalance")
        #expect(scene.heartbeat(old, generation: 2) == .rebalanceInProgress)
        let next = scene.reloaded()
        #expect(next.state() == "PreparingRebalance", "or nobody would have what the consumer left")
        #expect(next.heartbeat(old, generation: 2) == .rebalanceInProgress)
        #expect(next.joined(next.join(old, subscription: Scene.subscription("t")))?.generationID == 3)
        let joined = scene.joined(scene.join(old, subscription: Scene.subscription("t")))
        #expect(joined?.generationID == 3 && joined?.leader == old && joined?.members.count == 1)
        scene.sync(old, generation: 3, bytes: [old: MigrationTests.assignment([0, 1, 2, 3])])
        #expect(scene.state() == "Stable")
        #expect(scene.reloaded().state() == "Stable")
    }

    @Test("a classic process in the place of the last consumer keeps its share; others are not called to a rebalance")
    func replacedLastConsumer() throws {
        let scene = try scene()
        scene.beat(.join("n", instance: "one"))
        let other = scene.joined(scene.join(instance: "two", subscription: Scene.subscription("t")))?.memberID ?? ""
        scene.beat("n", 1, owned: ["t": [0, 1]], instance: "one")
        scene.join(other, instance: "two", subscription: Scene.subscription("t"))
        #expect(scene.owned == ["n": "t0 t1", other: "t2 t3"])

        let joined = scene.joined(scene.join(instance: "one", subscription: Scene.subscription("t")))
        let id = joined?.memberID ?? ""
        #expect(joined?.errorCode == .noError && joined?.generationID == 2 && joined?.protocolName == "range")
        #expect(joined?.leader == "" && joined?.members.isEmpty == true)
        #expect(!scene.shard.isConsumerGroup("g") && scene.state() == "Stable")
        let synced = scene.synced(scene.sync(id, generation: 2, instance: "one", type: "consumer", name: "range"))
        #expect(try MigrationTests.partitions(synced?.assignment) == [0, 1])
        #expect(scene.heartbeat(other, generation: 2, instance: "two") == .noError)
        let kept = scene.synced(scene.sync(other, generation: 2, instance: "two"))
        #expect(try MigrationTests.partitions(kept?.assignment) == [2, 3])
        #expect(scene.beat("n", 2, instance: "one").errorCode == .groupIDNotFound)

        let next = scene.reloaded()
        #expect(next.state() == "Stable" && next.heartbeat(id, generation: 2, instance: "one") == .noError)
    }

    @Test("in the place of the last consumer all join anew where one has not its target, or topics are others")
    func replacedInRebalance() throws {
        for isUnderWay in [true, false] {
            let scene = try scene()
            try scene.setTopics(["t": 4, "u": 1])
            scene.beat(.join("n", instance: "one"))
            if isUnderWay { scene.join(instance: "two", subscription: Scene.subscription("t")) }
            let topics = isUnderWay ? Scene.subscription("t") : Scene.subscription("u")
            let joined = scene.joined(scene.join(instance: "one", subscription: topics))
            #expect(joined?.errorCode == .rebalanceInProgress && joined?.memberID.isEmpty == false)
            #expect(scene.state() == "PreparingRebalance")
        }
    }

    @Test("a member that comes new with the classic protocol joins a consumer group, and leaves it")
    func classicJoin() throws {
        let scene = try scene()
        scene.beat(.join("n"))
        let asked = scene.joined(scene.join(subscription: Scene.subscription("t")))
        #expect(asked?.errorCode == .memberIDRequired)
        let id = asked?.memberID ?? ""
        let joined = scene.joined(scene.join(id, subscription: Scene.subscription("t")))
        #expect(joined?.errorCode == .noError && joined?.generationID == 2)
        let synced = scene.synced(scene.sync(id, generation: 2))
        #expect(try MigrationTests.partitions(synced?.assignment).isEmpty, "n has not given anything up yet")
        #expect(scene.heartbeat(id, generation: 2) == .noError)
        scene.beat("n", 1, owned: ["t": [0, 1]])
        #expect(scene.heartbeat(id, generation: 2) == .rebalanceInProgress, "what it waits for is free")
        scene.join(id, subscription: Scene.subscription("t"))
        let both = scene.synced(scene.sync(id, generation: 2))
        #expect(try MigrationTests.partitions(both?.assignment) == [2, 3])
        #expect(scene.joined(scene.join(type: "connect", subscription: Scene.subscription("t")))?.errorCode
            == .inconsistentGroupProtocol)
        #expect(scene.sync("n", generation: 2).value > 0)
        #expect(scene.heartbeat("n", generation: 2) == .unknownMemberID, "it is no classic member")
        let left = scene.leave([(id: id, instance: nil), (id: "n", instance: nil)])
        #expect(left?.members.map(\.errorCode) == [.noError, .unknownMemberID])
        #expect(scene.beat("n", 2).told == "t0 t1 t2 t3")
    }

    @Test("a classic member that does not join again in its rebalance timeout is out")
    func lateClassicMember() throws {
        let scene = try scene()
        let old = classicConsumer(in: scene)
        scene.beat(.join("n"))
        for _ in 0..<13 {
            _ = scene.heartbeat(old, generation: 1)
            scene.beat("n", scene.consumers?.members["n"]?.epoch ?? 0)
            scene.advance(milliseconds: 5_000)
        }
        #expect(scene.heartbeat(old, generation: 1) == .unknownMemberID)
        #expect(scene.owned == ["n": "t0 t1 t2 t3"])
    }

    @Test("the policy decides", arguments: GroupMigrationPolicy.allCases)
    func policy(_ policy: GroupMigrationPolicy) throws {
        let scene = try scene { $0.migrationPolicy = policy }
        let old = classicConsumer(in: scene)
        let answer = scene.beat(.join("n"))
        guard policy == .upgrade || policy == .bidirectional else {
            #expect(answer.errorCode == .groupIDNotFound && scene.state() == "Stable")
            return
        }
        #expect(answer.errorCode == .noError)
        scene.join(old, subscription: Scene.subscription("t"))
        scene.beat("n", -1)
        #expect(scene.shard.isConsumerGroup("g") == (policy == .upgrade))
    }

    @Test("an empty group of either protocol gives its id to the other one, with its offsets")
    func emptyGroups() throws {
        let scene = try scene()
        scene.beat(.join("n"))
        scene.commit(4, member: "n", generation: 1)
        scene.beat("n", -1)
        let old = classicConsumer(in: scene)
        #expect(!scene.shard.isConsumerGroup("g") && scene.fetched() == 4)
        #expect(scene.reloaded().state() == "Stable")
        _ = scene.leave([(id: old, instance: nil)])
        #expect(scene.state() == "Empty")
        #expect(scene.beat(.join("m")).told == "t0 t1 t2 t3")
        #expect(scene.shard.isConsumerGroup("g") && scene.fetched() == 4)
        #expect(scene.reloaded().shard.isConsumerGroup("g"))
    }

    @Test("those who wait in a rebalance are told to join again when their group becomes a consumer group")
    func upgradeInRebalance() throws {
        let scene = try scene()
        let old = classicConsumer(in: scene)
        let newcomer = scene.joined(scene.join(subscription: Scene.subscription("t")))?.memberID ?? ""
        let waiting = scene.join(newcomer, subscription: Scene.subscription("t"))
        #expect(scene.joined(waiting) == nil)
        scene.logRefusal = .notEnoughReplicas
        #expect(scene.beat(.join("n")).errorCode == .coordinatorNotAvailable)
        #expect(scene.joined(waiting)?.errorCode == .rebalanceInProgress)
        scene.logRefusal = nil
        scene.beat(.join("n"))
        #expect(scene.shard.isConsumerGroup("g") && scene.consumers?.members.count == 3)
        #expect(scene.owned[old] == "t0 t1 t2 t3")
    }
}
