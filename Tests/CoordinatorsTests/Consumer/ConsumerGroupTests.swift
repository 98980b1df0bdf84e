import Coordinators
import HashTreeCollections
import Primitives
import Testing
import WireMessages

@Suite("Consumer groups: joining, reconciling, leaving") struct ConsumerGroupTests {
    private func scene(_ topics: [String: Int32] = ["t": 4], interval: Int64 = 0) throws -> Scene {
        let scene = Scene { $0.consumerLimits.assignmentIntervalMilliseconds = interval }
        try scene.setTopics(topics)
        return scene
    }

    @Test("the first member gets everything, in epoch 1, and is told its pace")
    func first() throws {
        let scene = try scene()
        let answer = scene.beat(.join("a"))
        #expect(answer.errorCode == .noError && answer.memberID == "a" && answer.memberEpoch == 1)
        #expect(answer.heartbeatIntervalMilliseconds == 5_000 && answer.told == "t0 t1 t2 t3")
        #expect(scene.shard.describeConsumerGroup("g")?.groupState == "Stable")
        #expect(scene.beat("a", 1).told == nil, "what has not changed is not told again")
    }

    @Test("a second member gets its half when the first one has given it up, not before")
    func reconciliation() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        let second = scene.beat(.join("b"))
        #expect(second.memberEpoch == 2 && second.told == "")
        #expect(scene.shard.describeConsumerGroup("g")?.groupState == "Reconciling")

