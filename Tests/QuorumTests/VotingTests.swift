import Primitives
import Quorum
import Testing

@Suite("Voting")
struct VotingTests {
    @Test("Rule 20: the vote is on the disk before it is told")
    func voteIsPersistedFirst() {
        var bench = Bench.withLog(epoch: 3, lengths: [2, 0, 3])
        bench.step(.started)
        let effects = bench.step(.asked(RequestToken(1), ask(from: 2, epoch: 4, lastEpoch: 3, lastOffset: 5)))
        guard case .persist(let state, let rest) = effects.first else {
            Issue.record("the first effect is not the vote file")
            return
        }
        #expect(state.epoch == LeaderEpoch(4) && state.votedFor == key(2))
        #expect(effects.count == 1 && rest.answer(1)?.isGranted == true)
    }

    @Test("Rule 20: one vote for each epoch, and the same again for the same candidate")
    func oneVote() {
        var bench = Bench.withLog(epoch: 3, lengths: [2, 0, 3])
        bench.step(.started)
        let request = ask(from: 2, epoch: 4, lastEpoch: 3, lastOffset: 5)
        #expect(bench.step(.asked(RequestToken(1), request)).answer(1)?.isGranted == true)
        let other = ask(from: 3, epoch: 4, lastEpoch: 3, lastOffset: 9)
        #expect(bench.step(.asked(RequestToken(2), other)).answer(2)?.isGranted == false)
        #expect(bench.step(.asked(RequestToken(3), request)).answer(3)?.isGranted == true)
    }

    @Test("Rule 20: a vote survives a restart")
    func voteSurvives() {
        var bench = Bench.withLog(epoch: 4, lengths: [2], votedFor: 2)
        bench.step(.started)
        let other = ask(from: 3, epoch: 4, lastEpoch: 3, lastOffset: 9)
        #expect(bench.step(.asked(RequestToken(1), other)).answer(1)?.isGranted == false)
    }

    @Test(
        "only a candidate whose log is not behind gets a vote",
        arguments: [
            (2, 99, false), (3, 4, false), (3, 5, true), (3, 6, true), (4, 1, true),
        ])
    func upToDate(lastEpoch: Int32, lastOffset: Int64, isGranted: Bool) {
        var bench = Bench.withLog(epoch: 5, lengths: [2, 0, 3])
        bench.step(.started)
        for isPreVote in [true, false] {
            let request = ask(
                from: 2, epoch: 6, lastEpoch: lastEpoch, lastOffset: lastOffset, isPreVote: isPreVote)
            #expect(bench.step(.asked(RequestToken(1), request)).answer(1)?.isGranted == isGranted)
        }
    }

    @Test("an epoch that is over is fenced, with the present one")
    func oldEpoch() {
        var bench = Bench.withLog(epoch: 5, lengths: [2])
        bench.step(.started)
        let answer = bench.step(.asked(RequestToken(1), ask(from: 2, epoch: 4, lastEpoch: 1, lastOffset: 2))).answer(1)
        #expect(answer?.verdict.error == .fencedLeaderEpoch && answer?.verdict.epoch == LeaderEpoch(5))
    }

    @Test("what can't be true is refused: strangers, other voters, a log from the epoch to be voted in")
    func impossibleAsks() {
        var bench = Bench.withLog(epoch: 5, lengths: [2])
        bench.step(.started)
        func error(_ request: QuorumRequest) -> ErrorCode? {
            bench.step(.asked(RequestToken(1), request)).answer(1)?.verdict.error
        }
        #expect(error(ask(from: 9, epoch: 6, lastEpoch: 1, lastOffset: 2)) == .invalidRequest)
        #expect(error(ask(from: 1, epoch: 6, lastEpoch: 1, lastOffset: 2)) == .invalidRequest)
        #expect(error(ask(from: 2, epoch: 6, lastEpoch: 6, lastOffset: 2)) == .invalidRequest)
        #expect(error(ask(from: 2, epoch: 6, lastEpoch: 7, lastOffset: 2, isPreVote: true)) == .invalidRequest)
        #expect(error(ask(from: 2, epoch: 6, lastEpoch: 1, lastOffset: -1)) == .invalidRequest)
        #expect(error(ask(from: 2, epoch: 6, lastEpoch: 1, lastOffset: 2, voter: key(3))) == .invalidVoterKey)
        #expect(bench.replica.election.epoch == LeaderEpoch(5))
    }

