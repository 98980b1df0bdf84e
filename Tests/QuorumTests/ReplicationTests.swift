import Primitives
import Quorum
import Testing

@Suite("The leader's log")
struct LeadingTests {
    @Test("Rule 9: entries of earlier epochs commit only with one of this epoch, as do fetches of a majority")
    func commitsOwnEpochOnly() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        // 7 entries were there, offset 7 is the leader-change record.
        #expect(bench.replica.role.leading?.epochStart == Offset(7))
        let before = bench.step(.asked(RequestToken(1), fetch(from: 2, epoch: epoch, offset: 7, lastEpoch: 2)))
        #expect(before.flat.compactMap(\.advanced).isEmpty)
        guard case .fetch(_, let none, .entries(Offset(7))) = before.answer(1) else {
            Issue.record("the follower is not given what it lacks")
            return
        }
        #expect(none == nil, "a high watermark of another epoch is not told")
        let after = bench.step(
            .asked(RequestToken(2), fetch(from: 2, epoch: epoch, offset: 8, lastEpoch: epoch.value)))
        #expect(after.flat.compactMap(\.advanced) == [Offset(8)])
    }

    @Test("Rule 8: the leader counts itself only up to what it has flushed, and again when the flush is done")
    func leaderFlushesFirst() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        bench.step(.asked(RequestToken(1), fetch(from: 2, epoch: epoch, offset: 8, lastEpoch: epoch.value)))
        let appended = bench.step(.append(AppendTicket(1), recordCount: 2, expecting: epoch))
        #expect(appended.flat.contains(.append(.records(AppendTicket(1), count: 2), base: Offset(8), epoch: epoch)))
        let early = bench.step(
            .asked(RequestToken(2), fetch(from: 2, epoch: epoch, offset: 10, lastEpoch: epoch.value)))
        #expect(early.flat.compactMap(\.advanced).isEmpty)
        #expect(bench.flush(appended).compactMap(\.advanced) == [Offset(10)])
    }

    @Test("an append for an epoch that is over, or on a follower, is refused and writes nothing")
    func refusedAppends() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        let end = bench.replica.log.end
        let old = bench.step(.append(AppendTicket(1), recordCount: 1, expecting: LeaderEpoch(epoch.value - 1)))
        #expect(old == [.refuseAppend(AppendTicket(1))])
        bench.step(.resign(epoch))
        #expect(
            bench.step(.append(AppendTicket(2), recordCount: 1, expecting: epoch)) == [.refuseAppend(AppendTicket(2))])
        #expect(bench.replica.log.end == end)
    }

    @Test(
        "Rule 19: a leader that slept past its check-quorum time refuses the append that wakes it, and resigns if it hears nothing"
    )
    func appendAfterSleep() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        let end = bench.replica.log.end
        #expect(!bench.replica.hasLostQuorum(now: bench.now))
        bench.now = bench.now.advanced(byMilliseconds: 6_000)
        #expect(bench.replica.hasLostQuorum(now: bench.now))
        let effects = bench.step(.append(AppendTicket(1), recordCount: 1, expecting: epoch)).flat
        #expect(effects.contains(.refuseAppend(AppendTicket(1))))
        #expect(bench.replica.log.end == end)
        #expect(bench.pass(199).flat.contains(.lostLeadership(epoch)) == false)
        #expect(bench.pass(1).flat.contains(.lostLeadership(epoch)))
    }

    @Test("Rule 5: epoch first, then leadership")
    func errorsInOrder() {
        var leader = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = leader.lead()
        func error(_ epoch: Int32) -> ErrorCode? {
            leader.step(.asked(RequestToken(1), fetch(from: 2, epoch: LeaderEpoch(epoch), offset: 0, lastEpoch: 0)))
                .answer(1)?.verdict.error
        }
        #expect(error(epoch.value - 1) == .fencedLeaderEpoch)
        #expect(error(epoch.value + 1) == .unknownLeaderEpoch)
        #expect(error(epoch.value) == .noError)
        var follower = Bench.withLog(epoch: 2, lengths: [3, 4])
        _ = follower.follow(2, epoch: 5)
        let refused = follower.step(
            .asked(RequestToken(2), fetch(from: 3, epoch: LeaderEpoch(5), offset: 0, lastEpoch: 0))
        ).answer(2)
        #expect(refused?.verdict.error == .notLeaderOrFollower && refused?.verdict.leaderID == BrokerID(2))
    }

    @Test("Rule 3: a diverging fetch is told where to cut, is not counted, and brings no entries")
    func diverging() {
        var bench = Bench.withLog(epoch: 3, lengths: [3, 0, 4])
        let epoch = bench.lead()
        let effects = bench.step(.asked(RequestToken(1), fetch(from: 2, epoch: epoch, offset: 6, lastEpoch: 2)))
        #expect(effects.answer(1)?.content == .diverging(EpochEnd(epoch: LeaderEpoch(1), end: Offset(3))))
        #expect(bench.replica.role.leading?.voters.first?.end == nil)
        let longer = bench.step(.asked(RequestToken(2), fetch(from: 2, epoch: epoch, offset: 9, lastEpoch: 3)))
        #expect(longer.answer(2)?.content == .diverging(EpochEnd(epoch: LeaderEpoch(3), end: Offset(7))))
    }

    @Test("a fetch with no news waits; an append, the high watermark, or the end of its time answers it")
    func waitingFetch() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        func ask(_ token: UInt64, _ node: Int32, _ offset: Int64, _ known: KnownHighWatermark) -> [QuorumEffect] {
            bench.step(
                .asked(
                    RequestToken(token),
                    fetch(
                        from: node, epoch: epoch, offset: offset, lastEpoch: epoch.value, highWatermark: known,
                        wait: 200)))
        }
        // The second fetch to the end commits; the first, which waits without a high watermark, hears of it.
        #expect(ask(1, 3, 8, .notTold).answer(1) == nil)
        let committed = ask(2, 2, 8, .unknown)
        #expect(committed.answer(2) != nil && committed.answer(1) == nil)
        #expect(ask(3, 2, 8, .known(Offset(8))).answer(3) == nil)
        let appended = bench.step(.append(AppendTicket(1), recordCount: 1, expecting: epoch))
        #expect(appended.answer(1)?.content == .entries(Offset(8)))
        #expect(appended.answer(3)?.content == .entries(Offset(8)))
        #expect(ask(4, 2, 9, .known(Offset(8))).answer(4) == nil)
        #expect(bench.pass(200).answer(4)?.content == .empty)
    }

    @Test("Rule 19: a leader that a majority did not fetch from resigns, and who waits is told")
    func checkQuorum() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4], voters: [1, 2, 3, 4, 5])
        bench.step(.started)
        var effects = bench.pass(1_000)
        for epoch in [LeaderEpoch(2), LeaderEpoch(3)] {
            for (id, _) in effects.votes.prefix(2) {
                let next = bench.step(.replied(id, .vote(Verdict(leaderID: nil, epoch: epoch), isGranted: true)))
                if !next.votes.isEmpty || bench.replica.role.name == "Leader" { effects = next }
            }
        }
        let epoch = bench.replica.election.epoch
        #expect(bench.replica.role.name == "Leader")
        bench.flush(effects)
        for round in 0..<5 {
            bench.pass(200)
            for node: Int32 in [2, 3] {
                let token = RequestToken(UInt64(round * 10) + UInt64(node))
                bench.step(.asked(token, fetch(from: node, epoch: epoch, offset: 7, lastEpoch: 2)))
            }
            #expect(bench.replica.role.name == "Leader")
        }
        bench.watch(300)
        bench.step(.asked(RequestToken(77), fetch(from: 2, epoch: epoch, offset: 8, lastEpoch: epoch.value, wait: 900)))
        var last: [QuorumEffect] = []
        for _ in 0..<4 where bench.replica.role.name == "Leader" {
            last = bench.watch(150)
            if bench.replica.role.name == "Leader" {
                bench.step(.asked(RequestToken(78), fetch(from: 2, epoch: epoch, offset: 8, lastEpoch: epoch.value)))
            }
        }
        #expect(bench.replica.role.name == "Resigned", "one follower of four is no majority")
        #expect(last.flat.contains(.lostLeadership(epoch)))
    }

    @Test("a replica before the log's start is sent for the newest snapshot")
    func needsSnapshot() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        bench.step(.asked(RequestToken(1), fetch(from: 2, epoch: epoch, offset: 8, lastEpoch: epoch.value)))
        let snapshot = SnapshotID(endOffset: Offset(5), epoch: LeaderEpoch(2))
        bench.step(.snapshotTaken(snapshot))
        bench.step(.prefixDropped(snapshot))
        let effects = bench.step(.asked(RequestToken(2), fetch(from: 3, epoch: epoch, offset: 2, lastEpoch: 1)))
        #expect(effects.answer(2)?.content == .snapshot(snapshot))
        let there = bench.step(.asked(RequestToken(3), fetch(from: 3, epoch: epoch, offset: 5, lastEpoch: 2)))
        #expect(there.answer(3)?.content == .entries(Offset(5)))
    }

    @Test("the quorum's description has all voters, and the observers that fetch")
    func describe() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        bench.step(.asked(RequestToken(1), fetch(from: 2, epoch: epoch, offset: 8, lastEpoch: epoch.value)))
        bench.step(.asked(RequestToken(2), fetch(from: 9, epoch: epoch, offset: 3, lastEpoch: 1)))
        let description = bench.replica.describe(now: bench.now)
        #expect(description?.voters.map(\.key.id) == [BrokerID(1), BrokerID(2), BrokerID(3)])
        #expect(description?.voters.map(\.logEnd) == [Offset(8), Offset(8), nil])
        #expect(description?.observers.map(\.key.id) == [BrokerID(9)])
        #expect(description?.highWatermark == Offset(8))
    }

    @Test("an observer is described with its times and its lag, and forgotten when it fetches no more")
    func observers() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4])
        let epoch = bench.lead()
        var token: UInt64 = 100
        func ask(_ id: Int32, _ offset: Int64, _ lastEpoch: Int32) {
            token += 1
            bench.step(
                .asked(RequestToken(token), fetch(from: id, epoch: epoch, offset: offset, lastEpoch: lastEpoch)))
        }
        func observer(_ id: Int32) -> DescribedReplica? {
            bench.replica.describe(now: bench.now)?.observers.first { $0.key.id.value == id }
        }
        ask(9, 3, 1)
        #expect(observer(9)?.logEnd == Offset(3) && observer(9)?.lastFetchAt == bench.now)
        #expect(observer(9)?.lastCaughtUpAt == nil, "it never had all that the leader has")
        bench.pass(100)
        ask(9, 8, epoch.value)
        #expect(observer(9)?.logEnd == Offset(8) && observer(9)?.lastCaughtUpAt == bench.now)
        let caughtUp = bench.now
        bench.step(.append(AppendTicket(1), recordCount: 1, expecting: epoch))
        bench.pass(100)
        ask(9, 8, epoch.value)
        #expect(observer(9)?.lastFetchAt == bench.now && observer(9)?.lastCaughtUpAt == caughtUp)
        ask(2, 8, epoch.value)
        // Another goes on; five minutes after its last fetch the first is no observer any more.
        for _ in 0..<700 {
            bench.pass(500)
            ask(2, 8, epoch.value)
            ask(10, 8, epoch.value)
        }
        #expect(bench.replica.role.name == "Leader")
        #expect(observer(9) == nil && observer(10) != nil)
    }

    @Test("a leader that stops tells every voter who should succeed it: the longest log first")
    func endEpoch() {
        var bench = Bench.withLog(epoch: 2, lengths: [3, 4], voters: [1, 2, 3, 4])
        bench.step(.started)
        var effects = bench.pass(1_000)
        for epoch in [LeaderEpoch(2), LeaderEpoch(3)] {
            for (id, _) in effects.votes.prefix(2) {
                let next = bench.step(.replied(id, .vote(Verdict(leaderID: nil, epoch: epoch), isGranted: true)))
                if !next.votes.isEmpty || bench.replica.role.name == "Leader" { effects = next }
            }
        }
        bench.flush(effects)
        let epoch = bench.replica.election.epoch
        for (id, offset, lastEpoch) in [(2, 3, 1), (4, 8, epoch.value), (3, 7, 2)] as [(Int32, Int64, Int32)] {
            bench.step(
                .asked(RequestToken(UInt64(id)), fetch(from: id, epoch: epoch, offset: offset, lastEpoch: lastEpoch)))
        }
        let notices = bench.step(.shutDown).flat.compactMap { effect -> (RequestID, BrokerID, EndEpochNotice)? in
            if case .send(let id, let to, .endEpoch(let notice)) = effect { (id, to, notice) } else { nil }
        }
        #expect(Set(notices.map(\.1)) == [BrokerID(2), BrokerID(3), BrokerID(4)])
        for (_, _, notice) in notices {
            #expect(notice.epoch == epoch && notice.leaderID == BrokerID(1))
            #expect(notice.successors == [key(4), key(3), key(2)])
        }
        #expect(!bench.replica.role.hasHandedOver)
        for (id, _, _) in notices { bench.step(.replied(id, .endEpoch(Verdict(leaderID: nil, epoch: epoch)))) }
        #expect(bench.replica.role.hasHandedOver)
    }
}