        let revoking = scene.beat("a", 1, owned: ["t": [0, 1, 2, 3]])
        #expect(revoking.memberEpoch == 1 && revoking.told == "t0 t1")
        #expect(scene.beat("b", 2).told == nil, "nothing is free yet")
        #expect(scene.beat("a", 1).told == nil, "it has not said that it gave up")
        let revoked = scene.beat("a", 1, owned: ["t": [0, 1]])
        #expect(revoked.memberEpoch == 2)
        #expect(scene.beat("b", 2).told == "t2 t3")
        #expect(scene.owned == ["a": "t0 t1", "b": "t2 t3"])
        #expect(scene.shard.describeConsumerGroup("g")?.groupState == "Stable")
    }

    @Test("a member that leaves frees its partitions at once; the last one leaves an empty group")
    func leaving() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        #expect(scene.beat("a", -1).memberEpoch == -1)
        #expect(scene.shard.describeConsumerGroup("g")?.groupState == "Empty")
        #expect(scene.delete(["g"]) == [.noError])
        #expect(scene.shard.describeConsumerGroup("g") == nil && scene.shard.image["g"] == nil)
    }

    @Test("a member that is not heard of is out after its session, and the others get its part")
    func session() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1, 2, 3]])
        scene.beat("a", 1, owned: ["t": [0, 1]])
        scene.beat("b", 2)
        scene.advance(milliseconds: 40_000)
        scene.beat("a", 2)
        scene.advance(milliseconds: 10_000)
        #expect(scene.owned == ["a": "t0 t1"])
        let answer = scene.beat("a", 2)
        #expect(answer.memberEpoch == 3 && answer.told == "t0 t1 t2 t3")
        #expect(scene.beat("b", 2).errorCode == .unknownMemberID)
    }

    @Test("a member that does not give up in its rebalance timeout is out")
    func revocationTimeout() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1, 2, 3]])
        for _ in 0..<11 {
            scene.advance(milliseconds: 5_000)
            scene.beat("a", 1, owned: ["t": [0, 1, 2, 3]])
            scene.beat("b", 2)
        }
        scene.advance(milliseconds: 6_000)
        #expect(scene.beat("a", 1).errorCode == .unknownMemberID)
        #expect(scene.beat("b", 2).told == "t0 t1 t2 t3")
    }

    @Test("epochs fence: a greater or older one is refused, the one before is not if nothing too much is owned")
    func fencing() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1]])
        #expect(scene.beat("a", 3).errorCode == .fencedMemberEpoch)
        #expect(scene.beat("a", 1).errorCode == .fencedMemberEpoch, "it has not said what it owns")
        #expect(scene.beat("a", 1, owned: ["t": [2]]).errorCode == .fencedMemberEpoch)
        let again = scene.beat("a", 1, owned: ["t": [0, 1]])
        #expect(again.errorCode == .noError && again.memberEpoch == 2)
        #expect(scene.beat("x", 2).errorCode == .unknownMemberID)
    }

    @Test("a fenced member joins again under its id, and owns nothing until it is told")
    func rejoining() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1]])
        let again = scene.beat(.join("a"))
        #expect(again.errorCode == .noError && again.memberEpoch > 2 && again.told == "t0 t1")
        let retried = scene.beat(.join("b"))
        #expect(retried.errorCode == .noError, "the answer to its join was lost")
    }

    @Test("what a request lacks is said in Kafka's words")
    func invalidRequests() throws {
        let scene = try scene()
        func message(_ change: (inout Scene.Beat) -> Void) -> String {
            var beat = Scene.Beat.join("a")
            change(&beat)
            let answer = scene.beat(beat)
            #expect(answer.errorCode == .invalidRequest)
            return answer.errorMessage ?? ""
        }
        #expect(message { $0.group = " " } == "GroupId can't be empty.")
        #expect(message { $0.instance = "" } == "InstanceId can't be empty.")
        #expect(message { $0.rack = "" } == "RackId can't be empty.")
        #expect(message { $0.member = "" } == "MemberId can't be empty.")
        #expect(message { $0.rebalance = -1 } == "RebalanceTimeoutMs must be provided in first request.")
        #expect(message { $0.owned = nil } == "TopicPartitions must be empty when (re-)joining.")
        #expect(message { $0.names = nil }.hasPrefix("Either SubscribedTopicNames or SubscribedTopicRegex"))
        #expect(message { $0.epoch = -2 } == "InstanceId can't be null.")
        #expect(message { $0.epoch = -3 } == "MemberEpoch is invalid.")
        #expect(scene.log.isEmpty)
        let assignor = scene.beat(.join("a", assignor: "best"))
        #expect(assignor.errorCode == .unsupportedAssignor)
        #expect(
            assignor.errorMessage == "ServerAssignor best is not supported. Supported assignors: uniform, range.")
    }

    @Test("version 0 gets its id from the coordinator")
    func givenID() throws {
        let scene = try scene()
        var beat = Scene.Beat.join("")
        beat.version = 0
        let answer = scene.beat(beat)
        #expect(answer.errorCode == .noError && answer.memberID?.isEmpty == false)
    }

    @Test("an unknown group is not made by a heartbeat that does not join, and a full one takes nobody")
    func bounds() throws {
        let scene = try scene()
        #expect(scene.beat("a", 1).errorCode == .groupIDNotFound)
        let full = Scene { $0.consumerMembersMax = 1 }
        try full.setTopics(["t": 1])
        full.beat(.join("a"))
        #expect(full.beat(.join("b")).errorCode == .groupMaxSizeReached)
        #expect(full.beat("a", 1).errorCode == .noError)
    }

    @Test("targets are computed at most once in the interval, and then by the clock")
    func interval() throws {
        let scene = try scene(interval: 1_000)
        scene.beat(.join("a"))
        let second = scene.beat(.join("b"))
        #expect(second.memberEpoch == 1 && second.told == "")
        #expect(scene.shard.describeConsumerGroup("g")?.groupState == "Assigning")
        scene.advance(milliseconds: 1_000)
        #expect(scene.consumers?.targetEpoch == 2)
        #expect(scene.beat("a", 1, owned: ["t": [0, 1, 2, 3]]).told == "t0 t1")
    }

    @Test("a topic that is made, grows or goes raises the epoch with the next heartbeat")
    func metadataChanges() throws {
        let scene = try scene(["t": 1])
        scene.beat(.join("a", ["t", "u"]))
        #expect(scene.owned == ["a": "t0"])
        try scene.setTopics(["t": 1, "u": 1])
        #expect(scene.beat("a", 1).told == "t0 u0")
        try scene.setTopics(["t": 1, "u": 1, "v": 1])
        #expect(scene.beat("a", 2).memberEpoch == 2, "v is none of its topics")
        try scene.setTopics(["t": 2, "u": 1])
        #expect(scene.beat("a", 2).told == "t0 t1 u0")
        try scene.setTopics(["u": 1])
        scene.beat("a", 3, owned: ["t": [0, 1], "u": [0]])
        let answer = scene.beat("a", 3, owned: ["u": [0]])
        #expect(answer.memberEpoch == 4 && scene.owned == ["a": "u0"])
    }

    @Test("a member that changes its subscription gives up at once what it does not ask for any more")
    func changedSubscription() throws {
        let scene = try scene(["t": 2, "u": 2], interval: 1_000)
        scene.beat(.join("a", ["t"]))
        var change = Scene.Beat(member: "a", epoch: 1, names: ["u"])
        change.owned = ["t": [0, 1]]
        let answer = scene.beat(change)
        #expect(answer.told == "" && answer.memberEpoch == 1)
        scene.advance(milliseconds: 1_000)
        #expect(scene.beat("a", 1, owned: [:]).told == "u0 u1")
    }

    @Test("an answer waits for what it tells to be committed; one that rests on it waits, too")
    func commitment() throws {
        let scene = try scene()
        scene.commitsAtOnce = false
        let join = scene.sendBeat(.join("a"))
        let stay = scene.sendBeat(Scene.Beat(member: "a", epoch: 1))
        #expect(scene.answer(join) == nil && scene.answer(stay) == nil)
        #expect(scene.shard.describeConsumerGroup("g") == nil)
        scene.commitAll()
        #expect(scene.answer(join)?.memberEpoch == 1 && scene.answer(stay)?.memberEpoch == 1)
        let quiet = scene.sendBeat(Scene.Beat(member: "a", epoch: 1))
        #expect(scene.answer(quiet)?.memberEpoch == 1)
    }

    @Test("an answer waits for what it tells also where a later write was refused")
    func commitmentBehindRefusal() throws {
        let scene = try scene()
        scene.commitsAtOnce = false
        let join = scene.sendBeat(.join("a"))
        scene.logRefusal = .notEnoughReplicas
        let refused = scene.sendBeat(.join("b"))
        #expect(scene.answer(refused)?.errorCode == .coordinatorNotAvailable)
        let stay = scene.sendBeat(Scene.Beat(member: "a", epoch: 1))
        #expect(scene.answer(join) == nil && scene.answer(stay) == nil)
        scene.commitAll()
        #expect(scene.answer(join)?.memberEpoch == 1 && scene.answer(stay)?.memberEpoch == 1)
    }

    @Test("a write that the log refuses changes nothing, and the member is told to come again")
    func refusedWrite() throws {
        let scene = try scene()
        scene.logRefusal = .notEnoughReplicas
        #expect(scene.beat(.join("a")).errorCode == .coordinatorNotAvailable)
        #expect(scene.consumers == nil)
        scene.logRefusal = nil
        #expect(scene.beat(.join("a")).told == "t0 t1 t2 t3")
        scene.logRefusal = .notEnoughReplicas
        scene.advance(milliseconds: 50_000)
        #expect(scene.consumers?.members.count == 1, "it could not be taken out")
        scene.logRefusal = nil
        scene.advance(milliseconds: 2_000)
        #expect(scene.consumers?.members.isEmpty == true)
    }

    @Test("a new coordinator goes on where the old one stopped, with fresh sessions")
    func reload() throws {
        let scene = try scene()
        scene.beat(.join("a"))
        scene.beat(.join("b"))
        scene.beat("a", 1, owned: ["t": [0, 1, 2, 3]])
        let next = scene.reloaded()
        try next.setTopics(["t": 4])
        #expect(next.consumers == scene.consumers)
        #expect(next.beat("a", 1, owned: ["t": [0, 1]]).memberEpoch == 2)
        #expect(next.beat("b", 2).told == "t2 t3")
        #expect(next.log.count == scene.log.count + 2, "the metadata is as it was: no epoch is raised")
        next.advance(milliseconds: 46_000)
        #expect(next.consumers?.members.isEmpty == true)
    }
}
