/// A text in the form of Java's properties files: what `server.properties` and `meta.properties` are written in.
package struct PropertiesFile: Hashable, Sendable {
    /// Keys in the order of the file; a later line of the same key replaces the value.
    package private(set) var keys: [String] = []
    private var values: [String: String] = [:]

    package init() {}

    /// Reads a whole text: `#` and `!` start comments, `=`, `:` or white space ends a key, a backslash escapes the next
    /// character or joins the next line, `\uXXXX` names a character.
    package init(parsing text: String) {
        for line in PropertiesFile.logicalLines(text) {
            let (key, value) = PropertiesFile.split(line)
            self[key] = value
        }
    }

    package subscript(_ key: String) -> String? {
        get { values[key] }
        set {
            if values[key] == nil, newValue != nil { keys.append(key) }
            if newValue == nil { keys.removeAll { $0 == key } }
            values[key] = newValue
        }
    }

    private static func logicalLines(_ text: String) -> [[Character]] {
        var lines: [[Character]] = []
        var joined: [Character]?
        for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let line = Array(raw.drop { $0 == " " || $0 == "\t" || $0 == "\u{c}" })
            if joined == nil, line.isEmpty || line[0] == "#" || line[0] == "!" { continue }
            let trailing = line.reversed().prefix { $0 == "\\" }.count
            let continues = trailing % 2 == 1
            let content = (joined ?? []) + (continues ? Array(line.dropLast()) : line)
            if continues {
                joined = content
            } else {
                lines.append(content)
                joined = nil
            }
        }
        if let joined { lines.append(joined) }
        return lines
    }

    private static func split(_ line: [Character]) -> (key: String, value: String) {
        var end = 0
        while end < line.count {
            if line[end] == "\\" {
                end += 2
                continue
            }
            if "=: \t".contains(line[end]) { break }
            end += 1
        }
        end = min(end, line.count)
        var start = end
        while start < line.count, " \t".contains(line[start]) { start += 1 }
        if start < line.count, "=:".contains(line[start]) { start += 1 }
        while start < line.count, " \t".contains(line[start]) { start += 1 }
        return (unescaped(line[..<end]), unescaped(line[start...]))
    }

    private static func unescaped(_ characters: ArraySlice<Character>) -> String {
        var result = ""
        var index = characters.startIndex
        while index < characters.endIndex {
            guard characters[index] == "\\", index + 1 < characters.endIndex else {
                result.append(characters[index])
                index += 1
                continue
            }
            let escaped = characters[index + 1]
            index += 2
            switch escaped {
            case "n": result.append("\n")
            case "t": result.append("\t")
            case "r": result.append("\r")
            case "f": result.append("\u{c}")
            case "u":
                let digits = String(characters[index..<min(index + 4, characters.endIndex)])
                if digits.count == 4, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) {
                    result.unicodeScalars.append(scalar)
                    index += 4
                } else {
                    result.append("u")
                }
            default: result.append(escaped)
            }
        }
        return result
    }
}
