/// A table whose cells are padded to a width and separated by one space, as Kafka's `%-15s` tables are.
package struct PaddedTable: Hashable, Sendable, JSONTable {
    /// How wide a column is.
    package enum Width: Hashable, Sendable {
        /// Always so many characters.
        case fixed(Int)
        /// As wide as the longest cell, and no narrower than this.
        case atLeast(Int)
        /// As it comes, without padding.
        case free
    }

    /// One column.
    package struct Column: Hashable, Sendable {
        package let title: String
        package let width: Width
        /// Its member's name in JSON.
        package let key: String

        /// Without a `key` it follows from the title: `CURRENT-OFFSET` becomes `currentOffset`.
        package init(_ title: String, _ width: Width, key: String? = nil) {
            self.title = title
            self.width = width
            self.key = key ?? TableKey.key(ofTitle: title)
        }
    }

    package let columns: [Column]
    package private(set) var cells: [[JSONValue]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    package var keys: [String] { columns.map(\.key) }

    /// The cells as they are shown: `-` where there is nothing.
    package var rows: [[String]] { cells.map { $0.map { TableKey.text(of: $0, nothing: "-") } } }

    /// Adds a row with as many cells as there are columns; `-` is a cell without a value.
    package mutating func append(_ row: [String]) { append(cells: row.map { $0 == "-" ? .null : .text($0) }) }

    /// Adds a row with as many cells as there are columns; null is shown as `-`.
    package mutating func append(cells row: [JSONValue]) {
        precondition(row.count == columns.count, "a cell for each column")
        cells.append(row)
    }

    /// The lines, the titles first.
    package var lines: [String] {
        let titles = columns.map(\.title)
        let rows = rows
        let widths = columns.indices.map { column -> Int? in
            switch columns[column].width {
            case .fixed(let width): width
            case .atLeast(let least): ([titles] + rows).reduce(least) { max($0, $1[column].count) }
            case .free: nil
            }
        }
        return ([titles] + rows).map { row in
            zip(row, widths).map { cell, width in PaddedTable.padded(cell, width) }.joined(separator: " ")
        }
    }

    static func padded(_ cell: String, _ width: Int?) -> String {
        guard let width, cell.count < width else { return cell }
        return cell + String(repeating: " ", count: width - cell.count)
    }
}
