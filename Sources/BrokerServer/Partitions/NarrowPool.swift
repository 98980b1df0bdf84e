import DequeModule
import Synchronization
import World

/// A part of the pool: at most `width` pieces of work at a time, in the order in which they were given. What is not
/// urgent takes no more than that from what is.
final class NarrowPool: BlockingPool {
    private struct State {
        var width: Int
        var running = 0
        var waiting: Deque<@Sendable () -> Void> = []
    }

    private let pool: any BlockingPool
    private let state: Mutex<State>

    init(_ pool: any BlockingPool, width: Int) {
        precondition(width > 0, "a pool without a thread")
        self.pool = pool
        state = Mutex(State(width: width))
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            guard state.running < state.width else {
                state.waiting.append(work)
                return false
            }
            state.running += 1
            return true
        }
        if starts { start(work) }
    }

    /// Lets so many pieces of work run at a time from now on.
    func resize(to width: Int) {
        precondition(width > 0, "a pool without a thread")
        let more = state.withLock { state in
            state.width = width
            var more: [@Sendable () -> Void] = []
            while state.running < width, let next = state.waiting.popFirst() {
                state.running += 1
                more.append(next)
            }
            return more
        }
        for work in more { start(work) }
    }

    private func start(_ work: @escaping @Sendable () -> Void) {
        pool.run {
            work()
            let next: (@Sendable () -> Void)? = self.state.withLock { state in
                let next = state.running > state.width ? nil : state.waiting.popFirst()
                if next == nil { state.running -= 1 }
                return next
            }
            if let next { self.start(next) }
        }
    }
}
