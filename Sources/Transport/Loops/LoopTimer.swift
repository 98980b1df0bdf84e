import NIOCore
import Synchronization
import World

/// Work that a loop runs later, unless it is called off.
///
/// A short timer that is cancelled lets go of its work at once and stays, empty, in the loop's heap until it is due:
/// taking it out would be a search. A long one is taken out.
final class LoopTimer: Timer, NIOScheduledCallbackHandler {
    static let longestShortMilliseconds: Int64 = 1_000
    /// Settings may mean "never" by a number of milliseconds that overflows in smaller units.
    private static let longestMilliseconds: Int64 = 10 * 365 * 86_400_000

    private struct State {
        var work: (@Sendable () -> Void)?
        var callback: NIOScheduledCallback?
    }

    private let state: Mutex<State>
    private let isShort: Bool

    init(work: @escaping @Sendable () -> Void, isShort: Bool) {
        state = Mutex(State(work: work))
        self.isShort = isShort
    }

    /// A delay of so many milliseconds; the longest there is where a setting means "never".
    static func amount(milliseconds: Int64) -> TimeAmount {
        .milliseconds(min(max(milliseconds, 0), longestMilliseconds))
    }

    func start(on eventLoop: any EventLoop, after delay: TimeAmount) {
        // Fails only on a loop that has been shut down, where nothing runs any more.
        guard
            let callback = try? eventLoop.scheduleCallback(in: delay, handler: self)
        else {
            return
        }
        if !isShort { state.withLock { $0.callback = callback } }
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        let work = state.withLock { state in
            let work = state.work
            state = State()
            return work
        }
        work?()
    }

    func cancel() {
        let callback = state.withLock { state in
            let callback = state.callback
            state = State()
            return callback
        }
        callback?.cancel()
    }
}
