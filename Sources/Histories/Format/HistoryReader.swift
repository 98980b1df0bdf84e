import Primitives

/// Reads the text of a history in pieces of any size; what it holds is the packed history and one unfinished line.
package struct HistoryReader: Sendable {
    /// A line is refused when it is longer, so that a file that is no history does not fill the memory.
    package static let lineBytesMax = 4 << 20

    private var builder: HistoryBuilder
    private var unfinished: [UInt8] = []
    private var lineCount = 0

    package init(limits: HistoryBuilder.Limits = HistoryBuilder.Limits()) {
        builder = HistoryBuilder(limits: limits)
    }

    /// A whole history at once.
    package static func read(_ text: String) throws(HistoryError) -> History {
        var reader = HistoryReader()
        try reader.feed(Array(text.utf8))
        return try reader.finish()
    }

    /// Reads the next bytes.
    package mutating func feed(_ bytes: [UInt8]) throws(HistoryError) {
        var rest = bytes[...]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if unfinished.isEmpty {
                try readLine(rest[..<newline])
            } else {
                unfinished += rest[..<newline]
                try readLine(unfinished[...])
                unfinished.removeAll(keepingCapacity: true)
            }
            rest = rest[(newline + 1)...]
        }
        unfinished += rest
        guard unfinished.count <= HistoryReader.lineBytesMax else {
            throw HistoryError(
                line: lineCount + 1, "a line of more than \(HistoryReader.lineBytesMax) bytes",
                remedy: "split the operation, or give the right file")
        }
    }

    /// The history, once all was fed.
    package consuming func finish() throws(HistoryError) -> History {
        if !unfinished.isEmpty { try readLine(unfinished[...]) }
        guard lineCount > 0 else { throw HistoryReader.noHeader }
        return builder.finish()
    }

    private static let noHeader = HistoryError(
        line: 1, "this is no history", remedy: "its first line must be `\(HistoryWriter.header)`")

    private mutating func readLine(_ bytes: ArraySlice<UInt8>) throws(HistoryError) {
        lineCount += 1
        let bytes = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        if lineCount == 1 {
            guard bytes.elementsEqual(HistoryWriter.header.utf8) else { throw HistoryReader.noHeader }
            return
        }
        if bytes.isEmpty || bytes.first == UInt8(ascii: "#") { return }
        var words = HistoryWords(bytes, line: lineCount)
        let time = try words.integer("the time in microseconds")
        let process = try words.integer("the number of the process")
        guard let process = Int32(exactly: process), process >= 0 else {
            throw HistoryError(
                line: lineCount, "\(process) is no number of a process", remedy: "use 0 to \(Int32.max)")
        }
        let phase = try words.phase()
        let kind = try words.kind()
        let items = try words.items()
        let event = HistoryEvent(timeMicroseconds: time, process: process, phase, kind, items)
        try builder.add(event, line: lineCount)
    }
}
