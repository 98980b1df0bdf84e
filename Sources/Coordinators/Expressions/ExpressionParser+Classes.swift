extension ExpressionParser {
    /// Reads a class after its `[`.
    mutating func parseClass(from start: Int) throws(Mistake) -> CharacterSet128 {
        var set = CharacterSet128()
        let isNegated = take("^")
        var isFirst = true
        while isFirst || next != "]" {
            guard next != nil else { throw mistake("missing ]", at: start) }
            isFirst = false
            if take("[:") {
                set.formUnion(try parsePosix())
                continue
            }
            let itemStart = index
            if take("\\") {
                if let escaped = try parseClassEscape(from: itemStart) {
                    set.formUnion(escaped)
                    continue
                }
                goBack(to: itemStart)
            }
            let low = try parseClassCharacter(start)
            let (dash, afterDash) = (index, index + 1)
            guard next == "-", afterDash < text.count, text[afterDash] != "]" else {
                set.formUnion(literal(low))
                continue
            }
            _ = take()
            let high = try parseClassCharacter(start)
            guard low.value <= high.value else { throw mistake("invalid character class range", at: dash - 1) }
            let range = CharacterSet128(low.value...high.value)
            set.formUnion(flags.ignoresCase ? range.foldingCase : range)
        }
        _ = take()
        return isNegated ? ~set : set
    }

    private mutating func parseClassCharacter(_ start: Int) throws(Mistake) -> Unicode.Scalar {
        let before = index
        guard let character = take() else { throw mistake("missing ]", at: start) }
        return character == "\\" ? try parseCharacterEscape(from: before) : character
    }

    private mutating func parsePosix() throws(Mistake) -> CharacterSet128 {
        let start = index - 2
        let isNegated = take("^")
        guard let name = take(through: ":"), take("]"), let set = ExpressionClasses.posix(name) else {
            throw mistake("invalid character class", at: start)
        }
        return isNegated ? ~set : set
    }

    /// Reads what is a class by itself after a `\`: `\d`, `\pN`, `\p{Latin}`; nil where something else stands there.
    mutating func parseClassEscape(from start: Int) throws(Mistake) -> CharacterSet128? {
        guard let letter = next else { throw mistake("trailing \\", at: start) }
        if let set = ExpressionClasses.perl(letter) {
            _ = take()
            return set
        }
        guard letter == "p" || letter == "P" else { return nil }
        _ = take()
        var isNegated = letter == "P"
        var name: String?
        if take("{") {
            if take("^") { isNegated.toggle() }
            name = take(through: "}")
        } else {
            name = take().map { String($0) }
        }
        guard let name, let set = ExpressionClasses.unicode(name) else {
            throw mistake("invalid character class", at: start)
        }
        let folded = flags.ignoresCase ? set.foldingCase : set
        return isNegated ? ~folded : folded
    }

    /// Reads what stands for one character after a `\`.
    mutating func parseCharacterEscape(from start: Int) throws(Mistake) -> Unicode.Scalar {
        guard let letter = take() else { throw mistake("trailing \\", at: start) }
        switch letter {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try parseHexadecimal(from: start)
        case "0"..."7": return try parseOctal(letter, from: start)
        default:
            // Only what is no letter, digit or underscore stands for itself.
            let isPlain = letter.isASCII && !ExpressionClasses.word.contains(UInt8(letter.value))
            guard isPlain || letter == "_" else { throw mistake("invalid escape sequence \\\(letter)", at: start) }
            return letter
        }
    }

    private mutating func parseHexadecimal(from start: Int) throws(Mistake) -> Unicode.Scalar {
        var digits: String?
        if take("{") {
            digits = take(through: "}")
        } else {
            let pair = [take(), take()].compactMap { $0 }
            digits = String(String.UnicodeScalarView(pair))
            if pair.count < 2 { digits = nil }
        }
        guard let digits, digits.utf8.count <= 8, digits.utf8.first != 0x2B, digits.utf8.first != 0x2D,
            let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
        else { throw mistake("invalid escape sequence \\x", at: start) }
        return scalar
    }

    /// Up to three octal digits. A single one from 1 on would be a reference back.
    private mutating func parseOctal(_ first: Unicode.Scalar, from start: Int) throws(Mistake) -> Unicode.Scalar {
        var value = first.value - 48
        var count = 1
        while count < 3, let digit = next, ("0"..."7").contains(digit) {
            _ = take()
            value = value * 8 + digit.value - 48
            count += 1
        }
        guard first == "0" || count > 1, let scalar = Unicode.Scalar(value) else {
            throw mistake("references back are not supported: \\\(first)", at: start)
        }
        return scalar
    }
}
