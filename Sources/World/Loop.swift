/// A thread that runs what it is given in order, one piece at a time: an event loop of a live node, or a virtual one.
package protocol Loop: AnyObject, Sendable {
    /// Runs `work` on this loop, after what was given before. May be called from anywhere.
    func execute(_ work: @escaping @Sendable () -> Void)

    /// Runs `work` on this loop once `delay` has passed. May be called from anywhere.
    @discardableResult
    func schedule(afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer

    /// The same for waits that are shorter than a millisecond; not exact to less than about 0.1 ms.
    @discardableResult
    func schedule(afterMicroseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer

    /// Runs `work` when the present round has handled all that came in with it, before the loop sleeps again.
    /// Only from the loop itself. Work given during that phase still runs in the same round.
    func atEndOfRound(_ work: @escaping @Sendable () -> Void)

    /// True on the loop's own thread.
    var isCurrent: Bool { get }

    /// Which of the node's data loops it is, from 0, below `LoopGroup.countMax`; nil where it is none of them.
    var place: Int? { get }
}

/// A scheduled piece of work that can be called off.
package protocol Timer: AnyObject, Sendable {
    /// Keeps the work from running, if it has not started yet.
    func cancel()
}

/// Threads for what may block: fsync, cold reads, recovery, compaction.
package protocol BlockingPool: AnyObject, Sendable {
    /// Runs `work` on one of the pool's threads. The queue is bounded by what callers have in flight.
    func run(_ work: @escaping @Sendable () -> Void)
}
