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
    mutating func check(_ cutter: FrameCutter, isReading: Bool) -> Verdict {
        if cutter.startedBytes == 0 && isReading {
            isWatching = false
            return .finished
        }
        defer { note(cutter) }
        let isSame = cutter.frames == frame && isReading
        return isSame && cutter.startedBytes - bytes < FrameWatch.bytesInIntervalMin ? .stalled : .moving
    }

    private mutating func note(_ cutter: FrameCutter) {
        frame = cutter.frames
        bytes = cutter.startedBytes
    }
}
