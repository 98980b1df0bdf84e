/// The lines of a file of Java properties.
enum PropertyLines {
    /// The lines that count, with those that a backslash continues put together and comments left out.
    static func logicalLines(_ text: String) -> [Substring] {
        var lines: [Substring] = []
        var begun: String?
        for natural in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let line = natural.drop(while: isSpace)
            if begun == nil, line.isEmpty || line.hasPrefix("#") || line.hasPrefix("!") { continue }
            let slashes = line.reversed().prefix { $0 == "\\" }.count
            let whole = (begun ?? "") + line
            if slashes % 2 == 1 {
                begun = String(whole.dropLast())
            } else {
                lines.append(whole[...])
                begun = nil
            }
        }
        if let begun { lines.append(begun[...]) }
        return lines
    }

    /// The key and the value of a line.
    static func pair(_ line: Substring, file: String) throws(ToolFailure) -> (key: String, value: String) {
        var key = ""
        var rest = line
        while let character = rest.popFirst() {
            if character == "\\" {
                key += try unescaped(&rest, file: file)
            } else if character == "=" || character == ":" || isSpace(character) {
                rest = line[line.index(before: rest.startIndex)...]
                break
            } else {
                key.append(character)
            }
        }
        rest = rest.drop(while: isSpace)
        if let first = rest.first, first == "=" || first == ":" { rest = rest.dropFirst().drop(while: isSpace) }
        var value = ""
        while let character = rest.popFirst() {
            if character == "\\" { value += try unescaped(&rest, file: file) } else { value.append(character) }
        }
        return (key, value)
    }

    private static func isSpace(_ character: Character) -> Bool {
        character == " " || character == "\t" || character == "\u{c}"
    }

    /// What stands behind a backslash.
    private static func unescaped(_ rest: inout Substring, file: String) throws(ToolFailure) -> String {
        switch rest.popFirst() {
        case nil: return ""
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "f": return "\u{c}"
        case "u":
            let digits = rest.prefix(4)
            guard digits.count == 4, let number = UInt16(digits, radix: 16),
                let text = String(validating: [number], as: UTF16.self)
            else { throw ToolFailure("\(file): Malformed \\uxxxx encoding.") }
            rest = rest.dropFirst(4)
            return text
        case let character?: return String(character)
        }
    }
}
