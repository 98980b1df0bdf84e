/// A table whose cells are padded to the longest of their column, each followed by a tab: Kafka's "pretty" tables.
package struct TabbedTable: Hashable, Sendable, JSONTable {
    package let titles: [String]
    package private(set) var cells: [[JSONValue]] = []

    package init(_ titles: [String]) { self.titles = titles }

    package var keys: [String] { titles.map(TableKey.key(ofTitle:)) }

    package var rows: [[String]] { cells.map { $0.map { TableKey.text(of: $0, nothing: "None") } } }

    /// Adds a row with as many cells as there are titles.
    package mutating func append(_ row: [String]) { append(cells: row.map { .text($0) }) }

    /// Adds a row with as many cells as there are titles; null is shown as `None`.
    package mutating func append(cells row: [JSONValue]) {
        precondition(row.count == titles.count, "a cell for each title")
        cells.append(row)
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
