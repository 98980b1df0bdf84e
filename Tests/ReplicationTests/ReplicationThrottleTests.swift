import Primitives
import Testing

@testable import Replication

@Suite("Replication throttles")
struct ReplicationThrottleTests {
    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(0).advanced(byMilliseconds: milliseconds)
    }

    @Test("A rate is exceeded by more bytes than it allows, over one window at least")
    func firstWindow() {
        var window = RateWindow(.standard)
        #expect(!window.exceeds(bytesPerSecond: 0, now: at(0)))
        window.record(bytes: 1_000, now: at(0))
        #expect(!window.exceeds(bytesPerSecond: 1_000, now: at(1)))
        window.record(bytes: 1, now: at(2))
        #expect(window.exceeds(bytesPerSecond: 1_000, now: at(2)))
        #expect(window.exceeds(bytesPerSecond: 1_000, now: at(1_000)))
        #expect(!window.exceeds(bytesPerSecond: 1_000, now: at(1_001)))
        #expect(window.exceeds(bytesPerSecond: 0, now: at(2_000)))
    }

    @Test("A window counts until all windows together have passed")
    func oldWindows() {
        var window = RateWindow(RateWindow.Span(windows: 3, windowSeconds: 2))
        window.record(bytes: 60_000, now: at(0))
        #expect(window.exceeds(bytesPerSecond: 10_000, now: at(5_999)))
        #expect(!window.exceeds(bytesPerSecond: 10_000, now: at(6_000)))
        window.record(bytes: 20_001, now: at(10_000))
        #expect(window.exceeds(bytesPerSecond: 10_000, now: at(11_000)))
    }

    @Test("A steady stream at the rate is let through, and one above it comes down to it")
    func steady() {
        var window = RateWindow(.standard)
        var taken = 0
        // 500 kB are wanted each 10 ms, 1 MB a second is allowed.
        for step in 0..<6_000 {
            let now = at(Int64(step) * 10)
            if window.exceeds(bytesPerSecond: 1_000_000, now: now) { continue }
            window.record(bytes: 500_000, now: now)
            taken += 500_000
        }
        #expect((58_000_000...68_000_000).contains(taken))
    }

    @Test("A list names replicas of brokers, a star all of them")
    func lists() {
        let some = ThrottledReplicas(parsing: "0:1, 0:2 ,10:3,nonsense,7:")
        func holds(_ partition: Int32, _ broker: Int32) -> Bool {
            some.holds(for: PartitionIndex(partition), on: BrokerID(broker))
        }
        #expect(holds(0, 1) && holds(0, 2) && holds(10, 3))
        #expect(!holds(1, 1) && !holds(3, 10) && !holds(7, 0))
        #expect(ThrottledReplicas(parsing: "*").holds(for: PartitionIndex(9), on: BrokerID(9)))
        #expect(ThrottledReplicas(parsing: "") == .none)
    }
}
