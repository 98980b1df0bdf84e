import Primitives
import Quorum
import Testing

/// Each case is a follower of node 2 in epoch 5 with a fetch on its way; 600 ms after it last heard, it takes the
/// leader for lost.
@Suite("Replicas that are held up themselves")
struct StallTests {
    private var bench = Bench.withLog(epoch: 4, lengths: [3])
    private var sent: RequestID?

    init() { sent = bench.follow(2, epoch: 5).fetch?.id }

    /// The leader answers the fetch that is on its way, so many milliseconds from now, and the next fetch leaves.
    private mutating func hear(after milliseconds: Int64) {
        guard let id = sent else {
            Issue.record("no fetch was sent")
            return
        }
        bench.now = bench.now.advanced(byMilliseconds: milliseconds)
        let verdict = Verdict(leaderID: BrokerID(2), epoch: LeaderEpoch(5))
        sent = bench.step(.replied(id, .fetch(verdict, highWatermark: nil, .empty))).fetch?.id
        #expect(bench.replica.role.name == "Follower")
    }

    @Test("what came in while the own loop stood still is heard before the leader is judged")
    mutating func grace() {
        bench.pass(5_600)
        #expect(bench.replica.role.name == "Follower")
        bench.pass(199)
        #expect(bench.replica.role.name == "Follower")
        bench.pass(1)
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("a silence that the replica itself watched is judged in time")
    mutating func punctual() {
        bench.pass(599)
        #expect(bench.replica.role.name == "Follower")
        bench.pass(1)
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("one stall makes nobody patient: a process that was paused and goes on judges as before")
    mutating func oneStall() {
        hear(after: 5_600)
        bench.pass(600)
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("who stalls again waits longer, by twice the second longest stall")
    mutating func patience() {
        hear(after: 600 + 300)
        hear(after: 600 + 400)
        bench.pass(600 + 2 * 300 - 1)
        #expect(bench.replica.role.name == "Follower")
        bench.pass(1)
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("patience has a bound")
    mutating func bound() {
        hear(after: 600 + 20_000)
        for _ in 0..<2 { hear(after: 600 + 3_000) }
        bench.pass(600 + 2_400)
        #expect(bench.replica.role.name == "Prospective")
    }

    @Test("patience ends ten seconds after the last stall but one")
    mutating func fades() {
        hear(after: 600 + 300)
        hear(after: 600 + 400)
        for _ in 0..<21 { hear(after: 500) }
        bench.pass(600)
        #expect(bench.replica.role.name == "Prospective")
    }
}
