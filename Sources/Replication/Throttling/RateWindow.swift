package import Primitives

/// Bytes of the last seconds, and whether they are more than a rate allows.
///
/// Time is cut into windows; a window begins with the first bytes after the one before it, and counts until it is as
/// old as all windows together are long.
package struct RateWindow: Sendable {
    /// How far is looked back.
    package struct Span: Hashable, Sendable {
        /// How many windows (`replication.quota.window.num`).
        package let windows: Int64
        /// How long each is (`replication.quota.window.size.seconds`).
        package let windowSeconds: Int64

        package init(windows: Int64, windowSeconds: Int64) {
            precondition(windows > 0 && windowSeconds > 0, "a rate over no time")
            self.windows = windows
            self.windowSeconds = windowSeconds
        }

        /// Kafka's defaults.
        package static let standard = Span(windows: 11, windowSeconds: 1)

        var windowMilliseconds: Int64 { windowSeconds * 1_000 }

        var milliseconds: Int64 {
            let (whole, isHuge) = windowMilliseconds.multipliedReportingOverflow(by: windows)
            return isHuge ? .max : whole
        }
    }

    private struct Window {
        let start: MonotonicInstant
        var bytes: Int64
    }

    package let span: Span
    /// Oldest first.
    private var windows: [Window] = []

    package init(_ span: Span) { self.span = span }

    /// Notes bytes that went now.
    package mutating func record(bytes: Int, now: MonotonicInstant) {
        windows.removeFirst(firstCounted(now))
        if let last = windows.last, now.milliseconds(since: last.start) < span.windowMilliseconds {
            windows[windows.count - 1].bytes += Int64(bytes)
        } else {
            windows.append(Window(start: now, bytes: Int64(bytes)))
        }
    }

    /// Whether more than `bytesPerSecond` went since the oldest window began; a time shorter than one window counts as
    /// one.
    package func exceeds(bytesPerSecond: Int64, now: MonotonicInstant) -> Bool {
        let counted = windows[firstCounted(now)...]
        guard let oldest = counted.first else { return false }
        let elapsed = max(now.milliseconds(since: oldest.start), span.windowMilliseconds)
        let bytes = counted.reduce(0) { $0 + $1.bytes }
        return Double(bytes) * 1_000 > Double(bytesPerSecond) * Double(elapsed)
    }

    private func firstCounted(_ now: MonotonicInstant) -> Int {
        let longest = span.milliseconds
        return windows.firstIndex { now.milliseconds(since: $0.start) < longest } ?? windows.count
    }
}
