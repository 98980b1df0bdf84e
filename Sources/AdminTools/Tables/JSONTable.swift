/// A table that can also be given as JSON: an array with one object for each row.
///
/// A command prints one document for all its tables, on one line: `print(tables.json)`.
package protocol JSONTable {
    /// The names of the members, in the order of the columns.
    var keys: [String] { get }
    /// The cells of each row; numbers are numbers, and what is not known is null.
    var cells: [[JSONValue]] { get }
}

extension JSONTable {
    /// One object for each row.
    package var json: JSONValue {
        .array(cells.map { row in .object(zip(keys, row).map { JSONValue.Member($0, $1) }) })
    }
}

extension Sequence where Element: JSONTable {
    /// The rows of all tables in one array.
    package var json: JSONValue { .array(flatMap { $0.json.array ?? [] }) }
}

/// How titles and cells of tables become names and texts.
enum TableKey {
    /// A title as a member's name: `CURRENT-OFFSET` becomes `currentOffset`, `LogEndOffset` becomes `logEndOffset`.
    static func key(ofTitle title: String) -> String {
        let words = title.split { !$0.isLetter && !$0.isNumber }.map { word in
            word.allSatisfy { $0.isUppercase || $0.isNumber } ? word.lowercased() : String(word)
        }
        let joined = words.enumerated().map { index, word in
            index == 0 ? word.prefix(1).lowercased() + word.dropFirst() : word.prefix(1).uppercased() + word.dropFirst()
        }
        return joined.joined()
    }

    /// A cell as it is shown to a person.
    static func text(of cell: JSONValue, nothing: String) -> String {
        switch cell {
        case .null: nothing
        case .text(let text): text
        default: cell.description
        }
    }
}
