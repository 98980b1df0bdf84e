/// Tells a slow peer from one that announces a frame and then sends a byte a minute (slow loris).
struct FrameWatch {
    enum Verdict {
        case finished
        case moving
        case stalled
    }

    static let intervalMilliseconds: Int64 = 10_000
    /// What must arrive of a started frame in one interval, unless it ends in it.
    static let bytesInIntervalMin = 10 << 10

    private var isWatching = false
    private var frame: UInt64 = 0
    private var bytes = 0

    /// True where a watch has to start: a frame has been started and nothing watches yet.
    mutating func begin(_ cutter: FrameCutter) -> Bool {
        if isWatching || cutter.startedBytes == 0 { return false }
        isWatching = true
        note(cutter)
        return true
    }

    /// Looks again after an interval.
    ///
    /// - Parameter unread: bytes of the frame that the system holds: below the socket's mark they are not read.
    mutating func check(_ cutter: FrameCutter, unread: Int = 0, isReading: Bool) -> Verdict {
        if cutter.startedBytes == 0 && isReading {
            isWatching = false
            return .finished
        }
        defer { note(cutter, unread: unread) }
        let isSame = cutter.frames == frame && isReading
        return isSame && cutter.startedBytes + unread - bytes < FrameWatch.bytesInIntervalMin ? .stalled : .moving
    }

    private mutating func note(_ cutter: FrameCutter, unread: Int = 0) {
        frame = cutter.frames
        bytes = cutter.startedBytes + unread
    }
}
