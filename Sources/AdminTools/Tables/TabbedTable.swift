/// A table whose cells are padded to the longest of their column, each followed by a tab: Kafka's "pretty" tables.
package struct TabbedTable: Hashable, Sendable {
    package let titles: [String]
    package private(set) var rows: [[String]] = []

    package init(_ titles: [String]) { self.titles = titles }

    /// Adds a row with as many cells as there are titles.
    package mutating func append(_ row: [String]) {
        precondition(row.count == titles.count, "a cell for each title")
        rows.append(row)
    }

    /// The lines, the titles first.
    package var lines: [String] {
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { PaddedTable.padded($0, $1) + "\t" }.joined()
        }
    }
}
