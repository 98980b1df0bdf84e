import Coordinators
import HashTreeCollections
import Primitives
import Testing
import WireMessages

@Suite("Consumer groups: static members, assignors, offsets") struct ConsumerStaticMemberTests {
    private func scene(_ topics: [String: Int32] = ["t": 4]) throws -> Scene {
        let scene = Scene { $0.consumerLimits.assignmentIntervalMilliseconds = 0 }
        try scene.setTopics(topics)
        return scene
    }

    @Test("a static member that goes away for a while gets back what it had, under its new id, and nobody moves")
    func away() throws {
        let scene = try scene()
        scene.beat(.join("a", instance: "i"))
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1]], instance: "i")
        scene.beat("b", 2)
        #expect(scene.beat(.join("x", instance: "i")).errorCode == .unreleasedInstanceID)
        #expect(scene.beat("a", -2, instance: "i").memberEpoch == -2)
        let back = scene.beat(.join("x", instance: "i"))
        #expect(back.errorCode == .noError && back.memberEpoch == 2 && back.told == "t0 t1")
        #expect(scene.owned == ["x": "t0 t1", "b": "t2 t3"])
        #expect(scene.beat("a", 2, instance: "i").errorCode == .fencedInstanceID)
        #expect(scene.beat("x", 2, instance: "j").errorCode == .unknownMemberID)
    }

    @Test("a static member that does not come back is out after its session")
    func notBack() throws {
        let scene = try scene()
        scene.beat(.join("a", instance: "i"))
        scene.beat("a", -2, instance: "i")
        scene.advance(milliseconds: 46_000)
        #expect(scene.consumers?.members.isEmpty == true)
    }

    @Test("most votes choose the assignor")
    func assignorVotes() throws {
        let scene = try scene(["t": 3, "u": 3])
        scene.beat(.join("a", ["t", "u"], assignor: "range"))
        #expect(scene.shard.describeConsumerGroup("g")?.assignorName == "range")
        scene.beat(.join("b", ["t", "u"], assignor: "range"))
        scene.beat("a", 1, owned: [:])
        scene.beat("b", 2)
        #expect(scene.owned == ["a": "t0 t1 u0 u1", "b": "t2 u2"])
    }

    @Test("only a member in its epoch commits; one that has not heard of the next epoch commits what it keeps")
    func commits() throws {
        let scene = try scene(["t": 4])
        scene.beat(.join("a"))
        func commit(_ epoch: Int32, _ partition: Int32, member: String = "a", version: Int16 = 9) -> ErrorCode? {
            scene.committedError(
                scene.commit(5, member: member, generation: epoch, partition: partition, version: version))
        }
        #expect(commit(1, 0) == .noError)
        #expect(commit(2, 0) == .staleMemberEpoch)
        #expect(commit(1, 0, member: "x") == .unknownMemberID)
        #expect(commit(-1, 0, member: "") == .unknownMemberID)
        #expect(commit(1, 0, version: 8) == .unsupportedVersion)
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1]])
        scene.beat("b", 2)
        #expect(commit(1, 0) == .noError, "owned since epoch 1")
        #expect(commit(1, 2) == .staleMemberEpoch, "not its any more")
        #expect(commit(1, 2, member: "b") == .staleMemberEpoch, "owned since epoch 2")
        #expect(scene.shard.errorOfFetch(group: "g", memberID: "a", epoch: 2) == nil)
        #expect(scene.shard.errorOfFetch(group: "g", memberID: "a", epoch: 1) == .staleMemberEpoch)
        #expect(scene.shard.errorOfFetch(group: "g", memberID: "x", epoch: 1) == .unknownMemberID)
        #expect(scene.shard.errorOfFetch(group: "g", memberID: nil, epoch: -1) == nil)
    }

    @Test("an expression stands for the topics that it matches, and for new ones after the interval of the settings")
    func expressions() throws {
        let scene = try scene(["t": 1, "u": 1])
        let bad = scene.beat(.join("a", nil, expression: "t("))
        #expect(bad.errorCode == .invalidRegularExpression)
        #expect(bad.errorMessage?.contains("missing ) at character 2") == true)
        #expect(scene.log.isEmpty)
        scene.beat(.join("a", nil, expression: "t|w"))
        #expect(scene.owned == ["a": "t0"])
        try scene.setTopics(["t": 1, "u": 1, "w": 1], end: 2)
        scene.beat("a", 1)
        #expect(scene.owned == ["a": "t0"])
        scene.time.timeOfDay = Timestamp(scene.time.timeOfDay.value + 600_000)
        #expect(scene.beat("a", 1).told == "t0 w0")
        scene.beat("a", -1)
        #expect(scene.consumers?.expressions.isEmpty == true)
    }

    @Test("lists and deletions know groups of both protocols")
    func administration() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        _ = scene.joinTwice(group: "h")
        let listed = scene.shard.list(states: [], types: [])
        #expect(listed.map(\.groupID) == ["g", "h"] && listed.map(\.groupType) == ["consumer", "classic"])
        #expect(listed[0].protocolType == "consumer" && listed[0].groupState == "Stable")
        #expect(scene.shard.list(states: ["stable"], types: ["Consumer"]).map(\.groupID) == ["g"])
        #expect(scene.shard.describe("g") == nil)
        #expect(scene.delete(["g"]) == [.nonEmptyGroup])
        scene.commit(3, member: "a", generation: 1)
        #expect(scene.deleteOffsets(["t"])?.topics.first?.partitions.first?.errorCode == .groupSubscribedToTopic)
        #expect(scene.deleteOffsets(["u"])?.errorCode == .noError)
        scene.beat("a", -1)
        scene.advance(milliseconds: (10_080 + 20) * 60_000)
        #expect(scene.shard.image["g"] == nil, "an empty group goes with its last offset")
    }

    @Test("five thousand members join, and none of them makes the coordinator slow")
    func manyMembers() throws {
        let scene = Scene()
        try scene.setTopics(["t": 5_000])
        for index in 0..<5_000 { scene.beat(.join("m\(index)")) }
        scene.advance(milliseconds: 1_000)
        for index in 0..<5_000 {
            scene.beat("m\(index)", scene.consumers?.members["m\(index)"]?.epoch ?? 0, owned: [:])
        }
        #expect(scene.consumers?.members.values.contains { $0.assigned.count > 1 } == false)
    }
}
