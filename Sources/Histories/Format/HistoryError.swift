/// What is wrong with the text of a history, and what to do about it.
package struct HistoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1; nil where it is about the whole.
    package let line: Int?
    package let problem: String
    package let remedy: String

    package init(line: Int?, _ problem: String, remedy: String) {
        self.line = line
        self.problem = problem
        self.remedy = remedy
    }

    package var description: String { (line.map { "line \($0): " } ?? "") + "\(problem); \(remedy)" }
}