@Suite("A follower's log")
struct FollowingTests {
    private let verdict = Verdict(leaderID: BrokerID(2), epoch: LeaderEpoch(5))

    private func batch(_ base: Int64, _ end: Int64, epoch: Int32 = 5) -> FetchedBatch {
        FetchedBatch(base: Offset(base), end: Offset(end), epoch: LeaderEpoch(epoch), bytes: .empty)
    }

    @Test("at a start a snapshot's end is all that is known to be committed, and a leader is asked for more at once")
    func snapshotIsOld() throws {
        let snapshot = SnapshotID(endOffset: Offset(4), epoch: LeaderEpoch(1))
        var log = LogView(
            startSnapshot: snapshot, latestSnapshot: snapshot,
            epochs: [EpochStart(epoch: LeaderEpoch(1), start: Offset(4))], end: Offset(7))
        _ = log.flushed(log.flushTicket)
        var bench = Bench(election: ElectionState(epoch: LeaderEpoch(1), standing: .proven), log: log)
        let sent = try #require(bench.follow(2, epoch: 5).fetch)
        #expect(bench.replica.highWatermark == Offset(4) && bench.replica.toldHighWatermark == nil)
        #expect(sent.fetch.highWatermark == .unknown)
        let told = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: Offset(9), .empty)))
        #expect(bench.replica.highWatermark == Offset(7) && bench.replica.toldHighWatermark == Offset(9))
        #expect(told.fetch?.fetch.highWatermark == .known(Offset(7)))
    }

    @Test("what is fetched is flushed before more is asked for: a fetch offset is a promise")
    func flushBeforeFetch() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let effects = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: nil, .entries([batch(3, 6)]))))
        #expect(effects.fetch == nil && effects.flat.contains(.appendFetched([batch(3, 6)])))
        #expect(bench.flush(effects).fetch?.fetch.offset == Offset(6))
    }

    @Test("a follower knows to be committed no more than it has, and no less than before")
    func highWatermark() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let effects = bench.step(
            .replied(sent.id, .fetch(verdict, highWatermark: Offset(9), .entries([batch(3, 6)]))))
        #expect(effects.flat.compactMap(\.advanced) == [Offset(6)])
        guard let next = bench.flush(effects).fetch else { return }
        let lower = bench.step(.replied(next.id, .fetch(verdict, highWatermark: Offset(4), .empty)))
        #expect(lower.flat.compactMap(\.advanced).isEmpty && bench.replica.highWatermark == Offset(6))
    }

    @Test("Rule 2: a follower cuts by epoch, at the lesser of both ends")
    func cut() {
        var bench = Bench.withLog(epoch: 4, lengths: [3, 0, 4])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let diverging = FetchContent<[FetchedBatch]>.diverging(EpochEnd(epoch: LeaderEpoch(2), end: Offset(5)))
        let effects = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: Offset(4), diverging)))
        #expect(effects.flat.contains(.truncate(to: Offset(3))), "epoch 1 ends at 3 here")
        #expect(effects.flat.compactMap(\.advanced).isEmpty, "Rule 3: a diverging answer moves no high watermark")
        #expect(effects.fetch?.fetch.offset == Offset(3) && effects.fetch?.fetch.lastFetchedEpoch == LeaderEpoch(1))
    }

    @Test("Rule 6: below its high watermark the metadata log is never cut; the replica stops")
    func refusesToCutCommitted() {
        var bench = Bench.withLog(epoch: 4, lengths: [3, 0, 4])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let known = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: Offset(6), .empty)))
        guard let next = known.fetch else { return }
        let diverging = FetchContent<[FetchedBatch]>.diverging(EpochEnd(epoch: LeaderEpoch(3), end: Offset(5)))
        let effects = bench.step(.replied(next.id, .fetch(verdict, highWatermark: nil, diverging)))
        let fault = QuorumFault.committedEntriesMissing(
            highWatermark: Offset(6), cut: Offset(5), leader: BrokerID(2), epoch: LeaderEpoch(5))
        #expect(effects == [.halt(fault)])
        #expect(bench.pass(5_000).isEmpty && bench.replica.log.end == Offset(7))
    }

    @Test("batches that do not follow the log, or come from a later epoch, are dropped whole")
    func strayBatches() {
        let lists = [[batch(4, 6)], [batch(2, 6)], [batch(3, 6, epoch: 6)], [batch(3, 5), batch(5, 6, epoch: 4)]]
        for batches in lists {
            var bench = Bench.withLog(epoch: 4, lengths: [3])
            guard let sent = bench.follow(2, epoch: 5).fetch else { return }
            bench.step(.replied(sent.id, .fetch(verdict, highWatermark: nil, .entries(batches))))
            #expect(bench.replica.log.end == Offset(3))
            #expect(bench.pass(20).fetch?.fetch.offset == Offset(3))
        }
    }

    @Test("an answer of an earlier epoch or to an earlier request changes nothing")
    func strayAnswers() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let old = Verdict(leaderID: BrokerID(3), epoch: LeaderEpoch(4))
        bench.step(.replied(RequestID(9_999), .fetch(verdict, highWatermark: nil, .entries([batch(3, 6)]))))
        #expect(bench.replica.log.end == Offset(3))
        bench.step(.replied(sent.id, .fetch(old, highWatermark: Offset(3), .entries([batch(3, 6, epoch: 4)]))))
        #expect(bench.replica.log.end == Offset(3) && bench.replica.leaderID == BrokerID(2))
    }

    @Test("a snapshot comes in pieces, replaces the log, and fetching goes on behind it")
    func snapshot() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let id = SnapshotID(endOffset: Offset(40), epoch: LeaderEpoch(4))
        var effects = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: Offset(50), .snapshot(id))))
        for position in [Int64(0), 6] {
            guard case .send(let request, _, .fetchSnapshot(let fetch)) = effects.flat.last else {
                Issue.record("it does not ask for byte \(position)")
                return
            }
            #expect(fetch.position == position && fetch.snapshot == id)
            let piece = SnapshotPiece(
                snapshot: id, sizeBytes: 10, position: position, bytes: Bytes([UInt8](repeating: 1, count: 6)))
            effects = bench.step(.replied(request, .fetchSnapshot(verdict, piece)))
            #expect(effects.flat.contains(.writeSnapshotPiece(piece)))
        }
        #expect(effects.flat.contains(.installSnapshot(id)))
        #expect(bench.replica.highWatermark == Offset(40))
        #expect(effects.fetch?.fetch.offset == Offset(40) && effects.fetch?.fetch.lastFetchedEpoch == LeaderEpoch(4))
    }

    @Test("a piece that did not come is asked for again at its place; what came before it is kept")
    func snapshotResumed() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let id = SnapshotID(endOffset: Offset(40), epoch: LeaderEpoch(4))
        var effects = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: nil, .snapshot(id))))
        func asked() -> (id: RequestID, fetch: SnapshotFetch)? {
            if case .send(let request, _, .fetchSnapshot(let fetch)) = effects.flat.last {
                (request, fetch)
            } else {
                nil
            }
        }
        let piece = SnapshotPiece(
            snapshot: id, sizeBytes: 10, position: 0, bytes: Bytes([UInt8](repeating: 1, count: 6)))
        if let first = asked() { effects = bench.step(.replied(first.id, .fetchSnapshot(verdict, piece))) }
        #expect(asked()?.fetch.position == 6)
        if let second = asked() { effects = bench.step(.failed(second.id, .noAnswer)) }
        effects = bench.pass(20)
        #expect(asked()?.fetch.position == 6 && asked()?.fetch.snapshot == id)
        // A piece of another place or snapshot is not taken; a fetch tells what to do next.
        var stray = piece
        stray.position = 3
        if let third = asked() { effects = bench.step(.replied(third.id, .fetchSnapshot(verdict, stray))) }
        #expect(!effects.flat.contains(.writeSnapshotPiece(stray)))
        #expect(bench.pass(20).fetch?.fetch.offset == Offset(3))
    }

    @Test("Kafka's fetch timeout holds under a leader of another make, and toward voters of another make")
    func otherMakes() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        let sent = bench.follow(2, epoch: 5).fetch
        bench.step(.makeShown(BrokerID(2), isMartlet: false))
        bench.step(.makeShown(BrokerID(77), isMartlet: false))
        #expect(bench.replica.isOther(BrokerID(2)) && !bench.replica.isOther(BrokerID(77)), "77 is no voter")
        bench.watch(1_999)
        #expect(bench.replica.role.name == "Follower")
        bench.pass(1)
        #expect(bench.replica.role.name == "Prospective")
        #expect(sent != nil)

        var leader = Bench.withLog(epoch: 2, lengths: [3, 4])
        _ = leader.lead()
        leader.step(.makeShown(BrokerID(3), isMartlet: false))
        leader.watch(1_900)
        #expect(leader.replica.role.name == "Leader")
        leader.step(.makeShown(BrokerID(3), isMartlet: true))
        leader.pass(1)
        #expect(leader.replica.role.name == "Resigned")
    }

    @Test("a snapshot that is gone at the leader sends the follower back to fetching")
    func snapshotGone() {
        var bench = Bench.withLog(epoch: 4, lengths: [3])
        guard let sent = bench.follow(2, epoch: 5).fetch else { return }
        let id = SnapshotID(endOffset: Offset(40), epoch: LeaderEpoch(4))
        let effects = bench.step(.replied(sent.id, .fetch(verdict, highWatermark: nil, .snapshot(id))))
        guard case .send(let request, _, .fetchSnapshot) = effects.flat.last else { return }
        var gone = verdict
        gone.error = .snapshotNotFound
        bench.step(.replied(request, .fetchSnapshot(gone, nil)))
        #expect(bench.pass(20).fetch?.fetch.offset == Offset(3))
    }
}
