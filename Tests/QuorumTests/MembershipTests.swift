import Primitives
import Quorum
import Testing

/// Changes of dynamic voters (KIP-853), seen from the leader and from a follower.
@Suite("Dynamic voters")
struct MembershipTests {
    static func directory(_ id: Int32) -> DirectoryID { DirectoryID(high: 853, low: UInt64(id)) }
    static func key(_ id: Int32) -> ReplicaKey { ReplicaKey(id: BrokerID(id), directoryID: directory(id)) }
    static func voter(_ id: Int32) -> Voter {
        Voter(
            key: key(id),
            endpoints: [VoterEndpoint(listenerName: "CONTROLLER", host: "c\(id)", port: UInt16(9_000 + id))])
    }
    static func voters(_ ids: [Int32]) -> VoterSet { VoterSet(members: ids.map(voter)) }

    /// Node 1 of a quorum that was formatted with `ids`, and leads it with its first batch committed.
    static func leader(of ids: [Int32]) -> Bench {
        var bench = Bench(voter(1), history: VoterHistory(configured: .none, founding: voters(ids)))
        bench.step(.started)
        var effects = bench.pass(1_000)
        for _ in 0..<2 {
            for (id, ask) in effects.votes where bench.replica.role.leading == nil {
                let reply = QuorumReply.vote(Verdict(leaderID: nil, epoch: ask.epoch), isGranted: true)
                effects = bench.step(.replied(id, reply))
                if !effects.votes.isEmpty { break }
            }
        }
        bench.flush(effects.isEmpty ? [] : effects)
        bench.flush([.flush(bench.replica.log.flushTicket)])
        for id in ids where id != 1 { bench.acknowledge(id) }
        return bench
    }

    @Test("the first leader of a formatted quorum writes its voters to the log")
    func founding() {
        let bench = MembershipTests.leader(of: [1, 2, 3])
        #expect(bench.replica.log.end == Offset(3) && bench.replica.highWatermark == Offset(3))
        #expect(bench.replica.history.votersOffset == Offset(2) && bench.replica.history.kraftVersion == 1)
        #expect(!bench.replica.history.isFounding)
    }

    @Test("a voter is added when it has answered, caught up, and its record is committed by the new majority")
    func add() {
        var bench = MembershipTests.leader(of: [1, 2, 3])
        let ask = QuorumRequest.addVoter(AddVoterAsk(voter: MembershipTests.voter(4), timeoutMilliseconds: 5_000))
        let effects = bench.step(.asked(RequestToken(50), ask))
        #expect(effects.answer(50) == nil)
        let probe = effects.flat.compactMap(\.probe).first
        #expect(probe?.address == QuorumAddress(host: "c4", port: 9_004))
        guard let probe else { return }
        bench.step(.replied(probe.id, .supportedKraftVersions(0...1)))
        #expect(bench.replica.voters.members.count == 3, "it has not caught up")
        var written = bench.acknowledge(4)
        #expect(written.flat.contains { if case .votersChanged = $0 { true } else { false } })
        #expect(bench.replica.voters.contains(MembershipTests.key(4)))
        written += bench.flush(written)
        #expect(written.answer(50) == nil)
        bench.acknowledge(2)
        #expect(bench.replica.highWatermark == Offset(3), "two of four are no majority")
        #expect(bench.acknowledge(4).answer(50)?.verdict.error == .noError)
        #expect(bench.replica.highWatermark == Offset(4))
    }

