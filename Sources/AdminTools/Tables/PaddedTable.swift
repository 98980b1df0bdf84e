/// A table whose cells are padded to a width and separated by one space, as Kafka's `%-15s` tables are.
package struct PaddedTable: Hashable, Sendable {
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

        package init(_ title: String, _ width: Width) {
            self.title = title
            self.width = width
        }
    }

    package let columns: [Column]
    package private(set) var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row with as many cells as there are columns.
    package mutating func append(_ row: [String]) {
        precondition(row.count == columns.count, "a cell for each column")
        rows.append(row)
    }

    /// The lines, the titles first.
    package var lines: [String] {
        let titles = columns.map(\.title)
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
