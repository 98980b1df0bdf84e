/// What became of a row.
package struct RowReport: Hashable, Sendable {
    /// The verdict of a row.
    package enum Outcome: Hashable, Sendable {
        case passed
        case failed([String])
        /// It can't run here; that is no success.
        case notRun(String)
    }

    package let row: String
    package let outcome: Outcome
    /// Lines for the reader: figures, and what the judge of histories said.
    package var lines: [String] = []

    package init(row: String, outcome: Outcome, lines: [String] = []) {
        self.row = row
        self.outcome = outcome
        self.lines = lines
    }

    /// One line that says it all.
    package var summary: String {
        switch outcome {
        case .passed: "\(row): passed"
        case .failed(let problems): "\(row): FAILED: " + problems.joined(separator: "; ")
        case .notRun(let reason): "\(row): not run: \(reason)"
        }
    }

    package var isFailure: Bool { if case .failed = outcome { true } else { false } }
}
