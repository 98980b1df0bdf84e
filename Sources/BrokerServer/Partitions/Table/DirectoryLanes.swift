import Synchronization
import World

/// Blocking work on replicas' directories: side by side for different ones, one after the other for the same.
///
/// A topic may be deleted while its log is being opened, and made again while it is being removed: without an order
/// the one would find the other's files.
final class DirectoryLanes: Sendable {
    private let pool: any BlockingPool
    /// What waits for each directory that is being worked on; a lane ends when nothing waits.
    private let waiting = Mutex<[String: [@Sendable () -> Void]]>([:])

    init(pool: any BlockingPool) { self.pool = pool }

    /// Runs `work` on the pool, after all that was given for this directory before.
    func run(_ directory: String, _ work: @escaping @Sendable () -> Void) {
        let isFirst = waiting.withLock { lanes in
            guard lanes[directory] != nil else {
                lanes[directory] = []
                return true
            }
            lanes[directory]?.append(work)
            return false
        }
        if isFirst { start(directory, work) }
    }

    private func start(_ directory: String, _ work: @escaping @Sendable () -> Void) {
        pool.run {
            work()
            let next: (@Sendable () -> Void)? = self.waiting.withLock { lanes in
                guard let first = lanes[directory]?.first else {
                    lanes[directory] = nil
                    return nil
                }
                lanes[directory]?.removeFirst()
                return first
            }
            if let next { self.start(directory, next) }
        }
    }
}
