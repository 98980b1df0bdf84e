import Synchronization

/// Counts how long things took, in buckets that grow by about a quarter. Recording is two atomic additions: no lock, no
/// allocation, from any thread.
package final class LatencyHistogram: Sendable {
    /// As many as `LatencyCounts.bucketCount`.
    private let buckets = InlineArray<90, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }
    private let sumMicroseconds = Atomic<UInt64>(0)

    package init() {}

    /// Notes one duration.
    package func record(microseconds: Int64) {
        let taken = UInt64(max(microseconds, 0))
        buckets[LatencyCounts.bucket(of: taken)].wrappingAdd(1, ordering: .relaxed)
        sumMicroseconds.wrappingAdd(taken, ordering: .relaxed)
    }

    /// What was counted so far; what is recorded meanwhile may be in it or not.
    package var counts: LatencyCounts {
        var counts = LatencyCounts()
        for index in 0..<LatencyCounts.bucketCount { counts.buckets[index] = buckets[index].load(ordering: .relaxed) }
        counts.sumMicroseconds = sumMicroseconds.load(ordering: .relaxed)
        return counts
    }
}

/// The state of a histogram at one moment; several can be added, and an older one taken away from a newer.
package struct LatencyCounts: Hashable, Sendable {
    /// Four buckets for each power of two from 16 µs to 67 s; the first holds all that is shorter, the last the rest.
    static let bucketCount = 90
    private static let firstPower = 4
    private static let lastPower = 26

    fileprivate(set) var buckets = [UInt64](repeating: 0, count: LatencyCounts.bucketCount)
    fileprivate(set) var sumMicroseconds: UInt64 = 0

    package init() {}

    package var count: UInt64 { buckets.reduce(0, +) }
    package var sumSeconds: Double { Double(sumMicroseconds) / 1_000_000 }

    static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= 1 << firstPower else { return 0 }
        let power = UInt64.bitWidth - 1 - microseconds.leadingZeroBitCount
        guard power < lastPower else { return bucketCount - 1 }
        let quarter = Int(microseconds >> (power - 2)) & 3
        return 1 + (power - firstPower) * 4 + quarter
    }

    /// The first duration that is too long for a bucket, in microseconds; nil for the last bucket.
    static func end(of bucket: Int) -> UInt64? {
        if bucket == 0 { return 1 << firstPower }
        if bucket == bucketCount - 1 { return nil }
        let (power, quarter) = (firstPower + (bucket - 1) / 4, UInt64((bucket - 1) % 4))
        return (1 << power) + (quarter + 1) << (power - 2)
    }

    /// Bounds in seconds with how many took less, the last without a bound: every second power of two, which is enough
    /// for a graph.
    package var cumulative: [(bound: Double?, count: UInt64)] {
        var result: [(bound: Double?, count: UInt64)] = []
        var sum: UInt64 = 0
        for index in 0..<LatencyCounts.bucketCount {
            sum += buckets[index]
            if index % 8 == 4, let end = LatencyCounts.end(of: index) { result.append((Double(end) / 1_000_000, sum)) }
        }
        result.append((nil, sum))
        return result
    }

    /// The least bound below which at least the given part of all lies; nil where nothing was counted.
    package func quantileSeconds(_ part: Double) -> Double? {
        let all = count
        guard all > 0 else { return nil }
        let wanted = max(1, UInt64((Double(all) * part).rounded(.up)))
        var sum: UInt64 = 0
        for index in 0..<LatencyCounts.bucketCount {
            sum += buckets[index]
            if sum >= wanted {
                let end = LatencyCounts.end(of: index) ?? 1 << LatencyCounts.lastPower
                return Double(end) / 1_000_000
            }
        }
        return nil
    }

    /// Adds what another histogram counted.
    package mutating func add(_ other: LatencyCounts) {
        for index in buckets.indices { buckets[index] += other.buckets[index] }
        sumMicroseconds += other.sumMicroseconds
    }

    /// What came since an earlier state of the same histogram.
    package func since(_ earlier: LatencyCounts) -> LatencyCounts {
        var result = self
        for index in buckets.indices { result.buckets[index] -= min(earlier.buckets[index], buckets[index]) }
        result.sumMicroseconds -= min(earlier.sumMicroseconds, sumMicroseconds)
        return result
    }
}
