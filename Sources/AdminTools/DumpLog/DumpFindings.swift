/// What `dump-log` finds wrong in files; it is told at the end.
package struct DumpFindings: Hashable, Sendable {
    /// For each offset index, the entries that point to another batch.
    package var mismatches: [String: [String]] = [:]
    /// For each time index, the entries that have another time than their batch.
    package var timeMismatches: [String: [String]] = [:]
    /// For each time index, the entries that are not later than the one before.
    package var timesOutOfOrder: [String: [String]] = [:]
    /// Entries of time indexes whose offset is not in the log.
    package var offsetsNotFound: [String] = []
    /// For each log, the offsets that do not follow the one before.
    package var nonConsecutive: [String: [String]] = [:]

    package init() {}

    /// The lines, in the words of Kafka's tool.
    package var lines: [String] {
        func section(_ title: String, _ findings: [String: [String]]) -> [String] {
            findings.sorted { $0.key < $1.key }.flatMap { [title + $0.key] + $0.value }
        }
        var lines = section("Mismatches in :", mismatches)
        lines += section("Found timestamp mismatch in :", timeMismatches)
        lines += section("Found out of order timestamp in :", timesOutOfOrder)
        if !offsetsNotFound.isEmpty {
            lines += ["The following indexed offsets are not found in the log."] + offsetsNotFound
        }
        return lines + section("Non-consecutive offsets in ", nonConsecutive)
    }
}
