import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("Offsets") struct OffsetTests {
    @Test("Rule 32: a commit is answered, and read, only when its record is committed")
    func answeredAfterCommit() {
        let scene = Scene()
        scene.commitsAtOnce = false
        let ticket = scene.commit(5)
        #expect(scene.committedError(ticket) == nil)
        #expect(scene.fetched() == nil)
        scene.commitAll()
        #expect(scene.committedError(ticket) == .noError)
        #expect(scene.fetched() == 5)
        let second = scene.commit(6)
        #expect(scene.fetched() == 5)
        scene.perform(scene.shard.committed(upTo: Offset(1), at: scene.time))
        #expect(scene.fetched() == 5 && scene.committedError(second) == nil)
    }

    @Test("Rule 32: a commit that the log refuses changes nothing")
    func refusedCommit() {
        let scene = Scene()
        scene.commit(5)
        for (refusal, shown) in [
            (ErrorCode.notEnoughReplicas, ErrorCode.coordinatorNotAvailable),
            (.notLeaderOrFollower, .notCoordinator), (.kafkaStorageError, .notCoordinator),
            (.messageTooLarge, .invalidCommitOffsetSize), (.invalidRecord, .invalidRecord),
        ] {
            scene.logRefusal = refusal
            #expect(scene.committedError(scene.commit(6)) == shown)
        }
        scene.logRefusal = nil
        #expect(scene.fetched() == 5)
        #expect(scene.shard.image == scene.shard.committedImage)
    }

    @Test("Rule 33: a commit whose commitment takes too long is to be repeated; the late record still counts")
    func lateCommit() {
        let scene = Scene()
        scene.commitsAtOnce = false
        let ticket = scene.commit(5)
        scene.advance(milliseconds: 5_000)
        #expect(scene.committedError(ticket) == .coordinatorNotAvailable)
        scene.commitAll()
        #expect(scene.fetched() == 5)
    }

    @Test("Rule 31: what waits when leadership is lost is sent to look for the coordinator")
    func lostLeadership() {
        let scene = Scene()
        let ids = scene.stable(1)
        let join = scene.joinTwice().ticket
        let second = scene.stableGroupWithParkedSync()
        scene.commitsAtOnce = false
        let commit = scene.commit(5, group: "other")
        let again = scene.join(ids[0])
        _ = again
        scene.perform(scene.shard.fail())
        #expect(scene.committedError(commit) == .notCoordinator)
        #expect(scene.synced(second)?.errorCode == .notCoordinator)
        #expect(scene.joined(join) != nil)
    }

    @Test("members commit for their generation only; others only while the group has no members")
    func whoMayCommit() {
        let scene = Scene()
        #expect(scene.committedError(scene.commit(1, generation: 3, version: 8)) == .illegalGeneration)
        #expect(scene.committedError(scene.commit(1, generation: 3, version: 9)) == .groupIDNotFound)
        #expect(scene.committedError(scene.commit(1)) == .noError)
        #expect(scene.committedError(scene.commit(1, generation: 3, version: 9)) == .illegalGeneration)
        let ids = scene.stable(1)
        #expect(scene.committedError(scene.commit(2)) == .unknownMemberID)
        #expect(scene.committedError(scene.commit(2, member: "x", generation: 1)) == .unknownMemberID)
        #expect(scene.committedError(scene.commit(2, member: ids[0], generation: 2)) == .illegalGeneration)
        #expect(scene.committedError(scene.commit(2, member: ids[0], generation: 1, instance: "i")) == .unknownMemberID)
        #expect(scene.committedError(scene.commit(2, member: ids[0], generation: 1)) == .noError)
        scene.join(ids[0])
        #expect(scene.state() == "CompletingRebalance")
        #expect(scene.committedError(scene.commit(3, member: ids[0], generation: 2)) == .rebalanceInProgress)
        _ = scene.leave([(ids[0], nil)])
        #expect(scene.committedError(scene.commit(4)) == .noError)
    }

    @Test("while a rebalance waits for joins, members still commit what they have done, and that keeps them alive")
    func commitDuringRebalance() {
        let scene = Scene()
        let ids = scene.stable(1)
        _ = scene.joinTwice()
        scene.advance(milliseconds: 9_000)
        #expect(scene.committedError(scene.commit(7, member: ids[0], generation: 1)) == .noError)
        scene.advance(milliseconds: 9_000)
        #expect(scene.heartbeat(ids[0], generation: 1) == .rebalanceInProgress)
    }

    @Test("unknown partitions and long metadata are refused each for itself")
    func refusedPartitions() {
        let scene = Scene()
        #expect(scene.committedError(scene.commit(1, topic: "missing")) == .unknownTopicOrPartition)
        let long = String(repeating: "x", count: 4_097)
        #expect(scene.committedError(scene.commit(1, metadata: long)) == .offsetMetadataTooLarge)
        #expect(scene.committedError(scene.commit(1, metadata: String(long.dropLast()))) == .noError)
        #expect(scene.committedError(scene.commit(1, metadata: nil)) == .noError)
        #expect(scene.log.count == 2)
    }

    @Test("Rule 34: offsets end when their group has been empty for the retention time, and the group with them")
    func expiry() {
        let scene = Scene { $0.offsetsRetentionMilliseconds = 3_600_000 }
        let ids = scene.stable(1)
        scene.commit(5, member: ids[0], generation: 1)
        for _ in 0..<500 {
            scene.advance(milliseconds: 9_000)
            #expect(scene.heartbeat(ids[0], generation: 1) == .noError)
        }
        #expect(scene.fetched() == 5, "offsets of a group with members do not end")
        _ = scene.leave([(ids[0], nil)])
        scene.advance(milliseconds: 3_500_000)
        #expect(scene.fetched() == 5)
        scene.advance(milliseconds: 800_000)
        #expect(scene.fetched() == nil)
        #expect(scene.state() == "Dead")
        #expect(scene.reloaded().shard.image == GroupImage())
    }

    @Test("Rule 34: the age of an empty group's offsets survives a new coordinator")
    func expiryAfterReload() {
        var scene = Scene { $0.offsetsRetentionMilliseconds = 3_600_000 }
        let ids = scene.stable(1)
        scene.commit(5, member: ids[0], generation: 1)
        _ = scene.leave([(ids[0], nil)])
        scene.advance(milliseconds: 1_800_000)
        scene = scene.reloaded()
        scene.advance(milliseconds: 1_700_000)
        #expect(scene.fetched() == 5)
        scene.advance(milliseconds: 700_000)
        #expect(scene.fetched() == nil)
    }

    @Test("a simple group's offsets age from their commit; a retention of their own goes before all")
    func simpleGroupExpiry() {
        let scene = Scene { $0.offsetsRetentionMilliseconds = 3_600_000 }
        scene.commit(5, topic: "a")
        scene.commit(6, topic: "b", retention: 1_000)
        scene.advance(milliseconds: 601_000)
        #expect(scene.fetched(topic: "a") == 5)
        #expect(scene.fetched(topic: "b") == nil)
        #expect(scene.state() == "Empty")
        scene.advance(milliseconds: 3_600_000)
        #expect(scene.state() == "Dead")
    }

    @Test("DeleteGroups ends groups without members, with all they committed")
    func deletion() {
        let scene = Scene()
        let ids = scene.stable(1)
        scene.commit(5, member: ids[0], generation: 1)
        #expect(scene.delete(["g", "nobody"]) == [.nonEmptyGroup, .groupIDNotFound])
        _ = scene.leave([(ids[0], nil)])
        #expect(scene.delete(["g", "g"]) == [.noError, .groupIDNotFound])
        #expect(scene.fetched() == nil)
        #expect(scene.state() == "Dead")
        #expect(scene.reloaded().shard.image == GroupImage())
        scene.commit(5)
        #expect(scene.delete(["g"]) == [.noError])
    }

    @Test("offsets of deleted topics are forgotten")
    func deletedTopics() {
        let scene = Scene()
        scene.commit(5, topic: "a")
        scene.commit(6, topic: "b")
        scene.perform(scene.shard.topicsDeleted(["a"], at: scene.time))
        #expect(scene.fetched(topic: "a") == nil)
        #expect(scene.fetched(topic: "b") == 6)
    }

    @Test("a topic that many groups read is forgotten in few writes")
    func deletedTopicOfManyGroups() {
        let scene = Scene()
        for number in 0..<300 {
            for partition in 0..<4 {
                scene.commit(5, group: "g\(number)", topic: "a", partition: Int32(partition))
            }
            scene.commit(6, group: "g\(number)", topic: "b")
        }
        let before = scene.writeCount
        scene.perform(scene.shard.topicsDeleted(["a"], at: scene.time))
        #expect(scene.writeCount - before <= 2)
        for number in 0..<300 {
            #expect(scene.fetched("g\(number)", topic: "a", partition: 3) == nil)
            #expect(scene.fetched("g\(number)", topic: "b") == 6)
        }
        #expect(scene.reloaded().shard.image == scene.shard.image)
    }

    @Test("transactional offsets are unstable until their transaction is committed")
    func transactionalOffsets() {
        var image = GroupImage()
        let place = ConsumedPartition(topic: "t", index: PartitionIndex(0))
        let value = CommittedOffset(
            offset: Offset(9), leaderEpoch: nil, metadata: "", commitTimestamp: Timestamp(1), expireTimestamp: nil)
        image.replay(.offset(group: "g", partition: place, value: value), by: ProducerID(1))
        image.replay(.offset(group: "g", partition: place, value: value), by: ProducerID(2))
        #expect(image["g"]?.isUnstable(place) == true)
        #expect(image["g"]?.offset(of: place) == nil)
        image.replayEnd(of: ProducerID(1), isCommit: false)
        #expect(image["g"]?.offset(of: place) == nil)
        image.replayEnd(of: ProducerID(2), isCommit: true)
        #expect(image["g"]?.isUnstable(place) == false)
        #expect(image["g"]?.offset(of: place) == value)
    }
}

extension Scene {
    /// Leaves a group `s` with one follower's sync waiting for its leader.
    func stableGroupWithParkedSync() -> Ticket {
        let one = joinTwice(group: "s")
        let two = joinTwice(group: "s")
        join(one.id, group: "s")
        return sync(two.id, generation: 2, group: "s")
    }
}
