import ClientCore
import Primitives
import Testing
import WireMessages

@Suite("Member of a group")
struct GroupMembershipTests {
    /// A member with its clock.
    struct Scene {
        var member = GroupMembership(settings: GroupMembership.Settings(groupID: "g", topics: ["t"]))
        var now = MonotonicInstant(0)
        var generator = SeededGenerator(seed: 1)

        mutating func effect() -> GroupMembership.Effect? { member.advance(now: now) }

        mutating func join(_ error: ErrorCode = .noError, leader: String = "other") -> [GroupMembership.Change] {
            var response = JoinGroupResponse()
            response.errorCode = error
            response.memberID = "me"
            response.generationID = 4
            response.protocolName = "range"
            response.leader = leader
            if leader == "me" {
                response.members = ["me", "you"].map { id in
                    var member = JoinGroupResponse.JoinGroupResponseMember()
                    member.memberID = id
                    member.metadata = ConsumerProtocol.subscription(["t"], owned: [])
                    return member
                }
            }
            return member.answered(response, now: now, using: &generator)
        }

        mutating func sync(_ error: ErrorCode = .noError) -> [GroupMembership.Change] {
            var response = SyncGroupResponse()
            response.errorCode = error
            response.assignment = ConsumerProtocol.assignment([TopicPartition("t", PartitionIndex(1))])
            return member.answered(response, now: now, using: &generator)
        }

        mutating func heartbeat(_ error: ErrorCode) -> [GroupMembership.Change] {
            var response = HeartbeatResponse()
            response.errorCode = error
            return member.answered(response, now: now, using: &generator)
        }

        /// Up to a stable share.
        mutating func settle() {
            _ = effect()
            member.coordinatorFound()
            _ = effect()
            _ = join()
            _ = effect()
            _ = sync()
        }
    }

