import Coordinators
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("The timeline of a group") struct GroupTimelineTests {
    private func events(_ scene: Scene, _ group: String = "g") -> [GroupEvent] {
        scene.shard.timeline(of: group).events
    }

    private func kinds(_ scene: Scene, _ group: String = "g") -> [GroupEvent.Kind] {
        events(scene, group).map(\.kind)
    }

    // MARK: classic

    @Test("a member that joins, its rebalance and how long it took")
    func joining() throws {
        let scene = Scene { $0.initialRebalanceDelayMilliseconds = 3_000 }
        let (id, _) = scene.joinTwice()
        scene.advance(milliseconds: 3_500)
        scene.sync(id, generation: 1, assignments: [id: "all"])
        #expect(kinds(scene) == [.joined, .rebalance, .generation, .stable])
        let stable = try #require(events(scene).last)
        #expect(stable.epoch == 1 && stable.memberCount == 1 && stable.tookMilliseconds == 3_500)
        #expect(events(scene)[0].member == GroupEvent.Member(id: id, clientID: "c", clientHost: "/127.0.0.1"))
        #expect(events(scene)[0].time == Timestamp(1_000_000) && stable.time == Timestamp(1_003_500))
    }

    @Test("who left by itself, who was removed by an administrator, and what they gave as a reason")
    func leaving() throws {
        let scene = Scene()
        let id = scene.stable(1)[0]
        var identity = LeaveGroupRequest.MemberIdentity()
        identity.memberID = id
        identity.reason = "consumer poll timeout has expired."
        scene.perform(scene.shard.leave([identity], of: "g", ticket: scene.ticket(), at: scene.time))
        #expect(kinds(scene).suffix(3) == [.left, .rebalance, .empty])
        #expect(events(scene).first { $0.kind == .left }?.reason == "consumer poll timeout has expired.")

        let named = Scene()
        let static1 = named.joined(named.join(instance: "one"))?.memberID ?? ""
        named.sync(static1, generation: 1, assignments: [static1: "all"])
        _ = named.leave([("", "one")])
        #expect(events(named).first { $0.kind == .removed }?.member?.instanceID == "one")
        #expect(kinds(named).last == .empty)
    }

    @Test("a member that was silent, one that did not join again, one that did not fetch its assignment")
    func evictions() {
        let silent = Scene()
        _ = silent.stable(1)
        silent.advance(milliseconds: 10_001)
        #expect(kinds(silent).contains(.sessionExpired) && kinds(silent).last == .empty)
        let reason = events(silent).first { $0.kind == .sessionExpired }?.reason
        #expect(reason == "not heard of for session.timeout.ms=10000")

        let slow = Scene()
        let ids = slow.stable(2)
        let third = slow.joinTwice()
        slow.join(ids[0])
        for _ in 0..<12 {
            slow.advance(milliseconds: 5_000)
            _ = slow.heartbeat(ids[1], generation: 2)
        }
        #expect(events(slow).filter { $0.kind == .rejoinMissed }.map(\.member?.id) == [ids[1]])
        slow.sync(third.id, generation: 3)
        for _ in 0..<13 {
            slow.advance(milliseconds: 5_000)
            _ = slow.heartbeat(ids[0], generation: 3)
            _ = slow.heartbeat(third.id, generation: 3)
        }
        #expect(events(slow).filter { $0.kind == .syncMissed }.map(\.member?.id) == [ids[0]])
    }

    @Test("a static member under a new id, and what its former life is told, counted once")
    func fencing() throws {
        let scene = Scene()
        let old = scene.joined(scene.join(instance: "one"))?.memberID ?? ""
        scene.sync(old, generation: 1, instance: "one", assignments: [old: "all"])
        let new = scene.joined(scene.join(instance: "one"))?.memberID ?? ""
        #expect(new != old)
        for _ in 0..<5 { _ = scene.heartbeat(old, generation: 1, instance: "one") }
        for _ in 0..<2 { scene.commit(7, member: old, generation: 1, instance: "one") }
        let replaced = try #require(events(scene).first { $0.kind == .replaced })
        #expect(replaced.member?.id == new && replaced.reason == "in the place of \(old)")
        #expect(events(scene).suffix(2).map(\.kind) == [.fenced, .commitRefused])
        #expect(events(scene).suffix(2).map(\.count) == [5, 2])
        #expect(events(scene).last?.reason == "FENCED_INSTANCE_ID")
    }

    @Test("a member that asks for a rebalance is named with why")
    func causes() {
        let scene = Scene()
        let ids = scene.stable(2)
        scene.join(ids[1], protocols: ["range", "sticky"])
        let last = events(scene).last
        #expect(last?.kind == .rebalance && last?.member?.id == ids[1])
        #expect(last?.reason == "it subscribes to other topics or knows other assignors")
    }

    // MARK: consumer

    private func consumers() throws -> Scene {
        let scene = Scene { $0.consumerLimits.assignmentIntervalMilliseconds = 0 }
        try scene.setTopics(["t": 4])
        return scene
    }

    @Test("a consumer group: epochs, how long until all had their share, and who was evicted")
    func consumerGroup() throws {
        let scene = try consumers()
        scene.beat(.join("a"))
        #expect(kinds(scene) == [.joined, .rebalance, .stable])
        #expect(events(scene).last?.epoch == 1 && events(scene).last?.tookMilliseconds == 0)
        scene.beat(.join("b"))
        scene.advance(milliseconds: 2_000)
        scene.beat("a", 1)
        scene.beat("a", 1, owned: ["t": [0, 1]])
        scene.beat("b", 2)
        #expect(kinds(scene).suffix(3) == [.joined, .rebalance, .stable])
        #expect(events(scene).last?.tookMilliseconds == 2_000 && events(scene).last?.memberCount == 2)
        scene.beat("b", 9)
        #expect(events(scene).last?.kind == .fenced && events(scene).last?.reason == "FENCED_MEMBER_EPOCH")
        scene.beat(.init(member: "b", epoch: 2, names: ["u"]))
        let changed = events(scene).last { $0.kind == .rebalance }
        #expect(changed?.reason == "member b subscribes to other topics" && changed?.epoch == 3)
        scene.advance(milliseconds: 45_001)
        #expect(kinds(scene).contains(.sessionExpired) && kinds(scene).last == .empty)
    }

    @Test("a member that keeps what it has to give up is out after its rebalance timeout")
    func revocation() throws {
        let scene = try consumers()
        scene.beat(.join("a"))
        scene.beat(.join("b"))
        scene.beat("a", 1)
        for _ in 0..<7 {
            scene.advance(milliseconds: 10_000)
            scene.beat("a", 1)
            scene.beat("b", 2)
        }
        let missed = events(scene).first { $0.kind == .rejoinMissed }
        #expect(missed?.member?.id == "a")
        #expect(missed?.reason == "did not give up its partitions within its rebalance timeout of 60000 ms")
    }

    @Test("a static consumer that goes and comes back, and one that leaves")
    func away() throws {
        let scene = try consumers()
        scene.beat(.join("a", instance: "one"))
        scene.beat("a", -2, instance: "one")
        scene.beat(.join("z", instance: "one"))
        #expect(kinds(scene).suffix(2) == [.away, .replaced])
        scene.beat("z", -1, instance: "one")
        #expect(kinds(scene).suffix(3) == [.left, .rebalance, .empty])
    }

    @Test("a group that changes its protocol has one timeline")
    func migration() throws {
        let scene = try consumers()
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = []
        let nothing = Bytes([0, 1] + assignment.encoded(version: 1).array)
        let old = scene.joined(scene.join(subscription: Scene.subscription("t")))?.memberID ?? ""
        scene.join(old, subscription: Scene.subscription("t"))
        scene.sync(old, generation: 1, bytes: [old: nothing])
        scene.beat(.join("n"))
        #expect(kinds(scene).contains(.upgraded))
        scene.beat("n", -1)
        #expect(kinds(scene).suffix(3) == [.left, .downgraded, .rebalance])
        #expect(events(scene).first?.member?.id == old)
    }

    // MARK: bounds

    @Test("what is kept is bounded, for a group and for all; the newest stay")
    func bounds() {
        let scene = Scene {
            $0.timelineEventsMax = 8
            $0.timelineEventsOfShardMax = 20
        }
        _ = scene.stable(4)
        let timeline = scene.shard.timeline(of: "g")
        #expect(timeline.events.count == 8 && timeline.forgottenCount > 0 && timeline.events.last?.kind == .stable)
        for group in ["h", "i", "j", "k"] {
            scene.advance(milliseconds: 10)
            _ = scene.stable(1, group: group)
        }
        let kept = ["g", "h", "i", "j", "k"].map { scene.shard.timeline(of: $0).events.count }
        #expect(kept.reduce(0, +) <= 20 && kept[0] == 0 && kept[4] == 4)
    }

    @Test("a deleted group leaves nothing, and strangers make no timeline")
    func forgotten() {
        let scene = Scene()
        _ = scene.heartbeat("who", generation: 3)
        scene.commit(7, member: "who", generation: 3)
        #expect(events(scene).isEmpty)
        let id = scene.stable(1)[0]
        _ = scene.leave([(id, nil)])
        #expect(scene.delete(["g"]) == [.noError])
        #expect(events(scene).isEmpty)
    }
}
