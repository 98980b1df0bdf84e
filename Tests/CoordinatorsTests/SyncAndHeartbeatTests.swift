import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("SyncGroup, Heartbeat, LeaveGroup") struct SyncAndHeartbeatTests {
    @Test("followers that ask early get their part when the leader's assignment is committed, not before")
    func syncWaitsForCommit() {
        let scene = Scene()
        let one = scene.joinTwice()
        let two = scene.joinTwice()
        scene.join(one.id)
        scene.commitsAtOnce = false
        let follower = scene.sync(two.id, generation: 2)
        let leader = scene.sync(one.id, generation: 2, assignments: [one.id: "A", two.id: "B"])
        #expect(scene.synced(follower) == nil && scene.synced(leader) == nil)
        #expect(scene.state() == "CompletingRebalance")
        #expect(scene.heartbeat(one.id, generation: 2) == .noError)
        scene.commitAll()
        #expect(scene.synced(follower)?.assignment == Bytes(utf8: "B"))
        #expect(scene.synced(leader)?.assignment == Bytes(utf8: "A"))
        #expect(scene.synced(leader)?.protocolName == "range")
        #expect(scene.synced(leader)?.protocolType == "consumer")
        #expect(scene.synced(scene.sync(two.id, generation: 2))?.assignment == Bytes(utf8: "B"))
    }

    @Test("SyncGroup is refused with the error that fits")
    func syncErrors() {
        let scene = Scene()
        #expect(scene.synced(scene.sync("x", generation: 1, group: ""))?.errorCode == .invalidGroupID)
        #expect(scene.synced(scene.sync("x", generation: 1))?.errorCode == .unknownMemberID)
        let ids = scene.stable(1)
        #expect(scene.synced(scene.sync("x", generation: 1))?.errorCode == .unknownMemberID)
        #expect(scene.synced(scene.sync(ids[0], generation: 1, instance: "i"))?.errorCode == .unknownMemberID)
        #expect(scene.synced(scene.sync(ids[0], generation: 2))?.errorCode == .illegalGeneration)
        #expect(
            scene.synced(scene.sync(ids[0], generation: 1, type: "connect"))?.errorCode == .inconsistentGroupProtocol)
        #expect(
            scene.synced(scene.sync(ids[0], generation: 1, name: "sticky"))?.errorCode == .inconsistentGroupProtocol)
        #expect(
            scene.synced(scene.sync(ids[0], generation: 1, type: "consumer", name: "range"))?.errorCode == .noError)
        _ = scene.joinTwice()
        #expect(scene.synced(scene.sync(ids[0], generation: 1))?.errorCode == .rebalanceInProgress)
    }

    @Test("an assignment that the log does not take is told to all who wait, and a new rebalance begins")
    func refusedAssignment() {
        let scene = Scene()
        let one = scene.joinTwice()
        let two = scene.joinTwice()
        scene.join(one.id)
        let follower = scene.sync(two.id, generation: 2)
        scene.logRefusal = .notEnoughReplicas
        let leader = scene.sync(one.id, generation: 2, assignments: [one.id: "A", two.id: "B"])
        #expect(scene.synced(follower)?.errorCode == .coordinatorNotAvailable)
        #expect(scene.synced(leader)?.errorCode == .coordinatorNotAvailable)
        #expect(scene.state() == "PreparingRebalance")
    }

    @Test("an assignment whose generation is over changes nothing when its record is committed")
    func lateAssignment() {
        let scene = Scene()
        let one = scene.joinTwice()
        let two = scene.joinTwice()
        scene.join(one.id)
        scene.commitsAtOnce = false
        let leader = scene.sync(one.id, generation: 2, assignments: [one.id: "A"])
        _ = scene.leave([(two.id, nil)])
        #expect(scene.synced(leader)?.errorCode == .rebalanceInProgress)
        scene.commitAll()
        #expect(scene.state() == "PreparingRebalance")
    }

    @Test("a member that joined and never syncs is out after the rebalance timeout")
    func missingSync() {
        let scene = Scene()
        let one = scene.joinTwice()
        let two = scene.joinTwice()
        scene.join(one.id)
        scene.sync(one.id, generation: 2, assignments: [one.id: "A", two.id: "B"])
        #expect(scene.state() == "Stable")
        for _ in 0..<7 {
            scene.advance(milliseconds: 8_900)
            _ = scene.heartbeat(one.id, generation: 2)
            _ = scene.heartbeat(two.id, generation: 2)
        }
        #expect(scene.heartbeat(two.id, generation: 2) == .unknownMemberID)
        #expect(scene.heartbeat(one.id, generation: 2) == .rebalanceInProgress)
    }

    @Test("Heartbeat tells each state and each wrong member apart")
    func heartbeats() {
        let scene = Scene()
        #expect(scene.heartbeat("x", generation: 1, group: "") == .invalidGroupID)
        #expect(scene.heartbeat("x", generation: 1) == .unknownMemberID)
        let ids = scene.stable(2)
        #expect(scene.heartbeat(ids[0], generation: 2) == .noError)
        #expect(scene.heartbeat(ids[0], generation: 1) == .illegalGeneration)
        #expect(scene.heartbeat("x", generation: 2) == .unknownMemberID)
        #expect(scene.heartbeat(ids[0], generation: 2, instance: "i") == .unknownMemberID)
        scene.join(ids[0])
        #expect(scene.heartbeat(ids[1], generation: 2) == .rebalanceInProgress)
        scene.join(ids[1])
        #expect(scene.heartbeat(ids[1], generation: 3) == .noError)
    }

    @Test("a silent member is out when its session ends, and its group goes on without it")
    func sessionEnds() {
        let scene = Scene()
        let ids = scene.stable(2)
        scene.advance(milliseconds: 6_000)
        #expect(scene.heartbeat(ids[0], generation: 2) == .noError)
        scene.advance(milliseconds: 5_000)
        #expect(scene.heartbeat(ids[0], generation: 2) == .rebalanceInProgress)
        #expect(scene.heartbeat(ids[1], generation: 2) == .unknownMemberID)
        #expect(scene.joined(scene.join(ids[0]))?.generationID == 3)
    }

    @Test("when the last member leaves, the empty group is written down with its generation")
    func lastLeaves() {
        let scene = Scene()
        let ids = scene.stable(1)
        #expect(scene.leave([(ids[0], nil)])?.members.map(\.errorCode) == [.noError])
        #expect(scene.state() == "Empty")
        guard case .group("g", .some(let value)) = scene.log.last else {
            Issue.record("no record of the empty group")
            return
        }
        #expect(value.generation == 2)
        #expect(value.members.isEmpty)
        #expect(value.protocolType == "consumer")
        #expect(value.protocol == nil)
        #expect(scene.heartbeat(ids[0], generation: 2) == .unknownMemberID)
    }

    @Test("LeaveGroup answers each member for itself, and a parked join of a member that is removed")
    func leaveErrors() {
        let scene = Scene()
        #expect(scene.leave([("x", nil)])?.errorCode == .unknownMemberID)
        #expect(scene.leave([("x", nil)], group: "")?.errorCode == .invalidGroupID)
        let ids = scene.stable(2)
        let parked = scene.join(ids[0])
        let pending = scene.joined(scene.join())?.memberID ?? ""
        let response = scene.leave([(ids[0], nil), ("x", nil), (pending, nil)])
        #expect(response?.members.map(\.errorCode) == [.noError, .unknownMemberID, .noError])
        #expect(scene.joined(parked)?.errorCode == .unknownMemberID)
    }
}