    @Test("Rule 20: a voter with another directory id is not the voter")
    func identityIsIdAndDirectory() {
        let voters = VoterSet([
            ReplicaKey(id: BrokerID(1), directoryID: UUID128(high: 1, low: 1)),
            ReplicaKey(id: BrokerID(2), directoryID: UUID128(high: 1, low: 2)),
        ])
        let wiped = ReplicaKey(id: BrokerID(2), directoryID: UUID128(high: 9, low: 9))
        #expect(!voters.contains(wiped) && !voters.contains(key(2)), "a voter is named with its directory")
        var bench = Bench(Voter(key: wiped), history: VoterHistory(configured: .none, founding: voters))
        #expect(!bench.replica.isVoter)
        let answer = bench.step(.asked(RequestToken(1), ask(from: 1, epoch: 1, voter: voters.all[1]))).answer(1)
        #expect(answer?.verdict.error == .invalidVoterKey)
    }

    @Test("Rule 20: a follower that hears its leader refuses pre-votes and votes of the epoch")
    func followerRefuses() {
        var bench = Bench.withLog(epoch: 1, lengths: [3])
        let sent = bench.follow(2, epoch: 2).fetch
        let pre = ask(from: 3, epoch: 2, lastEpoch: 1, lastOffset: 3, isPreVote: true)
        #expect(
            bench.step(.asked(RequestToken(1), pre)).answer(1)?.isGranted == true, "it has not heard the leader yet")
        let reply = QuorumReply.fetch(
            Verdict(leaderID: BrokerID(2), epoch: LeaderEpoch(2)), highWatermark: nil, .empty)
        if let sent { bench.step(.replied(sent.id, reply)) }
        let refused = bench.step(.asked(RequestToken(2), pre)).answer(2)
        #expect(refused?.isGranted == false && refused?.verdict.leaderID == BrokerID(2))
        let vote = ask(from: 3, epoch: 2, lastEpoch: 1, lastOffset: 3)
        #expect(bench.step(.asked(RequestToken(3), vote)).answer(3)?.isGranted == false)
    }

    @Test("Rule 20: a leader refuses a pre-vote and stays, but gives way to a later epoch")
    func leaderAndVotes() {
        var bench = Bench.withLog(epoch: 1, lengths: [3])
        let epoch = bench.lead()
        let pre = ask(from: 3, epoch: epoch.value, lastEpoch: epoch.value, lastOffset: 99, isPreVote: true)
        #expect(bench.step(.asked(RequestToken(1), pre)).answer(1)?.isGranted == false)
        #expect(bench.replica.role.name == "Leader")
        let later = ask(from: 3, epoch: epoch.value + 1, lastEpoch: epoch.value, lastOffset: 99)
        let effects = bench.step(.asked(RequestToken(2), later))
        #expect(effects.answer(2)?.isGranted == true)
        #expect(effects.flat.contains(.lostLeadership(epoch)))
    }
}

@Suite("A blank voter")
struct BlankVoterTests {
    @Test("votes only for a candidate whose log is empty too")
    func unproven() {
        var bench = Bench()
        bench.step(.started)
        let full = ask(from: 2, epoch: 4, lastEpoch: 3, lastOffset: 9)
        #expect(bench.step(.asked(RequestToken(1), full)).answer(1)?.isGranted == false)
        var other = Bench()
        other.step(.started)
        #expect(other.step(.asked(RequestToken(1), ask(from: 2, epoch: 1))).answer(1)?.isGranted == true)
        #expect(other.replica.election.standing == .founding)
    }

