import Primitives
import Replication
import Testing

/// A follower of the fixture's partition whose log ends at 10.
private final class FollowerFixture {
    var core = FollowerReplica(assignment: LeaderFixture.assignment(), highWatermark: Offset(4), logEnd: Offset(10))

    func received(
        _ reply: FollowerReplica.Reply, asked: FollowerReplica.Position, current: FollowerReplica.Position
    ) -> FollowerReplica.Step {
        core.received(reply, asked: asked, current: current)
    }

    func appended(logEnd: Offset, leaderHighWatermark: Offset?) -> Bool {
        core.appended(logEnd: logEnd, leaderHighWatermark: leaderHighWatermark)
    }
}

@Suite("Follower") struct FollowerReplicaTests {
    private let follower = FollowerFixture()

    private func position(_ offset: Int64, epoch: Int32 = 3, leaderEpoch: LeaderEpoch = LeaderFixture.epoch)
        -> FollowerReplica.Position
    {
        FollowerReplica.Position(offset: Offset(offset), lastEpoch: LeaderEpoch(epoch), leaderEpoch: leaderEpoch)
    }

    private func reply(
        _ error: ErrorCode = .noError, highWatermark: Int64? = 8, logStart: Int64? = 0, divergence: EpochEnd? = nil,
        hasRecords: Bool = false
    ) -> FollowerReplica.Reply {
        FollowerReplica.Reply(
            error: error, highWatermark: highWatermark.map { Offset($0) }, logStart: logStart.map { Offset($0) },
            divergence: divergence, hasRecords: hasRecords)
    }

    @Test("Rule 3: a diverging reply does not move the high watermark")
    func divergingReply() {
        let end = EpochEnd(epoch: LeaderEpoch(2), endOffset: Offset(6))
        let step = follower.received(
            reply(highWatermark: 9, divergence: end), asked: position(10), current: position(10))
        #expect(step == .truncate(end))
        #expect(follower.core.highWatermark == Offset(4))
    }

    @Test("Rule 3: a reply for a position that is over is ignored")
    func staleReply() {
        #expect(follower.received(reply(), asked: position(9), current: position(10)) == .ignore)
        #expect(follower.received(reply(), asked: position(10, epoch: 2), current: position(10)) == .ignore)
        let former = position(10, leaderEpoch: LeaderEpoch(4))
        #expect(follower.received(reply(), asked: former, current: former) == .ignore)
    }

    @Test("Rule 3: an empty reply is taken like any other and moves the watermark within the log")
    func emptyReply() {
        let step = follower.received(reply(highWatermark: 30), asked: position(10), current: position(10))
        #expect(step == .append(leaderHighWatermark: Offset(30), leaderLogStart: Offset(0)))
        #expect(follower.appended(logEnd: Offset(10), leaderHighWatermark: Offset(30)))
        #expect(follower.core.highWatermark == Offset(10))
        #expect(!follower.appended(logEnd: Offset(10), leaderHighWatermark: Offset(3)))
        #expect(follower.core.highWatermark == Offset(10))
    }

    @Test("Rule 5: fenced by a newer epoch, a follower waits for metadata and asks nothing")
    func fenced() {
        let step = follower.received(reply(.fencedLeaderEpoch), asked: position(10), current: position(10))
        #expect(step == .waitForMetadata)
        #expect(!follower.core.mayFetch)
        #expect(follower.received(reply(), asked: position(10), current: position(10)) == .ignore)
    }

    @Test(
        "Rule 5: where the leader is behind or unwell, a follower asks again",
        arguments: [
            ErrorCode.unknownLeaderEpoch, .notLeaderOrFollower, .unknownTopicOrPartition, .unknownTopicID,
            .kafkaStorageError, .unknownServerError,
        ])
    func retries(error: ErrorCode) {
        #expect(follower.received(reply(error), asked: position(10), current: position(10)) == .retry(after: error))
        #expect(follower.core.mayFetch)
    }

    @Test("Out of range means to start again where the leader's log starts")
    func outOfRange() {
        let known = follower.received(
            reply(.offsetOutOfRange, logStart: 40), asked: position(10), current: position(10))
        #expect(known == .restart(at: Offset(40)))
        let unknown = follower.received(
            reply(.offsetOutOfRange, logStart: nil), asked: position(10), current: position(10))
        #expect(unknown == .askLogStart)
    }

    @Test("Rule 6: a cut below the high watermark is told apart")
    func cutBelowWatermark() {
        let answer = EpochEnd(epoch: LeaderEpoch(2), endOffset: Offset(3))
        let cut = follower.core.cut(for: answer, own: answer, logEnd: Offset(10))
        #expect(cut.offset == Offset(3))
        #expect(cut.isBelowHighWatermark)
        follower.core.truncated(to: cut.offset)
        #expect(follower.core.highWatermark == Offset(3))
    }
}
