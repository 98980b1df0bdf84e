import Testing

@testable import BrokerServer

@Suite("Counting durations")
struct LatencyHistogramTests {
    @Test("Every duration lies in the bucket whose end is the first beyond it")
    func bucketsHoldWhatTheySay() {
        for microseconds in (0...70).map({ UInt64(1) << UInt64($0 / 2) + UInt64($0) }) + [15, 16, 19, 20, 67_108_863] {
            let bucket = LatencyCounts.bucket(of: microseconds)
            if let end = LatencyCounts.end(of: bucket) { #expect(microseconds < end, "\(microseconds)") }
            if bucket > 0, let start = LatencyCounts.end(of: bucket - 1) { #expect(microseconds >= start) }
        }
        #expect(LatencyCounts.bucket(of: .max) == LatencyCounts.bucketCount - 1)
    }

    @Test("Bucket ends only grow, by a quarter at most")
    func bucketsGrow() {
        let ends = (0..<LatencyCounts.bucketCount).compactMap(LatencyCounts.end)
        #expect(ends.count == LatencyCounts.bucketCount - 1)
        for (end, next) in zip(ends, ends.dropFirst()) { #expect(end < next && next * 4 <= end * 5) }
    }

    @Test("What came since is what was added since, and negative durations count as none")
    func subtracts() {
        let histogram = LatencyHistogram()
        histogram.record(microseconds: 100)
        let before = histogram.counts
        histogram.record(microseconds: 300)
        histogram.record(microseconds: -5)
        let since = histogram.counts.since(before)
        #expect(since.count == 2)
        #expect(since.sumSeconds == 0.0003)
        var sum = before
        sum.add(since)
        #expect(sum == histogram.counts)
    }
}
