/// Reads a pattern in RE2's syntax.
///
/// What RE2 refuses (references back, looking around, possessive repetitions) is refused here, too: it can't be matched
/// in linear time.
struct ExpressionParser {
    typealias Mistake = TopicExpression.Mistake

    /// What `(?…)` switches.
    struct Flags {
        var ignoresCase = false
        var dotTakesNewline = false
    }

    var text: [Unicode.Scalar]
    private(set) var index = 0
    private var depth = 0
    var flags = Flags()
    private var groupNames: Set<String> = []

    /// Where the reader is, counted from 1.
    var position: Int { index + 1 }

    init(_ pattern: String) throws(Mistake) {
        text = Array(pattern.unicodeScalars)
        if text.count > TopicExpression.charactersMax {
            throw Mistake(reason: "the pattern is too long", position: TopicExpression.charactersMax + 1)
        }
    }

    // MARK: Characters

    var next: Unicode.Scalar? { index < text.count ? text[index] : nil }

    mutating func take() -> Unicode.Scalar? {
        guard index < text.count else { return nil }
        index += 1
        return text[index - 1]
    }

    /// Takes the characters if they come next.
    mutating func take(_ wanted: String) -> Bool {
        let wanted = Array(wanted.unicodeScalars)
        guard text[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    mutating func take(through end: Unicode.Scalar) -> String? {
        guard let stop = text[index...].firstIndex(of: end) else { return nil }
        defer { index = stop + 1 }
        return String(String.UnicodeScalarView(text[index..<stop]))
    }

    mutating func goBack(to earlier: Int) { index = earlier }

    func mistake(_ reason: String, at start: Int? = nil) -> Mistake {
        Mistake(reason: reason, position: (start ?? index) + 1)
    }

    // MARK: The tree

    mutating func parse() throws(Mistake) -> ExpressionTree {
        let tree = try parseChoice()
        if next == ")" { throw mistake("unexpected )") }
        return tree
    }

    private mutating func parseChoice() throws(Mistake) -> ExpressionTree {
        let flagsBefore = flags
        defer { flags = flagsBefore }
        var branches = [try parseSequence()]
        while take("|") { branches.append(try parseSequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func parseSequence() throws(Mistake) -> ExpressionTree {
        var parts: [ExpressionTree] = []
        while let character = next, character != "|", character != ")" {
            if take("\\Q") {
                parts += quoted()
                continue
            }
            let start = index
            guard let atom = try parseAtom() else { continue }
            parts.append(try parseRepetitions(of: atom, from: start))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .nothing : .sequence(parts)
    }

    /// Takes everything literally up to `\E`.
    private mutating func quoted() -> [ExpressionTree] {
        var parts: [ExpressionTree] = []
        while next != nil, !take("\\E") { if let scalar = take() { parts.append(.character(literal(scalar))) } }
        return parts
    }

    /// - Returns: nil for what only switches flags.
    private mutating func parseAtom() throws(Mistake) -> ExpressionTree? {
        let start = index
        guard let character = take() else { return nil }
        switch character {
        case ".":
            var set = CharacterSet128.all
            if !flags.dotTakesNewline { set.remove(10) }
            return .character(set)
        case "^": return .place(.start)
        case "$": return .place(.end)
        case "[": return .character(try parseClass(from: start))
        case "(": return try parseGroup(from: start)
        case "*", "+", "?": throw mistake("missing argument to repetition operator \(character)", at: start)
        case "\\": return try parseEscape(from: start)
        default: return .character(literal(character))
        }
    }

    private mutating func parseEscape(from start: Int) throws(Mistake) -> ExpressionTree {
        guard let letter = next else { throw mistake("trailing \\", at: start) }
        let places: [Unicode.Scalar: ExpressionPlace] = [
            "A": .start, "z": .end, "b": .wordBoundary, "B": .noWordBoundary,
        ]
        if let place = places[letter] {
            index += 1
            return .place(place)
        }
        if letter == "C" {
            index += 1
            return .character(.all)
        }
        if let set = try parseClassEscape(from: start) { return .character(set) }
        return .character(literal(try parseCharacterEscape(from: start)))
    }

    /// One character as itself; with `i` in both cases.
    func literal(_ scalar: Unicode.Scalar) -> CharacterSet128 {
        var set = CharacterSet128(scalar.value...scalar.value)
        guard flags.ignoresCase else { return set }
        // The two letters outside of ASCII that are cases of letters in it: the Kelvin sign and the long s.
        if scalar.value == 0x212A { set.formUnion(CharacterSet128("k")) }
        if scalar.value == 0x17F { set.formUnion(CharacterSet128("s")) }
        return set.foldingCase
    }

    // MARK: Groups and flags

    private mutating func parseGroup(from start: Int) throws(Mistake) -> ExpressionTree? {
        depth += 1
        defer { depth -= 1 }
        if depth > TopicExpression.depthMax { throw mistake("groups nest too deep", at: start) }
        let outer = flags
        if take("?P<") || take("?<") {
            if next == "=" || next == "!" { throw mistake("looking around is not supported", at: start) }
            guard let name = take(through: ">"), isGroupName(name), groupNames.insert(name).inserted else {
                throw mistake("invalid group name", at: start)
            }
        } else if take("?") {
            guard try parseFlags(from: start) else { return nil }
        }
        let tree = try parseChoice()
        guard take(")") else { throw mistake("missing )", at: start) }
        flags = outer
        return tree
    }

    private func isGroupName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { ExpressionClasses.word.contains($0) }
    }

    /// - Returns: false where the flags stand alone, and hold for the rest of the group around them.
    private mutating func parseFlags(from start: Int) throws(Mistake) -> Bool {
        var isOn = true
        while let flag = take() {
            switch flag {
            case "i": flags.ignoresCase = isOn
            case "s": flags.dotTakesNewline = isOn
            // Names have one line, and all of them is matched: these change nothing.
            case "m", "U": break
            case "-" where isOn: isOn = false
            case ":": return true
            case ")": return false
            default: throw mistake("invalid or unsupported group syntax", at: start)
            }
        }
        throw mistake("missing )", at: start)
    }

    // MARK: Repetitions

    private mutating func parseRepetitions(
        of atom: ExpressionTree, from start: Int
    ) throws(Mistake) -> ExpressionTree {
        guard let bounds = try parseBounds() else { return atom }
        _ = take("?")  // A lazy one describes the same names.
        if next == "*" || next == "+" || next == "?" { throw mistake("invalid nested repetition operator") }
        let before = index
        if try parseBounds() != nil { throw mistake("invalid nested repetition operator", at: before) }
        return .repetition(atom, min: bounds.min, max: bounds.max)
    }

    private mutating func parseBounds() throws(Mistake) -> (min: Int, max: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = index
        guard take("{") else { return nil }
        // Braces that hold no bounds are characters.
        guard let min = number(), next == "," || next == "}" else {
            index = start
            return nil
        }
        var max: Int? = min
        if take(",") { max = number() }
        guard take("}") else {
            index = start
            return nil
        }
        let isInOrder = max.map { $0 >= min } ?? true
        guard isInOrder, Swift.max(min, max ?? 0) <= TopicExpression.repetitionsMax else {
            throw mistake("invalid repetition count", at: start)
        }
        return (min, max)
    }

    /// A decimal number; larger ones than any bound are cut.
    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next, ("0"..."9").contains(digit) {
            index += 1
            value = min((value ?? 0) * 10 + Int(digit.value - 48), TopicExpression.repetitionsMax + 1)
        }
        return value
    }
}
