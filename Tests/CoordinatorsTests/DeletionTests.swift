import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("Deleting and ageing of offsets") struct DeletionTests {
    @Test("OffsetDelete forgets offsets, but none of a topic that the group reads")
    func offsetDelete() {
        let scene = Scene()
        #expect(scene.deleteOffsets(["a"])?.errorCode == .groupIDNotFound)
        #expect(scene.deleteOffsets(["a"], group: "")?.errorCode == .invalidGroupID)
        let id = scene.stableConsumer(Scene.subscription("a"))
        for topic in ["a", "b"] { scene.commit(5, member: id, generation: 1, topic: topic) }
        let answer = scene.deleteOffsets(["a", "b", "c", "missing"])
        #expect(answer?.errorCode == .noError)
        #expect(
            answer?.topics.map { $0.partitions.map(\.errorCode) } == [
                [.groupSubscribedToTopic], [.noError], [.noError], [.unknownTopicOrPartition],
            ])
        #expect(scene.fetched(topic: "a") == 5)
        #expect(scene.fetched(topic: "b") == nil)
        _ = scene.leave([(id, nil)])
        #expect(scene.deleteOffsets(["a"])?.topics.first?.partitions.first?.errorCode == .noError)
        #expect(scene.fetched(topic: "a") == nil)
        #expect(scene.state() == "Empty", "the group itself stays")
        #expect(scene.reloaded().shard.image == scene.shard.image)
    }

    @Test("OffsetDelete is refused while members of another kind than consumers work")
    func offsetDeleteOfOthers() {
        let scene = Scene()
        scene.commit(5, topic: "a")
        let id = scene.stableConsumer(Bytes([1]), type: "connect")
        #expect(scene.deleteOffsets(["a"])?.errorCode == .nonEmptyGroup)
        _ = scene.leave([(id, nil)])
        #expect(scene.deleteOffsets(["a"])?.errorCode == .noError)
        #expect(scene.fetched(topic: "a") == nil)
    }

    @Test("OffsetDelete of consumers whose subscription can't be read: they may read anything")
    func offsetDeleteOfUnreadable() {
        let scene = Scene()
        _ = scene.stableConsumer(Bytes([0]))
        #expect(scene.deleteOffsets(["a"])?.topics.first?.partitions.first?.errorCode == .groupSubscribedToTopic)
    }

    @Test("A group with very many offsets is deleted in several batches, and answered after the last")
    func manyOffsets() {
        let scene = Scene { $0.tombstoneBatchBytesMax = 1_000 }
        for partition in 0..<200 { scene.commit(Int64(partition), partition: Int32(partition)) }
        scene.commitsAtOnce = false
        let before = scene.log.count
        #expect(scene.delete(["g"]) == [])
        #expect(scene.log.count == before + 200)
        #expect(scene.writeCount > 201 + 10)
        scene.perform(scene.shard.committed(upTo: Offset(Int64(scene.log.count - 1)), at: scene.time))
        #expect(scene.replies.values.allSatisfy { if case .deleteGroups = $0 { false } else { true } })
        scene.commitAll()
        #expect(scene.replies.values.contains { if case .deleteGroups = $0 { true } else { false } })
        #expect(scene.shard.image == GroupImage())
    }

    @Test("A deletion of which the log takes only a part is answered with the error, once")
    func refusedPart() {
        let scene = Scene { $0.tombstoneBatchBytesMax = 1_000 }
        for partition in 0..<50 { scene.commit(1, partition: Int32(partition)) }
        scene.refusesAfter = 2
        #expect(scene.delete(["g"]) == [.coordinatorNotAvailable])
        #expect(scene.state() == "Empty", "what is left can be deleted again")
        #expect(scene.delete(["g"]) == [.noError])
        #expect(scene.shard.image == GroupImage())
        #expect(scene.reloaded().shard.image == GroupImage())
    }

    @Test("Rule 34: in a live group the offsets of topics it is not subscribed to any more end")
    func expiryInLiveGroup() {
        var scene = Scene { $0.offsetsRetentionMilliseconds = 3_600_000 }
        let id = scene.stableConsumer(Scene.subscription("a"))
        for topic in ["a", "b"] { scene.commit(5, member: id, generation: 1, topic: topic) }
        for round in 0..<500 {
            if round == 100 {
                // A new coordinator knows the subscription from the log.
                scene = scene.reloaded()
            }
            scene.advance(milliseconds: 9_000)
            #expect(scene.heartbeat(id, generation: 1) == .noError)
        }
        #expect(scene.fetched(topic: "a") == 5)
        #expect(scene.fetched(topic: "b") == nil)
        #expect(scene.state() == "Stable")
    }

    @Test("Rule 34: nothing ends in a live group whose subscription is not known", arguments: ["consumer", "connect"])
    func noExpiryWithoutSubscription(type: String) {
        let scene = Scene { $0.offsetsRetentionMilliseconds = 1 }
        let id = scene.stableConsumer(Bytes([0]), type: type)
        scene.commit(5, member: id, generation: 1)
        for _ in 0..<100 {
            scene.advance(milliseconds: 9_000)
            _ = scene.heartbeat(id, generation: 1)
        }
        #expect(scene.fetched() == 5)
    }

    @Test("Rule 34: what is committed for an old empty group counts from its commit")
    func resetOfOldGroup() {
        let scene = Scene { $0.offsetsRetentionMilliseconds = 3_600_000 }
        let id = scene.stableConsumer(Scene.subscription("t"))
        scene.commit(5, member: id, generation: 1)
        _ = scene.leave([(id, nil)])
        scene.advance(milliseconds: 3_000_000)
        scene.commit(1)
        scene.advance(milliseconds: 3_000_000)
        #expect(scene.fetched() == 1)
        scene.advance(milliseconds: 1_300_000)
        #expect(scene.state() == "Dead")
    }

    @Test("A check of very many groups takes several steps, with room for members between them")
    func slicedCheck() {
        let scene = Scene {
            $0.offsetsRetentionMilliseconds = 1
            $0.offsetsCheckedAtOnceMax = 200
        }
        for group in 0..<30 {
            for partition in 0..<10 { scene.commit(1, group: "g\(group)", partition: Int32(partition)) }
        }
        scene.time.now = scene.shard.nextDeadline
        scene.time.timeOfDay = Timestamp(scene.time.timeOfDay.value + 600_000)
        scene.perform(scene.shard.expire(at: scene.time))
        let left = scene.shard.image.ids.count
        #expect(left == 11, "ten offsets and one for the group itself are looked at together")
        #expect(scene.shard.nextDeadline.milliseconds(since: scene.time.now) == 20)
        scene.advance(milliseconds: 20)
        #expect(scene.shard.image == GroupImage())
        #expect(scene.shard.nextDeadline.milliseconds(since: scene.time.now) > 500_000)
    }

    @Test("Joins beyond any real client's size are refused")
    func joinLimits() {
        let scene = Scene {
            $0.memberProtocolsMax = 3
            $0.memberMetadataBytesMax = 10
        }
        func error(_ ticket: Ticket) -> ErrorCode? { scene.joined(ticket)?.errorCode }
        #expect(error(scene.join(protocols: ["a", "b", "c"])) == .memberIDRequired)
        #expect(error(scene.join(protocols: ["a", "b", "c", "d"])) == .invalidRequest)
        #expect(error(scene.join(metadata: "12345678901")) == .invalidRequest)
        #expect(error(scene.join(instance: String(repeating: "x", count: 250))) == .invalidRequest)
        #expect(scene.shard.list(states: [], types: []).count == 1)
    }

    @Test("So many groups may begin at once and no more; those that are complete or lapse make room")
    func newGroupLimit() {
        let scene = Scene { $0.newGroupsMax = 2 }
        func error(_ ticket: Ticket) -> ErrorCode? { scene.joined(ticket)?.errorCode }
        let first = scene.joined(scene.join(group: "a"))?.memberID ?? ""
        #expect(error(scene.join(group: "b")) == .memberIDRequired)
        #expect(error(scene.join(group: "c")) == .coordinatorLoadInProgress)
        #expect(scene.state("c") == "Dead", "nothing is kept of it")
        #expect(error(scene.join(first, group: "a")) == .noError, "a group that has begun goes on")
        #expect(error(scene.join(group: "c")) == .memberIDRequired)
        #expect(error(scene.join(group: "d")) == .coordinatorLoadInProgress)
        scene.advance(milliseconds: 10_000)
        #expect(error(scene.join(group: "d")) == .memberIDRequired)
        #expect(error(scene.join(group: "e")) == .memberIDRequired)
        #expect(error(scene.join(group: "f")) == .coordinatorLoadInProgress)
    }

    @Test("A new coordinator with a smaller group.max.size calls the members of a group together again")
    func smallerGroupAfterLoad() {
        let scene = Scene()
        let ids = scene.stable(3)
        let next = scene.reloaded { $0.membersMax = 2 }
        #expect(next.state() == "PreparingRebalance")
        let tickets = ids.map { next.join($0) }
        #expect(next.joined(tickets[2])?.errorCode == .groupMaxSizeReached)
        #expect(next.joined(tickets[0])?.errorCode == .noError)
        #expect(next.joined(tickets[0])?.members.count == 2)
    }
}