    @Test("a replica that is not there, or not caught up, is not added in the time given")
    func addTimesOut() {
        var bench = MembershipTests.leader(of: [1, 2, 3])
        let ask = QuorumRequest.addVoter(AddVoterAsk(voter: MembershipTests.voter(4), timeoutMilliseconds: 400))
        let probe = bench.step(.asked(RequestToken(50), ask)).flat.compactMap(\.probe).first
        if let probe {
            #expect(bench.step(.failed(probe.id, .refused)).answer(50)?.verdict.error == .requestTimedOut)
        }
        let again = bench.step(.asked(RequestToken(51), ask)).flat.compactMap(\.probe).first
        if let again { bench.step(.replied(again.id, .supportedKraftVersions(0...1))) }
        for id: Int32 in [2, 3] { bench.acknowledge(id) }
        let refused = bench.pass(401).answer(51)
        #expect(
            refused
                == .voterChange(
                    Verdict(error: .requestTimedOut, leaderID: BrokerID(1), epoch: bench.replica.election.epoch),
                    .voterBehind(MembershipTests.key(4))))
        #expect(bench.replica.voters == MembershipTests.voters([1, 2, 3]))
    }

    @Test("a new voter's node that is slow to answer is asked again, as long as the request waits")
    func slowProbe() {
        var bench = MembershipTests.leader(of: [1, 2, 3])
        let ask = QuorumRequest.addVoter(AddVoterAsk(voter: MembershipTests.voter(4), timeoutMilliseconds: 100))
        guard let first = bench.step(.asked(RequestToken(50), ask)).flat.compactMap(\.probe).first else { return }
        #expect(bench.step(.failed(first.id, .noAnswer)).answer(50) == nil)
        #expect(bench.replica.nextDeadline.map { $0 <= bench.now.advanced(byMilliseconds: 20) } == true)
        let second = bench.pass(20).flat.compactMap(\.probe).first
        #expect(second != nil && second?.id != first.id)
        #expect(bench.pass(79).answer(50) == nil)
        let refused = bench.pass(1).answer(50)
        #expect(
            refused
                == .voterChange(
                    Verdict(error: .requestTimedOut, leaderID: BrokerID(1), epoch: bench.replica.election.epoch),
                    .voterUnreachable(MembershipTests.key(4))))
    }

    @Test("what can't be done is refused with the protocol's code")
    func refusals() {
        var bench = MembershipTests.leader(of: [1, 2, 3])
        var token: UInt64 = 60
        func error(_ request: QuorumRequest) -> ErrorCode? {
            token += 1
            return bench.step(.asked(RequestToken(token), request)).answer(token)?.verdict.error
        }
        var known = MembershipTests.voter(2)
        known.key = ReplicaKey(id: BrokerID(2), directoryID: MembershipTests.directory(9))
        #expect(error(.addVoter(AddVoterAsk(voter: known, timeoutMilliseconds: 10))) == .duplicateVoter)
        let other = ReplicaKey(id: BrokerID(2), directoryID: MembershipTests.directory(9))
        #expect(error(.removeVoter(RemoveVoterAsk(key: other, timeoutMilliseconds: 10))) == .voterNotFound)
        let update = UpdateVoterAsk(voter: MembershipTests.voter(7), epoch: bench.replica.election.epoch)
        #expect(error(.updateVoter(update)) == .voterNotFound)
        let early = UpdateVoterAsk(voter: MembershipTests.voter(2), epoch: LeaderEpoch(99))
        #expect(error(.updateVoter(early)) == .unknownLeaderEpoch)
        var old = MembershipTests.voter(2)
        old.kraftVersions = 0...0
        #expect(
            error(.updateVoter(UpdateVoterAsk(voter: old, epoch: bench.replica.election.epoch))) == .invalidRequest)
        // One at a time: the removal of 3 is not committed yet.
        #expect(error(.removeVoter(RemoveVoterAsk(key: MembershipTests.key(3), timeoutMilliseconds: 10))) == nil)
        #expect(
            error(.removeVoter(RemoveVoterAsk(key: MembershipTests.key(2), timeoutMilliseconds: 10)))
                == .requestTimedOut)
        let late = bench.pass(11).answer(token - 1)
        #expect(
            late
                == .voterChange(
                    Verdict(error: .requestTimedOut, leaderID: BrokerID(1), epoch: bench.replica.election.epoch),
                    .notCommittedInTime))
        // The answer was late, but the record is there: still no other change.
        #expect(
            error(.removeVoter(RemoveVoterAsk(key: MembershipTests.key(2), timeoutMilliseconds: 10)))
                == .requestTimedOut)
    }

    @Test("the last voter stays, and static voters do not change")
    func lastVoter() {
        var bench = MembershipTests.leader(of: [1])
        let ask = QuorumRequest.removeVoter(RemoveVoterAsk(key: MembershipTests.key(1), timeoutMilliseconds: 10))
        #expect(bench.step(.asked(RequestToken(50), ask)).answer(50)?.verdict.error == .invalidRequest)
        var fixed = Bench.withLog(epoch: 1, lengths: [1], voters: [1])
        fixed.flush(fixed.step(.started))
        #expect(fixed.step(.asked(RequestToken(51), ask)).answer(51)?.verdict.error == .unsupportedVersion)
        var follower = Bench.withLog(epoch: 1, lengths: [1])
        follower.step(.started)
        #expect(follower.step(.asked(RequestToken(52), ask)).answer(52)?.verdict.error == .notLeaderOrFollower)
    }

    @Test("no change before something is committed in the leader's own epoch")
    func noHighWatermark() {
        var bench = Bench(
            MembershipTests.voter(1),
            history: VoterHistory(configured: .none, founding: MembershipTests.voters([1, 2])))
        bench.step(.started)
        var effects = bench.pass(1_000)
        for _ in 0..<2 {
            guard let (id, ask) = effects.votes.first else { break }
            let reply = QuorumReply.vote(Verdict(leaderID: nil, epoch: ask.epoch), isGranted: true)
            effects = bench.step(.replied(id, reply))
        }
        bench.flush(effects)
        #expect(bench.replica.leaderID == BrokerID(1) && bench.replica.highWatermark == nil)
        let ask = QuorumRequest.removeVoter(RemoveVoterAsk(key: MembershipTests.key(2), timeoutMilliseconds: 10))
        #expect(bench.step(.asked(RequestToken(50), ask)).answer(50)?.verdict.error == .requestTimedOut)
    }

    @Test("a leader that removes itself leads on until that is committed by the others, then resigns")
    func removesItself() {
        var bench = MembershipTests.leader(of: [1, 2, 3])
        let ask = QuorumRequest.removeVoter(RemoveVoterAsk(key: MembershipTests.key(1), timeoutMilliseconds: 5_000))
        var effects = bench.step(.asked(RequestToken(50), ask))
        effects += bench.flush(effects)
        #expect(bench.replica.role.name == "Leader" && !bench.replica.isVoter)
        bench.acknowledge(2)
        #expect(bench.replica.highWatermark == Offset(3), "its own log no longer counts")
        let last = bench.acknowledge(3)
        #expect(last.answer(50)?.verdict.error == .noError)
        #expect(bench.replica.role.name == "Resigned" && bench.replica.highWatermark == Offset(4))
        #expect(last.flat.count { if case .send(_, _, .endEpoch) = $0 { true } else { false } } == 2)
        bench.pass(2_000)
        #expect(bench.replica.role.name == "Unattached", "it has no vote and never stands again")
    }

    @Test("one that removed itself stands again while it may be the only one to know, without a vote of its own")
    func leavingStands() {
        var bench = MembershipTests.leader(of: [1, 2])
        let ask = QuorumRequest.removeVoter(RemoveVoterAsk(key: MembershipTests.key(1), timeoutMilliseconds: 5_000))
        bench.flush(bench.step(.asked(RequestToken(50), ask)))
        bench.step(.resign(bench.replica.election.epoch))
        #expect(!bench.replica.isVoter && bench.replica.isLeaving)
        var effects: [QuorumEffect] = []
        for _ in 0..<40 where bench.replica.role.name != "Prospective" { effects = bench.pass(50) }
        #expect(effects.votes.count == 1)
        for _ in 0..<2 {
            guard let (id, ask) = effects.votes.first else { break }
            let reply = QuorumReply.vote(Verdict(leaderID: nil, epoch: ask.epoch), isGranted: true)
            effects = bench.step(.replied(id, reply))
        }
        bench.flush(effects)
        #expect(bench.replica.role.name == "Leader", "the vote of the only voter is a majority")
        bench.acknowledge(2)
        #expect(bench.replica.role.name == "Resigned" && !bench.replica.isLeaving)
        bench.pass(2_000)
        #expect(bench.replica.role.name == "Unattached")
    }

    @Test("a follower counts the voters of its log at once, and forgets them when that part is cut")
    func followerFollowsItsLog() {
        var bench = Bench(
            MembershipTests.voter(2),
            history: VoterHistory(configured: .none, founding: MembershipTests.voters([1, 2, 3])))
        guard let first = bench.follow(1, epoch: 1).fetch else { return }
        let batch = FetchedBatch(
            base: .zero, end: Offset(4), epoch: LeaderEpoch(1), bytes: .empty,
            changes: [
                QuorumChange(offset: Offset(1), .kraftVersion(1)),
                QuorumChange(offset: Offset(2), .voters(MembershipTests.voters([1, 2, 3]))),
                QuorumChange(offset: Offset(3), .voters(MembershipTests.voters([1, 2, 3, 4]))),
            ])
        let verdict = Verdict(leaderID: BrokerID(1), epoch: LeaderEpoch(1))
        let taken = bench.step(.replied(first.id, .fetch(verdict, highWatermark: nil, .entries([batch]))))
        #expect(bench.replica.voters == MembershipTests.voters([1, 2, 3, 4]))
        guard let second = bench.flush(taken).fetch else {
            Issue.record("it does not fetch on")
            return
        }
        let end = EpochEnd(epoch: LeaderEpoch(1), end: Offset(3))
        bench.step(.replied(second.id, .fetch(verdict, highWatermark: nil, .diverging(end))))
        #expect(bench.replica.log.end == Offset(3) && bench.replica.voters == MembershipTests.voters([1, 2, 3]))
    }

    @Test("a snapshot says who votes, and the next one says it again")
    func snapshots() {
        var history = VoterHistory(configured: .none, founding: MembershipTests.voters([1]))
        history.reset(
            to: SnapshotVoters(voters: MembershipTests.voters([1, 2]), kraftVersion: 1), end: Offset(10))
        history.append(QuorumChange(offset: Offset(12), .voters(MembershipTests.voters([1, 2, 3]))))
        #expect(history.voters == MembershipTests.voters([1, 2, 3]) && !history.isFounding)
        #expect(history.snapshot(below: Offset(12)).voters == MembershipTests.voters([1, 2]))
        #expect(history.snapshot(below: Offset(13)).voters == MembershipTests.voters([1, 2, 3]))
        history.dropPrefix(before: Offset(13))
        #expect(
            history.snapshot(below: Offset(13))
                == SnapshotVoters(voters: MembershipTests.voters([1, 2, 3]), kraftVersion: 1))
    }

    @Test("Rule 20: a wiped voter has another directory, and does not vote under its old key")
    func wipedVoter() {
        var wiped = MembershipTests.voter(3)
        wiped.key = ReplicaKey(id: BrokerID(3), directoryID: MembershipTests.directory(33))
        var bench = Bench(wiped, history: VoterHistory(configured: .none))
        bench.step(.started)
        for (token, isPreVote) in [(UInt64(1), true), (2, false)] {
            let ask = VoteAsk(
                candidate: MembershipTests.key(2), epoch: LeaderEpoch(5), lastEpoch: LeaderEpoch(4),
                lastOffset: Offset(9), isPreVote: isPreVote, voter: MembershipTests.key(3))
            let answer = bench.step(.asked(RequestToken(token), .vote(ask))).answer(token)
            #expect(answer?.verdict.error == .invalidVoterKey && answer?.isGranted == false)
        }
        let notice = BeginEpochNotice(leaderID: BrokerID(2), epoch: LeaderEpoch(5), voter: MembershipTests.key(3))
        #expect(
            bench.step(.asked(RequestToken(3), .beginEpoch(notice))).answer(3)?.verdict.error == .invalidVoterKey)
    }

    @Test("a replica that has a log but has not heard of its vote yet grants it by its full key only")
    func unheardVote() {
        var log = LogView()
        log.append(epoch: LeaderEpoch(1), through: Offset(4))
        _ = log.flushed(log.flushTicket)
        let election = ElectionState(epoch: LeaderEpoch(1), standing: .proven)
        var bench = Bench(
            MembershipTests.voter(4),
            history: VoterHistory(configured: .none, founding: MembershipTests.voters([1, 2])),
            election: election, log: log)
        bench.step(.started)
        func isGranted(_ token: UInt64, _ voter: ReplicaKey?) -> Bool {
            let ask = VoteAsk(
                candidate: MembershipTests.key(1), epoch: LeaderEpoch(2), lastEpoch: LeaderEpoch(1),
                lastOffset: Offset(5), isPreVote: false, voter: voter)
            return bench.step(.asked(RequestToken(token), .vote(ask))).answer(token)?.isGranted ?? false
        }
        #expect(!isGranted(1, nil))
        #expect(!isGranted(2, ReplicaKey(id: BrokerID(4))))
        #expect(isGranted(3, MembershipTests.key(4)))
    }

    @Test("static voters become dynamic in one batch, once the leader knows the directory of each")
    func upgrade() {
        let keys = [1, 2, 3].map { ReplicaKey(id: BrokerID($0)) }
        var bench = Bench(MembershipTests.voter(1), history: VoterHistory(configured: VoterSet(keys)))
        let epoch = bench.lead()
        let ask = QuorumRequest.finalizeKraftVersion(KraftVersionAsk(level: 1, timeoutMilliseconds: 5_000))
        #expect(
            bench.step(.asked(RequestToken(50), ask)).answer(50)?.verdict.error == .requestTimedOut, "no commit yet")
        bench.acknowledge(2)
        #expect(
            bench.step(.asked(RequestToken(51), ask)).answer(51)
                == .voterChange(
                    Verdict(error: .invalidUpdateVersion, leaderID: BrokerID(1), epoch: epoch),
                    .votersUnreported([BrokerID(2), BrokerID(3)])))
        for id: Int32 in [2, 3] {
            let update = UpdateVoterAsk(voter: MembershipTests.voter(id), epoch: epoch)
            bench.step(.asked(RequestToken(UInt64(60 + id)), .updateVoter(update)))
        }
        #expect(bench.replica.refusal(ofKraftVersion: 1) == nil)
        #expect(bench.replica.refusal(ofKraftVersion: 2)?.error == .invalidUpdateVersion)
        var old = MembershipTests.voter(2)
        old.kraftVersions = 0...0
        bench.step(.asked(RequestToken(65), .updateVoter(UpdateVoterAsk(voter: old, epoch: epoch))))
        #expect(
            bench.replica.refusal(ofKraftVersion: 1) == .kraftVersionUnfinalizable(1, forWantOf: BrokerID(2)))
        let update = UpdateVoterAsk(voter: MembershipTests.voter(2), epoch: epoch)
        bench.step(.asked(RequestToken(66), .updateVoter(update)))
        let before = bench.replica.log.end
        let effects = bench.step(.asked(RequestToken(52), ask))
        #expect(bench.replica.log.end == before + 2 && bench.replica.history.isDynamic)
        #expect(bench.replica.voters == MembershipTests.voters([1, 2, 3]))
        bench.flush(effects)
        #expect(bench.acknowledge(2).answer(52)?.verdict.error == .noError)
        let back = QuorumRequest.finalizeKraftVersion(KraftVersionAsk(level: 0, timeoutMilliseconds: 5_000))
        #expect(bench.step(.asked(RequestToken(53), back)).answer(53)?.verdict.error == .invalidUpdateVersion)
    }

    @Test("an observer asks the bootstrap addresses, and joins by itself where it is to")
    func joins() {
        var settings = QuorumSettings()
        settings.bootstrap = [QuorumAddress(host: "c1", port: 9_001)]
        settings.joinsByItself = true
        var bench = Bench(MembershipTests.voter(4), history: VoterHistory(configured: .none), settings: settings)
        let search = bench.step(.started).flat.compactMap(\.search).first
        #expect(search?.address == QuorumAddress(host: "c1", port: 9_001))
        guard let search else { return }
        let verdict = Verdict(leaderID: BrokerID(2), epoch: LeaderEpoch(1))
        let refusal = QuorumReply.fetch(
            Verdict(error: .notLeaderOrFollower, leaderID: BrokerID(2), epoch: LeaderEpoch(1)), highWatermark: nil,
            .empty)
        guard let first = bench.step(.replied(search.id, refusal)).fetch else { return }
        let batch = FetchedBatch(
            base: .zero, end: Offset(3), epoch: LeaderEpoch(1), bytes: .empty,
            changes: [
                QuorumChange(offset: Offset(1), .kraftVersion(1)),
                QuorumChange(offset: Offset(2), .voters(MembershipTests.voters([1, 2, 3]))),
            ])
        let reply = QuorumReply.fetch(verdict, highWatermark: Offset(3), .entries([batch]))
        let keepAlive = bench.flush(bench.step(.replied(first.id, reply))).fetch
        bench.pass(599)
        if let keepAlive { bench.step(.replied(keepAlive.id, .fetch(verdict, highWatermark: Offset(3), .empty))) }
        let asked = bench.pass(2).flat.compactMap { effect -> AddVoterAsk? in
            if case .send(_, BrokerID(2), .addVoter(let ask)) = effect { ask } else { nil }
        }
        #expect(asked.first?.voter == MembershipTests.voter(4) && asked.first?.answersWhenCommitted == false)
    }
}

extension Bench {
    /// Replica `id` has fetched all that the leader has.
    @discardableResult
    mutating func acknowledge(_ id: Int32) -> [QuorumEffect] {
        let fetch = LogFetch(
            replica: MembershipTests.key(id), epoch: replica.election.epoch, offset: replica.log.end,
            lastFetchedEpoch: replica.log.lastEpoch, highWatermark: .notTold, maxWaitMilliseconds: 0)
        return step(.asked(RequestToken(UInt64(10_000 + id)), .fetch(fetch)))
    }
}

extension QuorumEffect {
    fileprivate var probe: (id: RequestID, address: QuorumAddress)? {
        if case .sendToAddress(let id, let address, .supportedKraftVersions) = self { (id, address) } else { nil }
    }
    fileprivate var search: (id: RequestID, address: QuorumAddress)? {
        if case .sendToAddress(let id, let address, .fetch) = self { (id, address) } else { nil }
    }
}
