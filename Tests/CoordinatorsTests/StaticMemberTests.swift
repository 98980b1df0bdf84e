import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("Static members") struct StaticMemberTests {
    /// A stable group of two static members, `one` the leader.
    private func pair() -> (scene: Scene, one: String, two: String) {
        let scene = Scene()
        let one = scene.joined(scene.join(instance: "one"))?.memberID ?? ""
        let two = scene.join(instance: "two")
        scene.join(one, instance: "one")
        let twoID = scene.joined(two)?.memberID ?? ""
        scene.sync(twoID, generation: 2, instance: "two")
        scene.sync(one, generation: 2, instance: "one", assignments: [one: "A", twoID: "B"])
        #expect(scene.state() == "Stable")
        return (scene, one, twoID)
    }

    @Test("one step is enough, and the instance id starts the member id")
    func joinsInOneStep() {
        let scene = Scene()
        let answer = scene.joined(scene.join(instance: "one"))
        #expect(answer?.errorCode == .noError)
        #expect(answer?.memberID.hasPrefix("one-") == true)
    }

    @Test("a restarted follower takes its assignment over without a rebalance; the old id is fenced everywhere")
    func restartedFollower() throws {
        let (scene, one, two) = pair()
        let answer = try #require(scene.joined(scene.join(instance: "two")))
        #expect(answer.errorCode == .noError)
        #expect(answer.generationID == 2)
        #expect(answer.leader == one)
        #expect(answer.members.isEmpty)
        #expect(scene.state() == "Stable")
        #expect(scene.synced(scene.sync(answer.memberID, generation: 2))?.assignment == Bytes(utf8: "B"))
        #expect(scene.heartbeat(two, generation: 2, instance: "two") == .fencedInstanceID)
        #expect(scene.synced(scene.sync(two, generation: 2, instance: "two"))?.errorCode == .fencedInstanceID)
        #expect(scene.joined(scene.join(two, instance: "two"))?.errorCode == .fencedInstanceID)
        #expect(
            scene.committedError(scene.commit(1, member: two, generation: 2, instance: "two")) == .fencedInstanceID)
        #expect(scene.leave([(two, "two")])?.members.map(\.errorCode) == [.fencedInstanceID])
        #expect(scene.heartbeat(one, generation: 2, instance: "one") == .noError)
        let reloaded = scene.reloaded()
        #expect(reloaded.shard.describe("g") == scene.shard.describe("g"))
    }

    @Test("a restarted leader skips the assignment from version 9 on, and is told the old leader's id before")
    func restartedLeader() throws {
        let (scene, one, _) = pair()
        let old = try #require(scene.joined(scene.join(instance: "one", version: 8)))
        #expect(old.leader == one)
        #expect(old.members.isEmpty)
        #expect(!old.skipAssignment)
        let new = try #require(scene.joined(scene.join(instance: "one", version: 9)))
        #expect(new.leader == new.memberID)
        #expect(new.skipAssignment)
        #expect(new.members.count == 2)
    }

    @Test("its answer waits for the record with the new id; a refused record leaves the old member in place")
    func replacementIsCommittedFirst() {
        let scene = pair().scene
        scene.commitsAtOnce = false
        let waiting = scene.join(instance: "two")
        #expect(scene.joined(waiting) == nil)
        scene.commitAll()
        #expect(scene.joined(waiting)?.errorCode == .noError)
        let (second, _, two) = pair()
        second.logRefusal = .notEnoughReplicas
        #expect(second.joined(second.join(instance: "two"))?.errorCode == .coordinatorNotAvailable)
        #expect(second.heartbeat(two, generation: 2, instance: "two") == .noError)
    }

    @Test("a changed protocol, or a return while assignments are awaited, causes a rebalance")
    func causesRebalance() {
        let (scene, one, _) = pair()
        scene.join(instance: "two", protocols: ["range"], metadata: "changed")
        #expect(scene.state() == "Stable", "metadata alone is taken over")
        scene.join(one, instance: "one")
        #expect(scene.state() == "PreparingRebalance")
        let two = scene.join(instance: "two")
        #expect(scene.state() == "CompletingRebalance")
        let twoID = scene.joined(two)?.memberID ?? ""
        let parked = scene.sync(twoID, generation: 3)
        scene.join(instance: "two")
        #expect(scene.synced(parked)?.errorCode == .fencedInstanceID)
        #expect(scene.state() == "PreparingRebalance")
    }

    @Test("a join that waits is fenced by another with the same instance id")
    func fencesParkedJoin() {
        let (scene, one, _) = pair()
        scene.join(one, instance: "one")
        let first = scene.join(instance: "two")
        #expect(scene.joined(first)?.generationID == 3)
        scene.join(instance: "three")
        let parked = scene.join(instance: "two")
        let rival = scene.join(instance: "two")
        #expect(scene.joined(parked)?.errorCode == .fencedInstanceID)
        #expect(scene.joined(rival) == nil)
    }

    @Test("it stays in the group through a rebalance it misses, until its session ends")
    func staysUntilSessionEnds() {
        let (scene, one, two) = pair()
        scene.join(one, instance: "one", rebalance: 7_000)
        scene.advance(milliseconds: 9_000)
        #expect(scene.state() == "PreparingRebalance" || scene.state() == "CompletingRebalance")
        #expect(scene.shard.describe("g")?.members.map(\.memberID).contains(two) == true)
        scene.advance(milliseconds: 2_000)
        #expect(scene.shard.describe("g")?.members.map(\.memberID).contains(two) == false)
    }

    @Test("an administrator removes static members by instance id alone")
    func removedByInstanceID() {
        let (scene, _, _) = pair()
        let response = scene.leave([("", "two"), ("", "nobody"), ("", nil)])
        #expect(response?.members.map(\.errorCode) == [.noError, .unknownMemberID, .unknownMemberID])
        #expect(scene.state() == "PreparingRebalance")
    }
}
