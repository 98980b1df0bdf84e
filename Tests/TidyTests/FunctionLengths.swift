/// Finds the functions, initialisers and accessors of a file and how many lines each takes.
enum FunctionLengths {
    struct Found: Hashable {
        let name: String
        let line: Int
        let lineCount: Int
    }

    private static let modifiers =
        #"(?:@[\w.]+(?:\([^)]*\))?\s+|package |public |private |fileprivate |internal |static |final |override |mutating |"#
        + #"nonmutating |consuming |borrowing |nonisolated |required |convenience |isolated |class |unsafe )*"#

    /// Every declaration with a body in `file`, by its first line.
    static func found(in file: SourceFile) throws -> [Found] {
        let declaration = try Regex(
            "^\\s*" + modifiers + #"(func\s+[^\s(<]+|init[?!]?(?=[(<\s])|deinit\b|subscript\b)"#)
        return file.bareLines.indices.compactMap { index in
            guard let match = file.bareLines[index].prefixMatch(of: declaration) else { return nil }
            let name = match.output[1].substring.map(String.init) ?? "?"
            guard let end = endOfBody(file.bareLines, from: index, after: match.range.upperBound) else { return nil }
            return Found(name: name, line: index + 1, lineCount: end - index + 1)
        }
    }

    /// The last line of the body that belongs to the declaration on line `start`; nil if it has none.
    private static func endOfBody(_ lines: [String], from start: Int, after column: String.Index) -> Int? {
        var parentheses = 0
        var braces = 0
        for index in start..<lines.count {
            let text = index == start ? lines[index][column...] : lines[index][...]
            if index > start, braces == 0, parentheses == 0, startsDeclaration(text) { return nil }
            for character in text {
                switch character {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{": braces += 1
                case "}":
                    braces -= 1
                    if braces == 0, parentheses == 0 { return index }
                    if braces < 0 { return nil }
                default: break
                }
            }
        }
        return nil
    }

    private static func startsDeclaration(_ line: Substring) -> Bool {
        line.contains(/^\s*(package |static |public |private |mutating |@|func |var |let |init|associatedtype |case )/)
    }
}
