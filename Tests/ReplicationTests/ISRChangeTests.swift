import Primitives
import Replication
import Testing

@Suite("ISR changes") struct ISRChangeTests {
    @Test("Rule 4: a follower of another epoch moves nothing: its progress starts anew with each leader")
    func freshProgress() {
        let partition = LeaderFixture()
        #expect(partition.leader.followers.allSatisfy { $0.endOffset == nil })
    }

    @Test("Rule 12: a follower joins at the watermark and at the epoch's start, not before")
    func expandConditions() {
        let partition = LeaderFixture(inSync: [1, 2], logEnd: 10, highWatermark: 4)
        partition.fetch(LeaderFixture.third, at: 9)
        #expect(partition.proposals.isEmpty, "below the epoch's start")
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.proposals.map { $0.members.map(\.broker.value) } == [[1, 2, 3]])
        #expect(partition.proposals[0].partitionEpoch == PartitionEpoch(7))
    }

    @Test("Rule 12: the fetch's broker epoch must be the registered one")
    func brokerEpoch() {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0, brokerEpoch: 11)
        #expect(partition.proposals.isEmpty, "its registration is not known here yet")
        partition.fetch(LeaderFixture.third, at: 0, brokerEpoch: nil)
        #expect(partition.proposals.isEmpty, "an unknown life never joins")
        partition.take(
            partition.leader.brokerChanged(LeaderFixture.third, LeaderFixture.life(11), now: partition.now))
        partition.fetch(LeaderFixture.third, at: 0, brokerEpoch: 11)
        #expect(partition.proposals.count == 1)
        #expect(
            partition.proposals[0].members[2] == ISRProposal.Member(broker: LeaderFixture.third, epoch: BrokerEpoch(11))
        )
    }

    @Test("Rule 12: a fetch from an earlier life is refused")
    func formerLife() {
        let partition = LeaderFixture(inSync: [1, 2])
        #expect(partition.fetch(LeaderFixture.third, at: 0, brokerEpoch: 9) == .notLeaderOrFollower)
    }

    @Test("Rule 12: a new life has proved nothing: the progress of the old one is void")
    func newLife() {
        let partition = LeaderFixture()
        partition.append(to: 10)
        partition.fetch(LeaderFixture.second, at: 10)
        partition.take(
            partition.leader.brokerChanged(LeaderFixture.second, LeaderFixture.life(12), now: partition.now))
        #expect(partition.leader.followers[0].endOffset == nil)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(partition.highWatermark == 0)
    }

    @Test("Rule 5: a replica that is not known yet is told to wait for this broker's metadata")
    func unknownReplica() {
        let partition = LeaderFixture()
        #expect(partition.fetch(BrokerID(9), at: 0) == .unknownLeaderEpoch)
    }

    @Test("Rule 13: one change in flight, committed only by an answer of this epoch and a newer partition epoch")
    func oneInFlight() {
        let partition = LeaderFixture(inSync: [1])
        partition.fetch(LeaderFixture.second, at: 0)
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.proposals.count == 1)
        let proposal = partition.proposals[0]
        let stale = ISRAnswer.committed(
            leaderEpoch: LeaderFixture.epoch, partitionEpoch: PartitionEpoch(7), inSync: [LeaderFixture.me])
        #expect(partition.answer(proposal, stale) == .settled(LeaderReplica.Outcome()))
        #expect(partition.leader.isChangeInFlight, "the answer proves nothing")
        #expect(partition.leader.inSync == [LeaderFixture.me])
    }

    @Test(
        "Rule 13: only two errors prove that nothing was applied",
        arguments: [ErrorCode.ineligibleReplica, .operationNotAttempted])
    func rollBack(error: ErrorCode) {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        _ = partition.answer(partition.proposals[0], .refused(error))
        #expect(!partition.leader.isChangeInFlight)
        #expect(partition.leader.maximalInSync.map(\.value) == [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.proposals.count == 1, "no storm of proposals")
        let pause =
            error == .ineligibleReplica
            ? LeaderReplica.refusedFollowerPauseMilliseconds : LeaderReplica.refusedProposalPauseMilliseconds
        partition.wait(milliseconds: pause)
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.proposals.count == 2)
    }

    @Test("Rule 13: where the metadata is faster than the refusal that moved its epoch, the pause is kept all the same")
    func metadataFirst() {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        let proposal = partition.proposals[0]
        let outdating = LeaderFixture.assignment(inSync: [1, 2], partitionEpoch: 8)
        _ = partition.leader.metadataChanged(outdating, lives: { _ in LeaderFixture.life() }, now: partition.now)
        #expect(partition.answer(proposal, .refused(.ineligibleReplica)) == .outdated)
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.proposals.count == 1, "no storm of proposals")
        partition.wait(milliseconds: LeaderReplica.refusedFollowerPauseMilliseconds)
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.proposals.count == 2)
    }

    @Test("A follower that is refused again and again does not keep another one out")
    func refusedGivesWay() {
        let partition = LeaderFixture(inSync: [1])
        partition.fetch(LeaderFixture.second, at: 0)
        _ = partition.answer(partition.proposals[0], .refused(.ineligibleReplica))
        partition.wait(milliseconds: LeaderReplica.refusedProposalPauseMilliseconds)
        partition.fetch(LeaderFixture.second, at: 0)
        #expect(partition.proposals.count == 1)
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.proposals.count == 2)
        #expect(partition.proposals.last?.members.map(\.broker) == [LeaderFixture.me, LeaderFixture.third])
    }

    @Test(
        "Rule 13: after other refusals the change stays pending until metadata comes",
        arguments: [
            ErrorCode.fencedLeaderEpoch, .invalidUpdateVersion, .unknownTopicID, .invalidRequest, .newLeaderElected,
        ])
    func staysPending(error: ErrorCode) {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        let proposal = partition.proposals[0]
        #expect(partition.answer(proposal, .refused(error)) == .settled(LeaderReplica.Outcome()))
        #expect(partition.leader.maximalInSync.map(\.value) == [1, 2, 3])
        #expect(partition.answer(proposal, .refused(error)) == .outdated)
        let newer = LeaderFixture.assignment(inSync: [1, 2], partitionEpoch: 8)
        _ = partition.leader.metadataChanged(newer, lives: { _ in LeaderFixture.life() }, now: partition.now)
        #expect(!partition.leader.isChangeInFlight)
    }

    @Test(
        "Rule 13: without an answer the same change is sent again",
        arguments: [
            ErrorCode.networkException, .requestTimedOut, .notController, .staleBrokerEpoch, .unknownServerError,
        ])
    func sendsAgain(error: ErrorCode) {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        #expect(partition.answer(partition.proposals[0], .refused(error)) == .sendAgain)
        #expect(partition.leader.isChangeInFlight)
        partition.commit(partition.proposals[0])
        #expect(partition.leader.inSync.map(\.value) == [1, 2, 3])
    }

    @Test("Rule 13: older or equal metadata changes nothing")
    func oldMetadata() {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        let same = LeaderFixture.assignment(inSync: [1], partitionEpoch: 7)
        _ = partition.leader.metadataChanged(same, lives: { _ in nil }, now: partition.now)
        #expect(partition.leader.inSync.map(\.value) == [1, 2])
        #expect(partition.leader.isChangeInFlight)
    }

    @Test("Rule 15: a follower leaves for being late, stuck or slow, not for a number of records")
    func shrinksByTime() {
        let partition = LeaderFixture()
        partition.append(to: 1_000_000)
        partition.fetch(LeaderFixture.second, at: 1_000_000)
        partition.fetch(LeaderFixture.third, at: 1)
        partition.wait(milliseconds: 900)
        partition.checkLag()
        #expect(partition.proposals.isEmpty)
        partition.fetch(LeaderFixture.third, at: 2)
        partition.wait(milliseconds: 200)
        partition.checkLag()
        #expect(partition.proposals.map { $0.members.map(\.broker.value) } == [[1, 2]], "slow, though it fetches")
    }

    @Test("Rule 15: a follower that has all of the log is never out, however long it was silent")
    func equalEnd() {
        let partition = LeaderFixture()
        partition.append(to: 5)
        partition.fetch(LeaderFixture.second, at: 5)
        partition.fetch(LeaderFixture.third, at: 5)
        partition.wait(milliseconds: 60_000)
        partition.checkLag()
        #expect(partition.proposals.isEmpty)
    }

    @Test("Rule 15: reaching the end that the leader had at the last fetch counts as caught up then")
    func caughtUpAtLastFetch() {
        let partition = LeaderFixture()
        partition.append(to: 5)
        partition.fetch(LeaderFixture.second, at: 5)
        partition.fetch(LeaderFixture.third, at: 0)
        for step in 1...10 {
            partition.wait(milliseconds: 500)
            partition.append(to: Int64(5 + step))
            partition.fetch(LeaderFixture.second, at: Int64(5 + step))
            partition.fetch(LeaderFixture.third, at: Int64(4 + step))
            partition.checkLag()
        }
        #expect(partition.proposals.isEmpty, "always one behind, never late")
    }

    @Test("Rule 15: no shrinking while a change is in flight")
    func noShrinkInFlight() {
        let partition = LeaderFixture(inSync: [1, 2])
        partition.fetch(LeaderFixture.third, at: 0)
        partition.append(to: 9)
        partition.wait(milliseconds: 5_000)
        partition.checkLag()
        #expect(partition.proposals.count == 1)
    }
}
