import Primitives
import Replication
import Testing

@Suite("High watermark") struct HighWatermarkTests {
    @Test("Rule 7: the high watermark is the least end over the in-sync set")
    func leastEnd() {
        let partition = LeaderFixture()
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        #expect(partition.highWatermark == 0, "the third has not fetched in this epoch")
        partition.fetch(LeaderFixture.third, at: 4)
        #expect(partition.highWatermark == 4)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.highWatermark == 10)
    }

    @Test("Rule 7: a proposed member counts at once, as the controller may have added it")
    func proposedMember() {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        #expect(partition.highWatermark == 10)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.leader.maximalInSync == [1, 2, 3].map { BrokerID($0) })
        partition.append(to: 20)
        partition.fetch(LeaderFixture.second, at: 20)
        #expect(partition.highWatermark == 10)
    }

    @Test("Rule 7: an eligible follower that keeps up is waited for, so that it can join")
    func catchingUp() {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.fetch(LeaderFixture.third, at: 9)
        #expect(partition.proposals.isEmpty)
        partition.append(to: 12)
        partition.fetch(LeaderFixture.second, at: 12)
        #expect(partition.highWatermark == 12, "the third was never caught up: nobody waits for it")
        partition.fetch(LeaderFixture.third, at: 12)
        _ = partition.answer(partition.proposals[0], .refused(.operationNotAttempted))
        partition.append(to: 14)
        partition.fetch(LeaderFixture.second, at: 14)
        #expect(partition.highWatermark == 12, "it was caught up just now, and may join with the next fetch")
        partition.wait(milliseconds: 1_001)
        partition.checkLag()
        #expect(partition.highWatermark == 14, "it stopped")
    }

    @Test("Rule 7: who left the set, or came back as a new life, is not waited for while it catches up")
    func comesBack() {
        let partition = LeaderFixture()
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.fetch(LeaderFixture.third, at: 10)
        let without = LeaderFixture.assignment(inSync: [1, 2], partitionEpoch: 8)
        partition.take(
            partition.leader.metadataChanged(without, lives: { _ in LeaderFixture.life() }, now: partition.now))
        partition.take(
            partition.leader.brokerChanged(LeaderFixture.third, LeaderFixture.life(11), now: partition.now))
        partition.append(to: 20)
        partition.fetch(LeaderFixture.third, at: 3, brokerEpoch: 11)
        partition.fetch(LeaderFixture.second, at: 20)
        #expect(partition.highWatermark == 20)
    }

    @Test("Rule 7: a fenced or departing follower outside the set holds nothing up", arguments: [true, false])
    func ineligible(isFenced: Bool) {
        let partition = LeaderFixture(inSync: [1, 2])
        let life = LeaderFixture.life(isFenced: isFenced, isShuttingDown: !isFenced)
        partition.take(partition.leader.brokerChanged(LeaderFixture.third, life, now: partition.now))
        partition.append(to: 10)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.proposals.isEmpty)
        partition.append(to: 20)
        partition.fetch(LeaderFixture.second, at: 20)
        #expect(partition.highWatermark == 20)
    }

    @Test("Rule 7: no move while the in-sync set is smaller than min.insync.replicas")
    func belowMinimum() {
        let partition = LeaderFixture(inSync: [1], minInSync: 2)
        partition.append(to: 10)
        #expect(partition.highWatermark == 0)
        #expect(!partition.leader.hasEnoughInSync)
        partition.fetch(LeaderFixture.second, at: 10)
        #expect(partition.highWatermark == 0, "the change is not committed yet")
        partition.commit(partition.proposals[0])
        #expect(partition.highWatermark == 10)
    }

    @Test("Rule 7: the minimum is never more than the number of replicas")
    func effectiveMinimum() {
        let partition = LeaderFixture(inSync: [1], replicas: [1], minInSync: 2)
        partition.append(to: 3)
        #expect(partition.highWatermark == 3)
    }

    @Test("Rule 7: with flush.on.ack the leader counts only what it has flushed")
    func flushOnAck() {
        let partition = LeaderFixture(flushes: true)
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.highWatermark == 0)
        partition.take(partition.leader.flushed(to: Offset(6), now: partition.now))
        #expect(partition.highWatermark == 6)
        partition.take(partition.leader.flushed(to: Offset(4), now: partition.now))
        #expect(partition.highWatermark == 6)
    }

    @Test("Rule 8: the answer to an ISR change moves the watermark by itself")
    func movesOnAnswer() {
        let partition = LeaderFixture()
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.wait(milliseconds: 1_001)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.checkLag()
        #expect(partition.proposals.map { $0.members.map(\.broker.value) } == [[1, 2]])
        #expect(partition.highWatermark == 0)
        partition.commit(partition.proposals[0])
        #expect(partition.highWatermark == 10)
    }

    @Test("Rule 8: newer metadata moves the watermark by itself")
    func movesOnMetadata() {
        let partition = LeaderFixture()
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        let newer = LeaderFixture.assignment(inSync: [1, 2], partitionEpoch: 8)
        let outcome = partition.leader.metadataChanged(newer, lives: { _ in nil }, now: partition.now)
        #expect(outcome.highWatermarkMoved)
        #expect(partition.highWatermark == 10)
    }

    @Test("Rule 10: a checkpointed watermark is never above the log end")
    func hintOnly() {
        let partition = LeaderFixture(logEnd: 5, highWatermark: 9)
        #expect(partition.highWatermark == 5)
        let follower = FollowerReplica(
            assignment: LeaderFixture.assignment(), highWatermark: Offset(9), logEnd: Offset(5))
        #expect(follower.highWatermark == Offset(5))
    }

    @Test("An append is acknowledged when the watermark passes it, with enough replicas")
    func verdicts() {
        let partition = LeaderFixture()
        partition.append(to: 10)
        #expect(partition.leader.verdict(required: Offset(10)) == .wait)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.leader.verdict(required: Offset(10)) == .acknowledged)
        let alone = LeaderFixture.assignment(inSync: [1], partitionEpoch: 8)
        _ = partition.leader.metadataChanged(alone, lives: { _ in nil }, now: partition.now)
        #expect(partition.leader.verdict(required: Offset(10)) == .notEnoughReplicasAfterAppend)
    }
}