    @Test("From nothing to a share: coordinator, join with an id, sync")
    func joins() {
        var scene = Scene()
        #expect(scene.effect() == .findCoordinator)
        #expect(scene.effect() == nil, "one request at a time")
        scene.member.coordinatorFound()
        guard case .join(let first) = scene.effect() else { return #expect(Bool(false), "a join is due") }
        #expect(first.memberID.isEmpty && first.protocols.map(\.name) == ["range"])
        #expect(scene.join(.memberIDRequired) == [])
        guard case .join(let second) = scene.effect() else { return #expect(Bool(false), "the join is repeated") }
        #expect(second.memberID == "me")
        #expect(scene.join() == [])
        guard case .sync(let sync) = scene.effect() else { return #expect(Bool(false), "a sync is due") }
        #expect(sync.generationID == 4 && sync.assignments.isEmpty)
        #expect(scene.sync() == [.assigned([TopicPartition("t", PartitionIndex(1))])])
        #expect(scene.effect() == nil)
        scene.now = scene.now.advanced(byMilliseconds: 3_000)
        guard case .heartbeat = scene.effect() else { return #expect(Bool(false), "a heartbeat is due") }
    }

    @Test("The leader divides the partitions of all members")
    func divides() throws {
        var scene = Scene()
        _ = scene.effect()
        scene.member.coordinatorFound()
        _ = scene.effect()
        _ = scene.join(leader: "me")
        #expect(scene.effect() == .countPartitions(topics: ["t"]))
        scene.member.counted(["t": 3])
        guard case .sync(let sync) = scene.effect() else { return #expect(Bool(false), "a sync is due") }
        let shares = try sync.assignments.map { try ConsumerProtocol.places(ofAssignment: $0.assignment).count }
        #expect(sync.assignments.map(\.memberID) == ["me", "you"] && shares == [2, 1])
    }

    @Test("A rebalance takes the share back while it can still be committed, and joins again")
    func rebalance() {
        var scene = Scene()
        scene.settle()
        #expect(scene.heartbeat(.rebalanceInProgress) == [.revoked([TopicPartition("t", PartitionIndex(1))])])
        guard case .join(let request) = scene.effect() else { return #expect(Bool(false), "a join is due") }
        #expect(request.memberID == "me")
    }

    @Test("A member that the group forgot has lost its share and starts without an id")
    func forgotten() {
        var scene = Scene()
        scene.settle()
        #expect(scene.heartbeat(.unknownMemberID) == [.lost([TopicPartition("t", PartitionIndex(1))])])
        guard case .join(let request) = scene.effect() else { return #expect(Bool(false), "a join is due") }
        #expect(request.memberID.isEmpty)
        #expect(scene.member.generation == nil)
    }

    @Test("Another coordinator is looked for after a wait")
    func moved() {
        var scene = Scene()
        scene.settle()
        #expect(scene.heartbeat(.notCoordinator) == [])
        #expect(scene.effect() == nil)
        scene.now = scene.now.advanced(byMilliseconds: 2_000)
        #expect(scene.effect() == .findCoordinator)
        scene.member.coordinatorFound()
        scene.now = scene.now.advanced(byMilliseconds: 1_000)
        guard case .heartbeat(let request) = scene.effect() else {
            return #expect(Bool(false), "the new coordinator goes on with the generation")
        }
        #expect(request.generationID == 4 && scene.member.isStable)
    }

    @Test("A stable member whose coordinator does not answer looks for another one, and keeps its share")
    func silentCoordinator() {
        var scene = Scene()
        scene.settle()
        scene.now = scene.now.advanced(byMilliseconds: 3_000)
        guard case .heartbeat = scene.effect() else { return #expect(Bool(false), "a heartbeat is due") }
        scene.member.unanswered(now: scene.now, using: &scene.generator)
        #expect(scene.effect() == nil)
        #expect(scene.member.isStable)
        scene.now = scene.now.advanced(byMilliseconds: 2_000)
        #expect(scene.effect() == .findCoordinator)
        scene.member.coordinatorFound()
        guard case .heartbeat = scene.effect() else { return #expect(Bool(false), "a heartbeat is due") }
    }

    @Test("Commits that fail again and again do not put off the search for another coordinator")
    func failingCommits() {
        var scene = Scene()
        scene.settle()
        for _ in 0..<20 {
            #expect(scene.member.failed(.notCoordinator, now: scene.now, using: &scene.generator) == [])
            scene.now = scene.now.advanced(byMilliseconds: 10)
        }
        #expect(scene.effect() == .findCoordinator)
    }

    @Test("An error for good ends it")
    func refused() {
        var scene = Scene()
        scene.settle()
        #expect(
            scene.heartbeat(.fencedInstanceID)
                == [.lost([TopicPartition("t", PartitionIndex(1))]), .refused(.fencedInstanceID)])
        #expect(scene.effect() == nil)
    }

    @Test("Other topics are joined for at once, or as soon as the member has its share")
    func subscribes() {
        var scene = Scene()
        #expect(scene.member.subscribe(to: ["t", "u"]) == [])
        _ = scene.effect()
        #expect(scene.member.subscribe(to: ["v"]) == nil, "the coordinator is being looked for")
        scene.member.coordinatorFound()
        _ = scene.effect()
        _ = scene.join()
        #expect(scene.member.subscribe(to: ["v"]) == nil, "the member is about to get its share")
        _ = scene.effect()
        _ = scene.sync()
        #expect(scene.member.subscribe(to: ["v"]) == [.revoked([TopicPartition("t", PartitionIndex(1))])])
        #expect(scene.member.subscribe(to: ["v"]) == [])
        guard case .join(let request) = scene.effect() else { return #expect(Bool(false), "a join is due") }
        let topics = try? ConsumerProtocol.topics(ofSubscription: request.protocols[0].metadata)
        #expect(topics == ["v"])
    }

    @Test("A member that a commit's error leads elsewhere while it divides does not wait for ever")
    func errorWhileDividing() {
        var scene = Scene()
        _ = scene.effect()
        scene.member.coordinatorFound()
        _ = scene.effect()
        _ = scene.join(leader: "me")
        #expect(scene.effect() == .countPartitions(topics: ["t"]))
        _ = scene.member.failed(.notCoordinator, now: scene.now, using: &scene.generator)
        scene.member.counted(["t": 2])
        scene.now = scene.now.advanced(byMilliseconds: 100)
        #expect(scene.effect() == .findCoordinator)
    }

    @Test("The member that divided the topics divides them anew when one is made or has more partitions")
    func grown() {
        var scene = Scene()
        _ = scene.effect()
        scene.member.coordinatorFound()
        _ = scene.effect()
        _ = scene.join(leader: "me")
        _ = scene.effect()
        scene.member.counted(["other": 1])
        _ = scene.effect()
        _ = scene.sync()
        #expect(scene.member.seen(["other": 9]) == [], "nobody reads it")
        #expect(scene.member.seen(["t": 4]) == [.revoked([TopicPartition("t", PartitionIndex(1))])])
        guard case .join = scene.effect() else { return #expect(Bool(false), "a join is due") }
        var follower = Scene()
        follower.settle()
        #expect(follower.member.seen(["t": 9]) == [], "the leader sees to it")
    }

    @Test("Ranges: the first members get one more, topic by topic; static members by their names")
    func ranges() {
        let members = [
            RangeAssignor.Member(id: "b", instanceID: nil, topics: ["t", "u"]),
            RangeAssignor.Member(id: "a", instanceID: nil, topics: ["t"]),
            RangeAssignor.Member(id: "z", instanceID: "1", topics: ["t"]),
        ]
        let shares = RangeAssignor.assign(members, partitionCounts: ["t": 4, "u": 2])
        #expect(shares.map(\.memberID) == ["z", "a", "b"])
        #expect(shares.map { GroupText.text($0.places) } == ["t-0 t-1", "t-2", "t-3 u-0 u-1"])
    }
}

enum GroupText {
    static func text(_ places: [TopicPartition]) -> String { places.map(\.description).joined(separator: " ") }
}
