import Primitives
import Quorum
import Testing

@Suite("Elections")
struct ElectionTests {
    @Test("a lone voter leads at once, with its own leader-change record first")
    func loneVoter() {
        var bench = Bench(voters: [1])
        let effects = bench.step(.started)
        #expect(effects.persisted?.leaderID == BrokerID(1))
        let change = OwnBatch.leaderChange(leaderID: BrokerID(1), voters: [key(1)], grantedBy: [key(1)])
        #expect(effects.flat.contains(.append(change, base: .zero, epoch: LeaderEpoch(1))))
        #expect(bench.flush(effects).compactMap(\.advanced) == [Offset(1)])
    }

    @Test("Rule 20: a voter without a leader asks for pre-votes first and opens no epoch for them")
    func preVoteFirst() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        bench.step(.started)
        let effects = bench.pass(1_000)
        #expect(effects.votes.count == 2)
        #expect(effects.votes.allSatisfy { $0.1.isPreVote && $0.1.epoch == LeaderEpoch(4) })
        #expect(effects.persisted == nil && bench.replica.role.name == "Prospective")
    }

    @Test("a majority of pre-votes opens an epoch with its own vote on the disk; a majority of votes leads it")
    func wins() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        bench.step(.started)
        let pre = bench.pass(1_000).votes
        let granted = QuorumReply.vote(Verdict(leaderID: nil, epoch: LeaderEpoch(4)), isGranted: true)
        let candidacy = bench.step(.replied(pre[0].0, granted))
        #expect(candidacy.persisted?.votedFor == key(1) && candidacy.persisted?.epoch == LeaderEpoch(5))
        guard case .persist = candidacy.first, candidacy.count == 1 else {
            Issue.record("votes are asked for before the own vote is on the disk")
            return
        }
        #expect(candidacy.votes.allSatisfy { !$0.1.isPreVote && $0.1.epoch == LeaderEpoch(5) })
        let vote = QuorumReply.vote(Verdict(leaderID: nil, epoch: LeaderEpoch(5)), isGranted: true)
        let won = bench.step(.replied(candidacy.votes[1].0, vote))
        #expect(won.flat.contains(.becameLeader(LeaderEpoch(5), startOffset: Offset(3))))
    }

    @Test("late, doubled and foreign answers count nothing")
    func strayVotes() {
        var bench = Bench.withLog(epoch: 4, lengths: [3], voters: [1, 2, 3, 4, 5])
        bench.step(.started)
        let pre = bench.pass(1_000).votes
        let granted = QuorumReply.vote(Verdict(leaderID: nil, epoch: LeaderEpoch(4)), isGranted: true)
        for _ in 0..<3 { bench.step(.replied(pre[0].0, granted)) }
        bench.step(.replied(RequestID(4_711), granted))
        bench.step(.replied(pre[1].0, .vote(Verdict(leaderID: nil, epoch: LeaderEpoch(3)), isGranted: true)))
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("a rejected pre-vote that names the leader makes a follower")
    func learnsLeader() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        bench.step(.started)
        let pre = bench.pass(1_000).votes
        let rejected = QuorumReply.vote(Verdict(leaderID: BrokerID(3), epoch: LeaderEpoch(4)), isGranted: false)
        let effects = bench.step(.replied(pre[0].0, rejected))
        #expect(bench.replica.leaderID == BrokerID(3) && effects.fetch?.to == BrokerID(3))
    }

    @Test("a later epoch in any answer ends a candidacy")
    func laterEpoch() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        bench.step(.started)
        let pre = bench.pass(1_000).votes
        let effects = bench.step(
            .replied(pre[0].0, .vote(Verdict(leaderID: nil, epoch: LeaderEpoch(9)), isGranted: false)))
        #expect(effects.persisted?.epoch == LeaderEpoch(9) && bench.replica.role.name == "Unattached")
    }

    @Test("of two that stand at once the one with the greater id steps back, so that the votes are not split")
    func tieBreak() {
        var greater = Bench.withLog(me: 2, epoch: 4, lengths: [3])
        greater.step(.started)
        greater.pass(1_000)
        let fromLesser = ask(from: 1, epoch: 4, lastEpoch: 1, lastOffset: 3, isPreVote: true)
        #expect(greater.step(.asked(RequestToken(1), fromLesser)).answer(1)?.isGranted == true)
        #expect(greater.replica.role.name == "Unattached")
        var lesser = Bench.withLog(me: 1, epoch: 4, lengths: [3])
        lesser.step(.started)
        lesser.pass(1_000)
        let fromGreater = ask(from: 2, epoch: 4, lastEpoch: 1, lastOffset: 3, isPreVote: true)
        #expect(lesser.step(.asked(RequestToken(1), fromGreater)).answer(1)?.isGranted == true)
        #expect(lesser.replica.role.name == "Prospective")
    }

    @Test("a refused connection to the leader makes a follower stand at once")
    func refusedLeader() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        let sent = bench.follow(2, epoch: 5).fetch
        guard let sent else { return }
        let effects = bench.step(.failed(sent.id, .refused))
        #expect(effects.votes.count == 2 && bench.replica.role.name == "Prospective")
    }

    @Test("silence of the leader makes a follower stand after the fetch timeout, not before")
    func silentLeader() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        bench.step(.failed(sent.id, .noAnswer))
        bench.watch(599)
        #expect(bench.replica.role.name == "Follower")
        bench.pass(1)
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("a former leader does not lead its epoch again after a restart, and says so")
    func restartedLeader() {
        var bench = Bench.withLog(epoch: 4, lengths: [0, 0, 0, 3], leader: 1, votedFor: 1)
        let effects = bench.step(.started)
        #expect(bench.replica.role.name == "Resigned")
        let told = effects.flat.count { if case .send(_, _, .endEpoch) = $0 { true } else { false } }
        #expect(told == 2)
        let append = bench.step(.append(AppendTicket(1), recordCount: 1, expecting: LeaderEpoch(4)))
        #expect(append == [.refuseAppend(AppendTicket(1))])
    }

    @Test("the leader's first choice stands at once when it hands over, the next a little later")
    func handOver() {
        for (successors, stands) in [([1, 3], true), ([3, 1], false)] as [([Int32], Bool)] {
            var bench = Bench.withLog(epoch: 4, lengths: [3])
            _ = bench.follow(2, epoch: 5)
            let notice = EndEpochNotice(
                leaderID: BrokerID(2), epoch: LeaderEpoch(5), successors: successors.map { key($0) })
            bench.step(.asked(RequestToken(5), .endEpoch(notice)))
            #expect((bench.replica.role.name == "Prospective") == stands)
            bench.pass(60)
            #expect(bench.replica.role.name == "Prospective")
        }
    }

    @Test("notices of an epoch that is over, of strangers, and of a second leader are refused")
    func badNotices() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        _ = bench.follow(2, epoch: 5)
        func error(_ leader: Int32, _ epoch: Int32) -> ErrorCode? {
            let notice = BeginEpochNotice(leaderID: BrokerID(leader), epoch: LeaderEpoch(epoch))
            return bench.step(.asked(RequestToken(6), .beginEpoch(notice))).answer(6)?.verdict.error
        }
        #expect(error(3, 4) == .fencedLeaderEpoch)
        #expect(error(3, 5) == .invalidRequest)
        #expect(error(9, 6) == .invalidRequest)
        #expect(error(1, 6) == .invalidRequest)
        #expect(error(2, 5) == .noError)
        #expect(bench.replica.leaderID == BrokerID(2) && bench.replica.election.epoch == LeaderEpoch(5))
    }

    @Test("an observer never stands; it asks the voters in turn who leads")
    func observer() {
        var bench = Bench(me: 9)
        var asked: Set<BrokerID> = []
        var effects = bench.step(.started)
        for _ in 0..<6 {
            guard let sent = effects.fetch else {
                Issue.record("it stopped asking")
                return
            }
            asked.insert(sent.to)
            bench.step(.failed(sent.id, .noAnswer))
            effects = bench.pass(1_000)
            #expect(effects.votes.isEmpty)
        }
        #expect(asked == [BrokerID(1), BrokerID(2), BrokerID(3)])
    }
}
