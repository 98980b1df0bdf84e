import Synchronization

/// The pools of a node, all of one size: one for each disk, and one for all else.
package final class ThreadPools: Sendable {
    private struct State {
        var pools: [ThreadPool] = []
        var threadCount: Int
    }

    private let state: Mutex<State>

    /// - Parameter threadCount: how many threads each pool has.
    package init(threadCount: Int) { state = Mutex(State(threadCount: threadCount)) }

    /// Starts another pool. There are as many as log directories, and one: none is ever taken away.
    package func make() -> ThreadPool {
        state.withLock { state in
            let made = ThreadPool(threadCount: state.threadCount)
            state.pools.append(made)
            return made
        }
    }

    /// Gives each pool, and those that are made later, so many threads.
    package func resize(to threadCount: Int) {
        state.withLock { state in
            state.threadCount = threadCount
            for pool in state.pools { pool.resize(to: threadCount) }
        }
    }
}
