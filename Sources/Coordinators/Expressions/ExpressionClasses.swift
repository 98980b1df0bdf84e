/// The named classes of RE2, as far as they are ASCII.
enum ExpressionClasses {
    static let digit = CharacterSet128("0123456789")
    static let upper = CharacterSet128("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    static let lower = CharacterSet128("abcdefghijklmnopqrstuvwxyz")
    static let letter = union(upper, lower)
    static let word = union(letter, digit, CharacterSet128("_"))
    static let space = CharacterSet128("\t\n\u{0C}\r ")
    private static let control = union(CharacterSet128(0...31), CharacterSet128(127...127))
    private static let punctuation = CharacterSet128("!\"#%&'()*,-./:;?@[\\]_{}")
    private static let symbol = CharacterSet128("$+<=>^`|~")

    static func union(_ sets: CharacterSet128...) -> CharacterSet128 {
        sets.reduce(into: CharacterSet128()) { $0.formUnion($1) }
    }

    /// The class of a Perl escape (`\d`), whose capital stands for all others.
    static func perl(_ letter: Unicode.Scalar) -> CharacterSet128? {
        switch letter {
        case "d": digit
        case "D": ~digit
        case "s": space
        case "S": ~space
        case "w": word
        case "W": ~word
        default: nil
        }
    }

    /// The class of a name between `[:` and `:]`.
    static func posix(_ name: String) -> CharacterSet128? {
        switch name {
        case "alnum": union(letter, digit)
        case "alpha": letter
        case "ascii": .all
        case "blank": CharacterSet128("\t ")
        case "cntrl": control
        case "digit": digit
        case "graph": CharacterSet128(33...126)
        case "lower": lower
        case "print": CharacterSet128(32...126)
        case "punct": union(punctuation, symbol)
        case "space": union(space, CharacterSet128(11...11))
        case "upper": upper
        case "word": word
        case "xdigit": union(digit, CharacterSet128("abcdefABCDEF"))
        default: nil
        }
    }

    /// The ASCII part of a general category or script of Unicode (`\pN`, `\p{Latin}`); nil where there is none of that
    /// name.
    static func unicode(_ name: String) -> CharacterSet128? {
        if let category = categories[name] { return category }
        return scripts.contains(name) ? CharacterSet128() : nil
    }

    private static let categories: [String: CharacterSet128] = [
        "Any": .all, "L": letter, "Ll": lower, "Lu": upper, "Lt": CharacterSet128(), "Lm": CharacterSet128(),
        "Lo": CharacterSet128(), "Latin": letter, "M": CharacterSet128(), "Mn": CharacterSet128(),
        "Mc": CharacterSet128(), "Me": CharacterSet128(), "N": digit, "Nd": digit, "Nl": CharacterSet128(),
        "No": CharacterSet128(), "P": punctuation, "Pc": CharacterSet128("_"), "Pd": CharacterSet128("-"),
        "Ps": CharacterSet128("([{"), "Pe": CharacterSet128(")]}"), "Pi": CharacterSet128(),
        "Pf": CharacterSet128(), "Po": CharacterSet128("!\"#%&'*,./:;?@\\"), "S": symbol,
        "Sc": CharacterSet128("$"), "Sk": CharacterSet128("^`"), "Sm": CharacterSet128("+<=>|~"),
        "So": CharacterSet128(), "Z": CharacterSet128(" "), "Zs": CharacterSet128(" "), "Zl": CharacterSet128(),
        "Zp": CharacterSet128(), "C": control, "Cc": control, "Cf": CharacterSet128(), "Cs": CharacterSet128(),
        "Co": CharacterSet128(), "Common": ~letter,
    ]

    /// The scripts that people write patterns with; none has an ASCII character.
    private static let scripts: Set<String> = [
        "Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Georgian", "Greek", "Gujarati", "Gurmukhi", "Han",
        "Hangul", "Hebrew", "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Malayalam", "Mongolian", "Myanmar",
        "Sinhala", "Tamil", "Telugu", "Thai", "Tibetan",
    ]
}
