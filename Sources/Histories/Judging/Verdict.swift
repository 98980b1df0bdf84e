/// What the judge says about a history.
package struct Verdict: Sendable {
    /// How often an anomaly was found.
    package struct Tally: Hashable, Sendable {
        package let anomaly: Anomaly
        package let isAllowed: Bool
        package let count: Int
        /// The first of them.
        package let examples: [Finding]
    }

    /// What the history consists of.
    package struct Figures: Hashable, Sendable {
        package var operations = 0
        package var processes = 0
        package var keys = 0
        /// From the first line to the last.
        package var durationMicroseconds: Int64 = 0
        package var committedWrites = 0
        package var unknownWrites = 0
        package var failedWrites = 0
        package var reads = 0
        /// The greatest time for which a reader that had caught up did not see what was there; nil if it never was.
        package var worstLagMicroseconds: Int64?
        package var worstLagLine: Int?
    }

    package let figures: Figures
    /// In the order of `Anomaly`, what is never allowed first.
    package let tallies: [Tally]
    /// Keys that nobody has read to their end: nothing is said about writes that are unseen there.
    package let undrainedKeys: [String]

    /// Whether nothing was found that must never be.
    package var isFine: Bool { !tallies.contains { !$0.isAllowed } }

    init(figures: Figures, _ findings: Findings, undrainedKeys: [String]) {
        self.figures = figures
        self.undrainedKeys = undrainedKeys
        tallies = [false, true].flatMap { isAllowed in
            Anomaly.allCases.compactMap { anomaly in
                guard let count = (isAllowed ? findings.allowedCounts : findings.counts)[anomaly] else { return nil }
                let examples = findings.examples.filter { $0.anomaly == anomaly && $0.isAllowed == isAllowed }
                return Tally(anomaly: anomaly, isAllowed: isAllowed, count: count, examples: examples)
            }
        }
    }
}

extension Verdict: CustomStringConvertible {
    /// How many examples of what is allowed are shown.
    private static let allowedExamplesMax = 1
    private static let keysShownMax = 5

    /// The verdict as text of several lines, without a newline at its end.
    package var description: String {
        var lines = [
            "\(figures.operations) operations of \(figures.processes) processes on \(figures.keys) keys in "
                + "\(Verdict.seconds(figures.durationMicroseconds)) s: \(figures.committedWrites) writes committed, "
                + "\(figures.unknownWrites) unknown, \(figures.failedWrites) failed; \(figures.reads) values read"
        ]
        if let lag = figures.worstLagMicroseconds {
            lines.append(
                "worst lag of a reader that had caught up: \(Verdict.seconds(lag)) s"
                    + (figures.worstLagLine.map { " (line \($0))" } ?? ""))
        }
        if !undrainedKeys.isEmpty {
            let more = undrainedKeys.count > Verdict.keysShownMax ? ", …" : ""
            lines.append(
                "nobody read to the end: " + undrainedKeys.prefix(Verdict.keysShownMax).joined(separator: ", ") + more
                    + "; what is unseen there is not judged")
        }
        for tally in tallies {
            lines.append("\(tally.anomaly.rawValue): \(tally.count)" + (tally.isAllowed ? " (allowed)" : ""))
            let shown = tally.isAllowed ? Verdict.allowedExamplesMax : tally.examples.count
            for example in tally.examples.prefix(shown) { lines.append("    " + example.text) }
            if !tally.isAllowed, tally.count > shown { lines.append("    and \(tally.count - shown) more") }
        }
        lines.append(isFine ? "verdict: nothing that must not be" : "verdict: anomalies that must never be")
        return lines.joined(separator: "\n")
    }

    private static func seconds(_ microseconds: Int64) -> String {
        let milliseconds = String(microseconds % 1_000_000 / 1_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
    }
}
