package import Logging
import Primitives
import Synchronization
package import World

/// Says what a listener refused, a few lines a second at most: a flood of bad requests must not fill a disk with lines.
package final class RefusalLog: Sendable {
    private struct Window {
        var start: MonotonicInstant?
        var lines = 0
        var unsaid = 0
    }

    /// Lines in one window; the rest of the window is only counted.
    package static let linesMax = 10
    private static let windowMilliseconds: Int64 = 1_000

    private let log: Logger
    private let clock: any Clock
    private let window = Mutex(Window())

    package init(log: Logger, clock: any Clock) {
        self.log = log
        self.clock = clock
    }

    /// Says it, unless enough was said in this second; then the next line says how much was left out.
    package func say(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        let now = clock.now
        let (isSaid, unsaid) = window.withLock { window in
            var unsaid = 0
            if window.start.map({ now.milliseconds(since: $0) >= RefusalLog.windowMilliseconds }) ?? true {
                unsaid = window.unsaid
                window = Window(start: now)
            }
            guard window.lines < RefusalLog.linesMax else {
                window.unsaid += 1
                return (false, unsaid)
            }
            window.lines += 1
            return (true, unsaid)
        }
        if unsaid > 0 { log.log(level: level, "more was refused", metadata: ["count": "\(unsaid)"]) }
        if isSaid { log.log(level: level, message, metadata: metadata) }
    }
}
