import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("JoinGroup") struct JoinTests {
    @Test("a new member gets an id first, joins with it, leads, and its assignment makes the group stable")
    func twoSteps() throws {
        let scene = Scene()
        let first = try #require(scene.joined(scene.join()))
        #expect(first.errorCode == .memberIDRequired)
        #expect(first.memberID == "c-00000000-0000-0000-0000-000000000001")
        let second = try #require(scene.joined(scene.join(first.memberID)))
        #expect(second.errorCode == .noError)
        #expect(second.generationID == 1)
        #expect(second.leader == first.memberID)
        #expect(second.protocolName == "range")
        #expect(second.protocolType == "consumer")
        #expect(second.members.map(\.memberID) == [first.memberID])
        #expect(scene.state() == "CompletingRebalance")
        let synced = scene.synced(scene.sync(first.memberID, generation: 1, assignments: [first.memberID: "all"]))
        #expect(synced?.assignment == Bytes(utf8: "all"))
        #expect(scene.state() == "Stable")
        #expect(scene.log.count == 1)
    }

    @Test("clients below version 4 join in one step")
    func oneStep() {
        let scene = Scene()
        let answer = scene.joined(scene.join(version: 3))
        #expect(answer?.errorCode == .noError)
        #expect(answer?.generationID == 1)
    }

    @Test("the wrong requests are refused with the protocol's own errors")
    func refusals() {
        let scene = Scene { $0.membersMax = 2 }
        #expect(scene.joined(scene.join(group: ""))?.errorCode == .invalidGroupID)
        #expect(scene.joined(scene.join(session: 5_999))?.errorCode == .invalidSessionTimeout)
        #expect(scene.joined(scene.join(session: 1_800_001))?.errorCode == .invalidSessionTimeout)
        #expect(scene.joined(scene.join("who"))?.errorCode == .unknownMemberID)
        #expect(scene.joined(scene.join(protocols: []))?.errorCode == .inconsistentGroupProtocol)
        #expect(scene.joined(scene.join(type: ""))?.errorCode == .inconsistentGroupProtocol)
        #expect(scene.shard.list(states: [], types: []).isEmpty, "a refused join leaves a group behind")
        let ids = scene.stable(2)
        #expect(scene.joined(scene.join("who"))?.errorCode == .groupMaxSizeReached)
        #expect(scene.joined(scene.join(ids[1], instance: "i"))?.errorCode == .unknownMemberID)
        #expect(scene.joined(scene.join(ids[1], type: "connect"))?.errorCode == .inconsistentGroupProtocol)
        #expect(scene.joined(scene.join(ids[1], protocols: ["sticky"]))?.errorCode == .inconsistentGroupProtocol)
        #expect(scene.joined(scene.join())?.errorCode == .groupMaxSizeReached)
        #expect(scene.state() == "Stable")
    }

    @Test("the initial delay gathers members, again while new ones come, but not beyond the rebalance timeout")
    func initialDelay() throws {
        let scene = Scene { $0.initialRebalanceDelayMilliseconds = 3_000 }
        let first = scene.joinTwice()
        scene.advance(milliseconds: 2_000)
        #expect(scene.joined(first.ticket) == nil)
        let second = scene.joinTwice()
        scene.advance(milliseconds: 1_000)
        #expect(scene.joined(first.ticket) == nil, "the delay starts anew after a member came")
        scene.advance(milliseconds: 3_000)
        let leader = try #require(scene.joined(first.ticket))
        #expect(leader.members.map(\.memberID) == [first.id, second.id])
        #expect(scene.joined(second.ticket)?.members.isEmpty == true)
        #expect(scene.joined(second.ticket)?.leader == first.id)
    }

    @Test("the protocol that most members prefer among the common ones is chosen")
    func protocolChoice() {
        let scene = Scene { $0.initialRebalanceDelayMilliseconds = 100 }
        let first = scene.joinTwice(protocols: ["a", "b"])
        scene.joinTwice(protocols: ["b", "a"])
        scene.joinTwice(protocols: ["c", "b", "a"])
        scene.advance(milliseconds: 10_000)
        #expect(scene.joined(first.ticket)?.protocolName == "b")
    }

    @Test("a member that does not join again within the rebalance timeout is out, and the others go on")
    func rebalanceTimeout() throws {
        let scene = Scene()
        let ids = scene.stable(2)
        let late = scene.joinTwice()
        #expect(scene.heartbeat(ids[0], generation: 2) == .rebalanceInProgress)
        let again = scene.join(ids[0])
        for _ in 0..<6 {
            scene.advance(milliseconds: 9_000)
            #expect(scene.heartbeat(ids[1], generation: 2) == .rebalanceInProgress)
        }
        #expect(scene.joined(again) == nil)
        scene.advance(milliseconds: 6_000)
        let answer = try #require(scene.joined(again))
        #expect(answer.generationID == 3)
        #expect(Set(answer.members.map(\.memberID)) == [ids[0], late.id])
        #expect(scene.heartbeat(ids[1], generation: 2) == .unknownMemberID)
    }

    @Test("a join that is repeated answers the first one and keeps waiting")
    func repeatedJoin() {
        let scene = Scene()
        let ids = scene.stable(2)
        _ = scene.joinTwice()
        let first = scene.join(ids[0])
        let second = scene.join(ids[0])
        #expect(scene.joined(first)?.errorCode == .rebalanceInProgress)
        #expect(scene.joined(second) == nil)
        scene.join(ids[1])
        #expect(scene.joined(second)?.generationID == 3)
    }

    @Test("a lost answer is given again without a rebalance; a leader that joins again, or new metadata, causes one")
    func rejoin() {
        let scene = Scene()
        let ids = scene.stable(2)
        #expect(scene.joined(scene.join(ids[1]))?.generationID == 2)
        #expect(scene.state() == "Stable")
        scene.join(ids[1], metadata: "other")
        #expect(scene.state() == "PreparingRebalance")
        scene.join(ids[0])
        #expect(scene.state() == "CompletingRebalance")
        let repeated = scene.joined(scene.join(ids[0]))
        #expect(repeated?.generationID == 3)
        #expect(repeated?.members.count == 2)
        scene.sync(ids[1], generation: 3)
        scene.sync(ids[0], generation: 3)
        scene.join(ids[0])
        #expect(scene.state() == "PreparingRebalance")
    }

    @Test("an id that was handed out lapses with the session timeout, and the group with it")
    func pendingMember() {
        let scene = Scene()
        let id = scene.joined(scene.join())?.memberID ?? ""
        #expect(scene.state() == "Empty")
        scene.advance(milliseconds: 10_000)
        #expect(scene.state() == "Dead")
        #expect(scene.joined(scene.join(id))?.errorCode == .unknownMemberID)
    }

    @Test("an id handed out during a rebalance is waited for")
    func pendingMemberHoldsRebalance() {
        let scene = Scene()
        let ids = scene.stable(1)
        let second = scene.joinTwice()
        let third = scene.joined(scene.join())?.memberID ?? ""
        let again = scene.join(ids[0])
        #expect(scene.joined(again) == nil)
        scene.join(third)
        #expect(scene.joined(again)?.members.map(\.memberID) == [ids[0], second.id, third])
    }

    @Test("a member without an id of its own does not wait for ever")
    func newMemberTimeout() {
        let scene = Scene()
        let ids = scene.stable(1)
        let ticket = scene.join(rebalance: 1_000_000, version: 3)
        for _ in 0..<40 {
            scene.advance(milliseconds: 8_000)
            _ = scene.heartbeat(ids[0], generation: 1)
        }
        #expect(scene.joined(ticket)?.errorCode == .unknownMemberID)
        #expect(scene.joined(ticket)?.memberID == "")
    }
}
