/// Reads the notation of `Definitions`; its README has the rules.
package struct DefinitionParser {
    private struct Line {
        let number: Int
        /// Steps of four spaces.
        let depth: Int
        let words: [String]
    }

    private let path: String
    private let lines: [Line]
    private var next = 0
    private var structures: [Structure] = []

    private init(path: String, text: String) throws {
        self.path = path
        var found: [Line] = []
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = raw.split(separator: " ").map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let spaces = raw.prefix { $0 == " " }.count
            guard spaces.isMultiple(of: 4) else {
                throw DefinitionError(path: path, line: index + 1, reason: "indent by four spaces")
            }
            found.append(Line(number: index + 1, depth: spaces / 4, words: words))
        }
        lines = found
    }

    /// The definition in `text`, the content of the file `path`.
    package static func parse(path: String, text: String) throws -> Definition {
        var parser = try DefinitionParser(path: path, text: text)
        return try parser.definition()
    }

    /// What is wrong with the line that is read, or with the one `back` lines before it.
    private func failure(_ reason: String, back: Int = 0) -> DefinitionError {
        let place = next - back
        let number = lines.indices.contains(place) ? lines[place].number : lines.last?.number ?? 1
        return DefinitionError(path: path, line: number, reason: reason)
    }

    /// The words after `keyword`, if that is what the next line starts with.
    private mutating func take(_ keyword: String) -> [String]? {
        guard next < lines.count, lines[next].depth == 0, lines[next].words[0] == keyword else { return nil }
        defer { next += 1 }
        return Array(lines[next].words.dropFirst())
    }

    private mutating func definition() throws -> Definition {
        var (kind, name) = try heading()
        guard let words = take("versions") else { throw failure("expected: versions FIRST-LAST") }
        guard words.count == 1, let versions = range(words[0], within: 0...32_767) else {
            throw failure("expected: versions FIRST-LAST", back: 1)
        }
        var firstFlexible: Int?
        if let words = take("flexible") {
            guard words.count == 1, let flexible = range(words[0], within: versions) else {
                throw failure("expected: flexible FIRST+", back: 1)
            }
            firstFlexible = flexible.lowerBound
        }
        if let words = take("unstable"), case .api(let key, _) = kind {
            guard let first = words.first.flatMap({ Int($0) }) else {
                throw failure("expected: unstable FIRST", back: 1)
            }
            kind = .api(key: key, unstable: first)
        }
        var made = Definition(path: path, kind: kind, name: name, versions: versions, firstFlexible: firstFlexible)
        if case .api = kind {
            made.messages = [
                try message("request", name + "Request", versions),
                try message("response", name + "Response", versions),
            ]
        } else {
            made.messages = [try message("fields", name, versions)]
        }
        guard next == lines.count else { throw failure("nothing may follow here") }
        return made
    }

    private mutating func heading() throws -> (Definition.Kind, String) {
        if let words = take("api"), words.count == 2, let key = Int(words[0]) {
            return (.api(key: key, unstable: nil), words[1])
        }
        if let words = take("metadata"), words.count == 2, let key = Int(words[0]) {
            return (.metadata(key: key), words[1])
        }
        if let words = take("data"), words.count == 1 { return (.data, words[0]) }
        throw failure("expected: api KEY NAME, metadata KEY NAME or data NAME", back: next)
    }

    private mutating func message(
        _ keyword: String, _ name: String, _ versions: ClosedRange<Int>
    ) throws -> Message {
        guard take(keyword) != nil else { throw failure("expected: \(keyword)") }
        structures = [Structure(name: name, versions: versions)]
        while next < lines.count, lines[next].depth == 1, lines[next].words[0] == "struct" {
            guard lines[next].words.count == 2 else { throw failure("expected: struct NAME") }
            let shared = lines[next].words[1]
            next += 1
            try structure(shared, versions, depth: 2)
        }
        structures[0].fields = try fields(versions, depth: 1)
        for case .structure(let used) in structures.flatMap(\.fields).map(\.type.element)
        where !structures.contains(where: { $0.name == used }) {
            throw failure("\(name) uses the structure \(used), which is not defined")
        }
        return Message(
            name: name, isRequest: keyword == "request", isResponse: keyword == "response", structures: structures)
    }

    private mutating func structure(_ name: String, _ versions: ClosedRange<Int>, depth: Int) throws {
        let place = structures.count
        guard !structures.contains(where: { $0.name == name }) else { throw failure("\(name) is defined twice") }
        structures.append(Structure(name: name, versions: versions))
        structures[place].fields = try fields(versions, depth: depth)
    }

    private mutating func fields(_ versions: ClosedRange<Int>, depth: Int) throws -> [Field] {
        var found: [Field] = []
        while next < lines.count, lines[next].depth == depth {
            let field = try field(lines[next].words, versions)
            found.append(field)
            next += 1
            if next < lines.count, lines[next].depth > depth {
                guard lines[next].depth == depth + 1, case .structure(let name) = field.type.element else {
                    throw failure("only fields of a structure may be indented below it")
                }
                try structure(name, field.versions, depth: depth + 1)
            }
        }
        return found
    }

    /// `name type [versions] [tag N] [null VERSIONS] [= DEFAULT] [ignorable]`
    private func field(_ words: [String], _ outer: ClosedRange<Int>) throws -> Field {
        guard words.count >= 2 else { throw failure("expected: NAME TYPE") }
        var rest = words[2...]
        var versions = outer
        if let first = rest.first, let given = range(first, within: outer) {
            versions = given
            rest.removeFirst()
        }
        let (type, nullable) = try fieldType(words[1])
        var made = Field(name: words[0], type: type, versions: versions)
        made.nullVersions = nullable ? versions : nil
        while let option = rest.popFirst() {
            switch option {
            case "ignorable": made.isIgnorable = true
            case "tag": made.tag = try rest.popFirst().flatMap { Int($0) } ?? { throw failure("expected: tag N") }()
            case "null":
                guard let given = rest.popFirst().flatMap({ range($0, within: versions) }) else {
                    throw failure("expected: null VERSIONS")
                }
                made.nullVersions = given
            case "=":
                guard let text = rest.popFirst() else { throw failure("expected: = DEFAULT") }
                made.defaultText = text
            default: throw failure("unknown option \(option)")
            }
        }
        return made
    }

    private func fieldType(_ word: String) throws -> (type: FieldType, isNullable: Bool) {
        var name = word[...]
        let isNullable = name.hasSuffix("?")
        if isNullable { name.removeLast() }
        let isArray = name.hasPrefix("[") && name.hasSuffix("]")
        if isArray { name = name.dropFirst().dropLast() }
        guard let first = name.first else { throw failure("a type is missing") }
        if let scalar = Scalar(rawValue: String(name)) {
            return (FieldType(element: .scalar(scalar), isArray: isArray), isNullable)
        }
        guard first.isUppercase else { throw failure("unknown type \(name)") }
        return (FieldType(element: .structure(String(name)), isArray: isArray), isNullable)
    }

    /// `3`, `3-7` or `3+`; nil for any other word.
    private func range(_ word: String, within outer: ClosedRange<Int>) -> ClosedRange<Int>? {
        let ends = word.split(separator: "-", omittingEmptySubsequences: false)
        if word.hasSuffix("+") { return Int(word.dropLast()).map { $0...max($0, outer.upperBound) } }
        if ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]), first <= last { return first...last }
        return Int(word).map { $0...$0 }
    }
}
