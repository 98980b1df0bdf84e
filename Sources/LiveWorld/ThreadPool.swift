import NIOPosix
import Synchronization
import World

/// Threads for what may block; how many can change while they work.
///
/// A change brings a new crew: it gets all that comes from then on, and the former one leaves once it has done what it
/// was given.
package final class ThreadPool: BlockingPool {
    private struct Crew {
        let number: Int
        let threads: NIOThreadPool
        var unfinished = 0

        init(number: Int, threadCount: Int) {
            self.number = number
            threads = NIOThreadPool(numberOfThreads: threadCount)
            threads.start()
        }
    }

    private struct State {
        /// Those that have work left, and last the one that gets more.
        var crews: [Crew]
        var threadCount: Int

        /// Notes that a piece of work is done; gives the threads of a former crew that has nothing left.
        mutating func finish(_ number: Int) -> NIOThreadPool? {
            guard let index = crews.firstIndex(where: { $0.number == number }) else { return nil }
            crews[index].unfinished -= 1
            return leave(index)
        }

        mutating func leave(_ index: Int) -> NIOThreadPool? {
            guard index < crews.count - 1, crews[index].unfinished == 0 else { return nil }
            return crews.remove(at: index).threads
        }
    }

    private let state: Mutex<State>

    /// Starts `threadCount` threads.
    package init(threadCount: Int) {
        state = Mutex(State(crews: [Crew(number: 0, threadCount: threadCount)], threadCount: threadCount))
    }

    /// How many threads take what comes next.
    package var threadCount: Int { state.withLock { $0.threadCount } }

    package func run(_ work: @escaping @Sendable () -> Void) {
        let (number, threads) = state.withLock { state in
            let last = state.crews.count - 1
            state.crews[last].unfinished += 1
            return (state.crews[last].number, state.crews[last].threads)
        }
        // Work that is left when the pool stops is dropped: the node waits for what it needs before.
        threads.submit { phase in
            if phase == .active { work() }
            self.state.withLock { $0.finish(number) }?.shutdownGracefully { _ in }
        }
    }

    /// Has `threadCount` threads take what comes from now on; what was given before goes on as it began.
    package func resize(to threadCount: Int) {
        let idle: NIOThreadPool? = state.withLock { state in
            guard threadCount != state.threadCount, let last = state.crews.last else { return nil }
            state.threadCount = threadCount
            state.crews.append(Crew(number: last.number + 1, threadCount: threadCount))
            return state.leave(state.crews.count - 2)
        }
        idle?.shutdownGracefully { _ in }
    }

    /// Stops after the work that runs now.
    package func stop() {
        let crews = state.withLock { $0.crews.map(\.threads) }
        for threads in crews { threads.shutdownGracefully { _ in } }
    }
}
