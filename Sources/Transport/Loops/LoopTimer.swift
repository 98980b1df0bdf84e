import Glibc
import Synchronization
import World

/// Work that a loop runs later, unless it is called off.
final class LoopTimer: Timer {
    /// Settings may mean "never" by a number of milliseconds that overflows in smaller units.
    private static let longestNanoseconds: Int64 = 10 * 365 * 86_400 * 1_000_000_000

    /// In nanoseconds of the monotonic clock.
    let dueAt: Int64
    private let work: Mutex<(@Sendable () -> Void)?>

    /// - Parameter unitNanoseconds: what `delay` is counted in.
    init(after delay: Int64, unitNanoseconds: Int64, work: @escaping @Sendable () -> Void) {
        let (nanoseconds, isOverflow) = max(delay, 0).multipliedReportingOverflow(by: unitNanoseconds)
        dueAt =
            LoopTimer.now + (isOverflow ? LoopTimer.longestNanoseconds : min(nanoseconds, LoopTimer.longestNanoseconds))
        self.work = Mutex(work)
    }

    /// The monotonic clock, in nanoseconds.
    static var now: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// It has run, or was called off.
    var isEmpty: Bool { work.withLock { $0 == nil } }

    func run() {
        let work = work.withLock { $0.take() }
        work?()
    }

    func cancel() {
        // What it held goes outside of the lock.
        let dropped = work.withLock { $0.take() }
        withExtendedLifetime(dropped) {}
    }
}
