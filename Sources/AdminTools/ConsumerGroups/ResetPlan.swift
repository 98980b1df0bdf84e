import ClientCore
import LiveWorld
import Primitives
import World

/// Offsets from a file of comma separated values: `topic,partition,offset`, or `group,topic,partition,offset`.
struct ResetPlan {
    private var rows: [(group: String?, place: TopicPartition, offset: Int64)] = []

    /// - Errors: a file that can't be read, a line that is not of the two forms.
    init(file: String) throws(ToolFailure) {
        let text: String
        do { text = String(decoding: try PosixFileStore().readAll(file), as: UTF8.self) } catch {
            throw ToolFailure("\nError: Executing consumer group command failed due to \(file): \(error)", on: .output)
        }
        try self.init(parsing: text)
    }

    init(parsing text: String) throws(ToolFailure) {
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.isEmpty { continue }
            let cells = CommaSeparated.cells(of: line)
            let numbers = cells.suffix(2)
            guard cells.count == 3 || cells.count == 4, let partition = Int32(numbers.first ?? ""), partition >= 0,
                let offset = Int64(numbers.last ?? "")
            else {
                throw ToolFailure(
                    "\nError: Executing consumer group command failed due to line \(number + 1) of the plan: expected "
                        + "[group,]topic,partition,offset but found: \(line)", on: .output)
            }
            let topic = cells[cells.count - 3]
            rows.append((cells.count == 4 ? cells[0] : nil, .init(topic, PartitionIndex(partition)), offset))
        }
    }

    /// The offsets of a group; lines without a group are those of the only one. Nil where there are none.
    func offsets(of group: String, isOnlyGroup: Bool) -> [TopicPartition: Int64]? {
        let own = rows.filter { $0.group == group || ($0.group == nil && isOnlyGroup) }
        guard !own.isEmpty else { return nil }
        return Dictionary(own.map { ($0.place, $0.offset) }) { _, last in last }
    }

    /// A line for `--export`.
    static func line(_ row: ResetRow, withGroup: Bool) -> String {
        let cells = [row.place.topic, "\(row.place.partition)", "\(row.offset)"]
        return CommaSeparated.line((withGroup ? [row.group] : []) + cells)
    }
}

/// Lines of comma separated values, where a cell may stand in quotes (RFC 4180).
enum CommaSeparated {
    static func line(_ cells: [String]) -> String {
        cells.map { cell in
            let needsQuotes = cell.contains { $0 == "," || $0 == "\"" || $0.isNewline }
            guard needsQuotes else { return cell }
            return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }.joined(separator: ",")
    }

    static func cells(of line: some StringProtocol) -> [String] {
        var cells = [""]
        var isQuoted = false
        var rest = Substring(line)
        while let character = rest.popFirst() {
            if character == "\"" {
                if isQuoted, rest.first == "\"" {
                    rest.removeFirst()
                    cells[cells.count - 1].append("\"")
                } else {
                    isQuoted.toggle()
                }
            } else if character == ",", !isQuoted {
                cells.append("")
            } else {
                cells[cells.count - 1].append(character)
            }
        }
        return cells.map { ClientProperties.trimmed($0) }
    }
}
