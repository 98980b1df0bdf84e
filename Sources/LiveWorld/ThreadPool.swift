import NIOPosix
import World

/// A fixed number of threads for what may block.
package final class ThreadPool: BlockingPool {
    private let threads: NIOThreadPool

    /// Starts `threadCount` threads.
    package init(threadCount: Int) {
        threads = NIOThreadPool(numberOfThreads: threadCount)
        threads.start()
    }

    package func run(_ work: @escaping @Sendable () -> Void) {
        // Work that is left when the pool stops is dropped: the node waits for what it needs before.
        threads.submit { state in if state == .active { work() } }
    }

    /// Stops after the work that runs now.
    package func stop() { threads.shutdownGracefully { _ in } }
}
