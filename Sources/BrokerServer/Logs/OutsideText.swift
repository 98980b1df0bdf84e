/// Text that came from outside (client ids, topic names, error messages of peers), made harmless for a log line or a
/// metric: nobody can forge a line, steer a terminal or turn the reading direction with it.
package enum OutsideText {
    /// What stands with a backslash.
    package enum Escapes: Hashable, Sendable {
        /// What can't be seen: control characters, line ends, marks of direction.
        case controls
        /// These, quotes and backslashes: for text between quotes, and for JSON.
        case controlsAndQuotes
    }

    /// The text, cut after `charactersMax` characters (then `…` stands behind it), with what can't be seen written out.
    package static func shown(_ text: String, charactersMax: Int, escapes: Escapes) -> String {
        escaped(cut(text, charactersMax), escapes)
    }

    /// Cuts without walking the whole of a megabyte.
    private static func cut(_ text: String, _ charactersMax: Int) -> String {
        let scalars = text.unicodeScalars
        guard text.utf8.count > charactersMax,
            let end = scalars.index(scalars.startIndex, offsetBy: charactersMax, limitedBy: scalars.endIndex),
            end < scalars.endIndex
        else { return text }
        return String(scalars[..<end]) + "…"
    }

    private static func escaped(_ text: String, _ escapes: Escapes) -> String {
        let quotes = escapes == .controlsAndQuotes
        guard text.unicodeScalars.contains(where: { isHidden($0) || quotes && ($0 == "\"" || $0 == "\\") }) else {
            return text
        }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if quotes && (scalar == "\"" || scalar == "\\") {
                result.append("\\")
                result.append(scalar)
            } else if isHidden(scalar) {
                let digits = String(scalar.value, radix: 16)
                let padding = String(repeating: "0", count: max(0, 4 - digits.count))
                result.append(contentsOf: "\\u\(padding)\(digits)".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: true
        // Marks of direction, separators of lines and paragraphs, the byte order mark.
        case 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: true
        default: false
        }
    }
}
