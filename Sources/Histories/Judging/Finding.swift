/// One anomaly that was found, with the lines that prove it.
package struct Finding: Hashable, Sendable {
    package let anomaly: Anomaly
    /// Whether the model allows it here.
    package let isAllowed: Bool
    package let text: String
    /// Lines of the history, in the order in which the text speaks of them.
    package let lines: [Int]
}

/// Gathers findings: counts all, keeps the first few of each kind.
struct Findings {
    /// How many of each kind are kept; the first ones tell most.
    static let examplesMax = 10

    private(set) var examples: [Finding] = []
    private(set) var counts: [Anomaly: Int] = [:]
    private(set) var allowedCounts: [Anomaly: Int] = [:]

    /// Counts one more; `text` and `lines` are made only where the finding is kept.
    mutating func add(
        _ anomaly: Anomaly, isAllowed: Bool = false, lines: @autoclosure () -> [Int32],
        _ text: @autoclosure () -> String
    ) {
        let isAllowed = isAllowed || anomaly.isAlwaysAllowed
        let before = (isAllowed ? allowedCounts : counts)[anomaly, default: 0]
        if isAllowed { allowedCounts[anomaly] = before + 1 } else { counts[anomaly] = before + 1 }
        guard before < Findings.examplesMax else { return }
        examples.append(
            Finding(anomaly: anomaly, isAllowed: isAllowed, text: text(), lines: lines().map { Int($0) }))
    }
}
