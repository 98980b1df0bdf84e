import Primitives
import Replication
import Testing

@Suite("Divergence") struct DivergenceTests {
    /// A log as its epochs: each with the offset where it starts.
    struct Log {
        var epochs: [(epoch: Int32, start: Int64)]
        var end: Int64

        /// The largest epoch at or below `epoch`, with its end.
        func found(_ epoch: LeaderEpoch) -> EpochEnd? {
            guard let index = epochs.lastIndex(where: { $0.epoch <= epoch.value }) else { return nil }
            let end = index + 1 < epochs.count ? epochs[index + 1].start : self.end
            return EpochEnd(epoch: LeaderEpoch(epochs[index].epoch), endOffset: Offset(end))
        }

        mutating func truncate(to offset: Int64) {
            end = min(end, offset)
            epochs.removeAll { $0.start >= offset }
        }
    }

    /// Fetches and cuts until the leader finds no divergence; returns where the follower's log ends, and the rounds.
    private func settle(_ follower: Log, _ leader: Log) -> (end: Int64, rounds: Int) {
        var follower = follower
        for round in 0..<10 {
            guard let last = follower.epochs.last else { return (follower.end, round) }
            let lastEpoch = LeaderEpoch(last.epoch)
            let verdict = Divergence.verdict(
                fetchOffset: Offset(follower.end), lastFetched: lastEpoch, found: leader.found(lastEpoch))
            guard case .diverges(let answer) = verdict else { return (follower.end, round) }
            let cut = Divergence.cut(answer: answer, own: follower.found(answer.epoch), logEnd: Offset(follower.end))
            follower.truncate(to: cut.value)
        }
        return (follower.end, 10)
    }

    @Test("Rule 2: the same epoch on both sides: the shorter end of it wins")
    func sameEpoch() {
        let leader = Log(epochs: [(0, 0), (2, 7)], end: 20)
        #expect(settle(Log(epochs: [(0, 0)], end: 9), leader).end == 7)
        #expect(settle(Log(epochs: [(0, 0)], end: 5), leader).end == 5)
    }

    @Test("Rule 2 (KIP-101): two replicas that fail one after the other do not diverge")
    func bothFail() {
        // Offset 1 was written in epoch 0 by one, in epoch 1 by the other.
        let leader = Log(epochs: [(0, 0), (1, 1)], end: 2)
        #expect(settle(Log(epochs: [(0, 0)], end: 2), leader).end == 1)
    }

    @Test("Rule 2 (KIP-101): nothing that the leader has is cut, however old the follower's watermark")
    func keepsCommitted() {
        let leader = Log(epochs: [(0, 0), (1, 2)], end: 2)
        #expect(settle(Log(epochs: [(0, 0)], end: 2), leader).end == 2)
    }

    @Test("Rule 2 (KIP-279): after two fast elections the follower has an epoch that the leader never saw")
    func fastElections() {
        // The follower led epoch 2 and wrote; the leader knows epochs 1 and 3 only.
        let leader = Log(epochs: [(0, 0), (1, 10), (3, 14)], end: 20)
        let follower = Log(epochs: [(0, 0), (1, 10), (2, 12)], end: 18)
        #expect(settle(follower, leader).end == 12)
    }

    @Test("Rule 2 (KIP-279): epochs interleave: the cut goes back round by round to the last common one")
    func interleaved() {
        let leader = Log(epochs: [(1, 0), (3, 10), (5, 20)], end: 30)
        let follower = Log(epochs: [(1, 0), (2, 8), (4, 15)], end: 25)
        let settled = settle(follower, leader)
        #expect(settled.end == 8)
        #expect(settled.rounds >= 2)
    }

    @Test("Rule 2 (KIP-279): a follower that led an epoch without writing drops the empty epoch")
    func emptyEpoch() {
        let leader = Log(epochs: [(1, 0), (3, 6)], end: 9)
        let follower = Log(epochs: [(1, 0), (2, 6)], end: 6)
        #expect(settle(follower, leader).end == 6)
    }

    @Test("Rule 2 (KIP-279): a leader whose log is a prefix makes the follower cut to its end")
    func leaderIsShorter() {
        let leader = Log(epochs: [(1, 0), (4, 5)], end: 5)
        let follower = Log(epochs: [(1, 0), (2, 5), (3, 7)], end: 9)
        #expect(settle(follower, leader).end == 5)
    }

    @Test("Rule 1: a follower finds its cut only if the leader's epoch is in the cache before it serves")
    func epochBeforeServing() {
        // The follower wrote in epoch 2; the leader of epoch 3 has written nothing yet.
        let follower = Log(epochs: [(1, 0), (2, 4)], end: 6)
        let withEpoch = Log(epochs: [(1, 0), (3, 5)], end: 5)
        #expect(settle(follower, withEpoch).end == 4)
    }

    @Test("Rule 3: an unknown epoch is out of range, not a cut to zero")
    func unknownEpoch() {
        #expect(Divergence.verdict(fetchOffset: Offset(5), lastFetched: LeaderEpoch(1), found: nil) == .outOfRange)
    }

    @Test("Rule 3: a position behind the leader's end of that epoch diverges, one at it does not")
    func positions() {
        let found = EpochEnd(epoch: LeaderEpoch(1), endOffset: Offset(5))
        #expect(Divergence.verdict(fetchOffset: Offset(5), lastFetched: LeaderEpoch(1), found: found) == .matches)
        #expect(
            Divergence.verdict(fetchOffset: Offset(6), lastFetched: LeaderEpoch(1), found: found) == .diverges(found))
        #expect(
            Divergence.verdict(fetchOffset: Offset(3), lastFetched: LeaderEpoch(2), found: found) == .diverges(found))
    }
}
