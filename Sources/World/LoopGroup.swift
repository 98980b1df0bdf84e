import Synchronization

/// Loops to which connections are dealt. How many get new ones can change while the node runs.
///
/// A loop that was started stays to the end: the connections that it has stay with it, and so do the waits and timers
/// of their requests. When fewer loops are wanted, the last ones get nothing new, and sleep once their last connection
/// is gone; when more are wanted, these are the first to be taken again. So nothing is ever given to a loop that has
/// ended, and there are never more loops than the largest number that was in force at one time.
package final class LoopGroup: Sendable {
    /// How many loops there can be.
    package static let countMax = 1_024

    private struct State {
        /// By place; grows, never shrinks.
        var started: [any Loop]
        var openCount: Int
    }

    /// Those of the beginning: what is not a connection lives on them.
    package let first: [any Loop]
    private let startMore: (@Sendable (_ place: Int) -> (any Loop)?)?
    private let state: Mutex<State>

    /// - Parameter startMore: starts the loop of a place; nil where the system has no thread or descriptor left.
    ///   Without it there are never more than `loops`.
    package init(_ loops: [any Loop], startMore: (@Sendable (_ place: Int) -> (any Loop)?)? = nil) {
        precondition((1...LoopGroup.countMax).contains(loops.count), "from 1 to \(LoopGroup.countMax) loops")
        first = loops
        self.startMore = startMore
        state = Mutex(State(started: loops, openCount: loops.count))
    }

    /// Those that get new connections; from any thread.
    package var open: [any Loop] { state.withLock { Array($0.started.prefix($0.openCount)) } }

    /// All that run, those among them that get no new connections; from any thread.
    package var started: [any Loop] { state.withLock { $0.started } }

    /// Has so many loops get the connections that come from now on, and starts what is missing.
    ///
    /// - Returns: how many get them now: fewer than asked for where no more could be started.
    package func setOpenCount(_ count: Int) -> Int {
        state.withLock { state in
            let wanted = min(max(count, 1), LoopGroup.countMax)
            while state.started.count < wanted, let loop = startMore?(state.started.count) {
                state.started.append(loop)
            }
            state.openCount = min(wanted, state.started.count)
            return state.openCount
        }
    }
}