    @Test("that took part in the first election votes for whoever has entries, and stands no more once it knows of one")
    func founder() {
        var bench = Bench()
        bench.step(.started)
        bench.step(.asked(RequestToken(1), ask(from: 2, epoch: 1)))
        let notice = BeginEpochNotice(leaderID: BrokerID(2), epoch: LeaderEpoch(1))
        bench.step(.asked(RequestToken(2), .beginEpoch(notice)))
        #expect(bench.replica.election.standing == .expecting)
        for _ in 0..<20 { #expect(bench.pass(300).votes.isEmpty) }
        let blank = ask(from: 3, epoch: 2)
        #expect(bench.step(.asked(RequestToken(3), blank)).answer(3)?.isGranted == false)
        let full = ask(from: 2, epoch: 2, lastEpoch: 1, lastOffset: 1)
        #expect(bench.step(.asked(RequestToken(4), full)).answer(4)?.isGranted == true)
    }

    @Test("is told of no leader whose first entry is not durable")
    func leaderFlushesBeforeItIsKnown() {
        var bench = Bench()
        bench.step(.started)
        var effects = bench.pass(1_000)
        for epoch in [LeaderEpoch(0), LeaderEpoch(1)] {
            let granted = QuorumReply.vote(Verdict(leaderID: nil, epoch: epoch), isGranted: true)
            effects = bench.step(.replied(effects.votes[0].0, granted))
        }
        #expect(bench.replica.role.name == "Leader" && bench.replica.leaderID == nil)
        func notices(_ effects: [QuorumEffect]) -> Int {
            effects.flat.count { if case .send(_, _, .beginEpoch) = $0 { true } else { false } }
        }
        #expect(notices(effects) == 0)
        #expect(notices(bench.flush(effects)) == 2 && bench.replica.leaderID == BrokerID(1))
    }

    @Test("neither votes nor stands once it saw a log, also after a restart")
    func catchingUp() {
        var bench = Bench()
        bench.step(.started)
        let effects = bench.step(.asked(RequestToken(1), ask(from: 2, epoch: 4, lastEpoch: 3, lastOffset: 9)))
        #expect(effects.persisted?.standing == .catchingUp)
        for _ in 0..<20 { #expect(bench.pass(300).votes.isEmpty) }
        var again = Bench(election: bench.replica.election)
        again.step(.started)
        for _ in 0..<20 { #expect(again.pass(300).votes.isEmpty) }
        let blank = ask(from: 3, epoch: 9)
        #expect(again.step(.asked(RequestToken(2), blank)).answer(2)?.isGranted == false)
    }

    @Test("counts again after it fetched to the leader's high watermark, flushed")
    func caughtUp() {
        var bench = Bench()
        var sent = bench.follow(2, epoch: 3).fetch
        #expect(bench.replica.election.standing == .catchingUp)
        let verdict = Verdict(leaderID: BrokerID(2), epoch: LeaderEpoch(3))
        let batch = FetchedBatch(base: Offset(0), end: Offset(4), epoch: LeaderEpoch(3), bytes: .empty)
        guard let first = sent else {
            Issue.record("it does not fetch")
            return
        }
        let effects = bench.step(
            .replied(first.id, .fetch(verdict, highWatermark: Offset(8), .entries([batch]))))
        sent = bench.flush(effects).fetch
        #expect(bench.replica.election.standing == .catchingUp)
        let rest = FetchedBatch(base: Offset(4), end: Offset(8), epoch: LeaderEpoch(3), bytes: .empty)
        guard let second = sent else {
            Issue.record("it does not go on")
            return
        }
        #expect(second.fetch.offset == Offset(4))
        let last = bench.step(.replied(second.id, .fetch(verdict, highWatermark: Offset(8), .entries([rest]))))
        #expect(bench.replica.election.standing == .catchingUp, "it is not flushed")
        bench.flush(last)
        #expect(bench.replica.election.standing == .proven)
    }
}
