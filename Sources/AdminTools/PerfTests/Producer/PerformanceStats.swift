/// What `producer-perf-test` counts and prints: windows on the way, a total at the end. Times are milliseconds.
package struct PerformanceStats: Sendable {
    /// Latencies that are kept for the percentiles at most.
    private static let samplesMax: Int64 = 500_000

    private let start: Int64
    private let sampling: Int64
    private let isSteadyState: Bool
    private let reportingMilliseconds: Int64
    private var samples: [Int64] = []
    private var count: Int64 = 0
    private var bytes: Int64 = 0
    private var latencyMax: Int64 = 0
    private var latencySum: Int64 = 0
    private var windowStart: Int64
    private var windowCount: Int64 = 0
    private var windowBytes: Int64 = 0
    private var windowLatencyMax: Int64 = 0
    private var windowLatencySum: Int64 = 0
    /// Windows are no longer printed: those of the steady state take their place.
    package var isSilent = false

    /// - Parameter now: on any clock that does not jump, as are all later times.
    package init(records: Int64, reportingMilliseconds: Int64, isSteadyState: Bool = false, now: Int64) {
        start = now
        windowStart = now
        sampling = max(records / min(max(records, 1), PerformanceStats.samplesMax), 1)
        self.reportingMilliseconds = reportingMilliseconds
        self.isSteadyState = isSteadyState
    }

    /// Counts a record that was acknowledged; returns the lines to be printed.
    package mutating func record(latency: Int64, bytes recordBytes: Int, now: Int64) -> [String] {
        if count % sampling == 0 { samples.append(latency) }
        count += 1
        bytes += Int64(recordBytes)
        latencySum += latency
        latencyMax = max(latencyMax, latency)
        windowCount += 1
        windowBytes += Int64(recordBytes)
        windowLatencySum += latency
        windowLatencyMax = max(windowLatencyMax, latency)
        guard now - windowStart >= reportingMilliseconds else { return [] }
        var lines: [String] = []
        if isSteadyState, count == windowCount { lines.append("In steady state.") }
        if !isSilent { lines.append(window(now)) }
        windowStart = now
        windowCount = 0
        windowBytes = 0
        windowLatencyMax = 0
        windowLatencySum = 0
        return lines
    }

    private static let mebibyte = 1_048_576.0

    private func window(_ now: Int64) -> String {
        let seconds = Double(now - windowStart) / 1_000
        let average = Double(windowLatencySum) / Double(windowCount)
        return "\(windowCount) records sent, \(Decimals.text(Double(windowCount) / seconds, digits: 1)) records/sec "
            + "(\(Decimals.text(Double(windowBytes) / seconds / Self.mebibyte, digits: 2)) MB/sec), "
            + "\(Decimals.text(average, digits: 1)) ms avg latency, "
            + "\(Decimals.text(Double(windowLatencyMax), digits: 1)) ms max latency."
    }

    /// The line at the end.
    package func total(now: Int64) -> String {
        let seconds = Double(now - start) / 1_000
        let average = Double(latencySum) / Double(count)
        let sorted = samples.sorted()
        let percentiles = [0.5, 0.95, 0.99, 0.999].map { part in
            sorted.isEmpty ? 0 : sorted[min(Int(part * Double(sorted.count)), sorted.count - 1)]
        }
        return "\(count)\(isSteadyState ? " steady state" : "") records sent, "
            + "\(Decimals.text(Double(count) / seconds, digits: 6)) records/sec "
            + "(\(Decimals.text(Double(bytes) / seconds / Self.mebibyte, digits: 2)) MB/sec), "
            + "\(Decimals.text(average, digits: 2)) ms avg latency, "
            + "\(Decimals.text(Double(latencyMax), digits: 2)) ms max latency, \(percentiles[0]) ms 50th, "
            + "\(percentiles[1]) ms 95th, \(percentiles[2]) ms 99th, \(percentiles[3]) ms 99.9th."
    }
}
