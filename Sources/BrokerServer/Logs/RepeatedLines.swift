import Primitives
import Synchronization
import World

/// Holds back warnings that are repeated many times in a short while, and then says how many there were: a fault that
/// repeats a thousand times a second must not fill a disk, nor be forgotten.
final class RepeatedLines: Sendable {
    private struct Window {
        let start: MonotonicInstant
        var written = 1
        var heldBack = 0
    }

    /// Lines of one kind that are written in a window.
    static let linesMax = 20
    static let windowMilliseconds: Int64 = 10_000
    /// Kinds of lines that are remembered.
    private static let kindsMax = 256

    private let clock: any Clock
    private let loop: any Loop
    private let windows = Mutex<[String: Window]>([:])

    init(clock: any Clock, loop: any Loop) {
        self.clock = clock
        self.loop = loop
    }

    /// Whether a line of this kind is to be written now.
    ///
    /// - Parameter tell: called once, at the end of a window, with how many lines were held back in it.
    func admit(_ kind: String, tell: @escaping @Sendable (_ count: Int) -> Void) -> Bool {
        let now = clock.now
        let (isWritten, isFirstHeldBack) = windows.withLock { windows in
            guard var window = windows[kind],
                window.heldBack > 0 || now.milliseconds(since: window.start) < RepeatedLines.windowMilliseconds
            else {
                // What is forgotten here has written few lines, or its end is being waited for and told.
                if windows.count >= RepeatedLines.kindsMax { windows = windows.filter { $0.value.heldBack > 0 } }
                if windows.count < RepeatedLines.kindsMax { windows[kind] = Window(start: now) }
                return (true, false)
            }
            guard window.written < RepeatedLines.linesMax else {
                window.heldBack += 1
                windows[kind] = window
                return (false, window.heldBack == 1)
            }
            window.written += 1
            windows[kind] = window
            return (true, false)
        }
        if isFirstHeldBack {
            loop.schedule(afterMilliseconds: RepeatedLines.windowMilliseconds) { [self] in
                let window = windows.withLock { $0.removeValue(forKey: kind) }
                if let window, window.heldBack > 0 { tell(window.heldBack) }
            }
        }
        return isWritten
    }
}
