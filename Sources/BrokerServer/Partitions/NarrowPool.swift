import DequeModule
import Synchronization
import World

/// A part of the pool: at most `width` pieces of work at a time, in the order in which they were given. What is not
/// urgent takes no more than that from what is.
final class NarrowPool: BlockingPool {
    private struct State {
        var running = 0
        var waiting: Deque<@Sendable () -> Void> = []
    }

    private let pool: any BlockingPool
    private let width: Int
    private let state = Mutex(State())

    init(_ pool: any BlockingPool, width: Int) {
        precondition(width > 0, "a pool without a thread")
        self.pool = pool
        self.width = width
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            guard state.running < width else {
                state.waiting.append(work)
                return false
            }
            state.running += 1
            return true
        }
        if starts { start(work) }
    }

    private func start(_ work: @escaping @Sendable () -> Void) {
        pool.run {
            work()
            let next: (@Sendable () -> Void)? = self.state.withLock { state in
                let next = state.waiting.popFirst()
                if next == nil { state.running -= 1 }
                return next
            }
            if let next { self.start(next) }
        }
    }
}
