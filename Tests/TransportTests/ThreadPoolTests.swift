import LiveWorld
import Synchronization
import Testing

/// The threads of a live node, and how many of them there are while they work.
@Suite("Thread pools")
struct ThreadPoolTests {
    /// Counts who is at a meeting of so many, all at the same time.
    private final class Meeting: Sendable {
        private let seats: Int
        private let present = Atomic<Int>(0)

        init(of seats: Int) { self.seats = seats }

        /// Returns once all have come.
        func attend() {
            present.add(1, ordering: .sequentiallyConsistent)
            while present.load(ordering: .sequentiallyConsistent) < seats {}
        }
    }

    /// Whether so many pieces of work run at the same time, and then end.
    private func meet(_ pool: ThreadPool, of count: Int) async {
        let meeting = Meeting(of: count)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask {
                    await withCheckedContinuation { end in
                        pool.run {
                            meeting.attend()
                            end.resume()
                        }
                    }
                }
            }
        }
    }

    @Test("A pool that grows takes more at a time, and loses nothing of what it had begun")
    func grows() async {
        let pools = ThreadPools(threadCount: 1)
        let pool = pools.make()
        let mayEnd = Mutex(false)
        let ended = Mutex(0)
        // The only thread is busy, and two more wait for it.
        for number in 0..<3 {
            pool.run {
                while number == 0, !mayEnd.withLock({ $0 }) {}
                ended.withLock { $0 += 1 }
            }
        }
        pools.resize(to: 3)
        #expect(pool.threadCount == 3 && pools.make().threadCount == 3)
        await meet(pool, of: 3)
        #expect(ended.withLock { $0 } == 0)
        mayEnd.withLock { $0 = true }
        while ended.withLock({ $0 }) < 3 { await Task.yield() }
        pool.stop()
    }

    @Test("A pool that shrinks and grows under load runs each piece once")
    func changesUnderLoad() async {
        let pool = ThreadPool(threadCount: 2)
        let runs = Mutex([Int](repeating: 0, count: 2_000))
        for number in 0..<2_000 {
            if number % 100 == 0 { pool.resize(to: 1 + number / 100 % 5) }
            pool.run { runs.withLock { $0[number] += 1 } }
        }
        while runs.withLock({ $0.contains(0) }) { await Task.yield() }
        #expect(runs.withLock { $0.allSatisfy { $0 == 1 } })
        await meet(pool, of: pool.threadCount)
        pool.stop()
    }
}
