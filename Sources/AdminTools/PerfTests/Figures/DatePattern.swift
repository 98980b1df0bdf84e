import Glibc

/// Times of the day as Java's `SimpleDateFormat` prints them, for the letters that `--date-format` needs.
package struct DatePattern: Hashable, Sendable {
    private let pattern: String

    /// - Errors: a letter that stands for something this does not know.
    package init(_ pattern: String) throws(ToolFailure) {
        self.pattern = pattern
        var isQuoted = false
        for character in pattern {
            if character == "'" { isQuoted.toggle() }
            if !isQuoted, character.isASCII, character.isLetter, !"yMdHhmsSa".contains(character) {
                throw ToolFailure("Illegal pattern character '\(character)'")
            }
        }
        if isQuoted { throw ToolFailure("Unterminated quote") }
    }

    /// The text of a moment, milliseconds since 1970, in the local time zone.
    package func text(of moment: Int64) -> String {
        let parts = Parts(moment)
        var text = ""
        var rest = pattern[...]
        while let character = rest.first {
            if character == "'" {
                let quoted = rest.dropFirst().prefix { $0 != "'" }
                text += quoted.isEmpty ? "'" : quoted
                rest = rest.dropFirst(quoted.count + 2)
                continue
            }
            let run = rest.prefix { $0 == character }
            text += DatePattern.field(character, run.count, parts) ?? String(run)
            rest = rest.dropFirst(run.count)
        }
        return text
    }

    /// A moment on the local calendar.
    private struct Parts {
        let year: Int
        let month: Int
        let day: Int
        let hour: Int
        let minute: Int
        let second: Int
        let millisecond: Int

        init(_ moment: Int64) {
            var seconds = time_t(moment >= 0 ? moment / 1_000 : (moment - 999) / 1_000)
            var parts = unsafe tm()
            unsafe localtime_r(&seconds, &parts)
            year = unsafe Int(parts.tm_year) + 1_900
            month = unsafe Int(parts.tm_mon) + 1
            day = unsafe Int(parts.tm_mday)
            hour = unsafe Int(parts.tm_hour)
            minute = unsafe Int(parts.tm_min)
            second = unsafe Int(parts.tm_sec)
            millisecond = Int(moment - Int64(seconds) * 1_000)
        }
    }

    private static func field(_ letter: Character, _ width: Int, _ parts: Parts) -> String? {
        let number: Int
        switch letter {
        case "y":
            let year = String(parts.year)
            return width == 2 ? String(year.suffix(2)) : padded(year, width)
        case "M": number = parts.month
        case "d": number = parts.day
        case "H": number = parts.hour
        case "h": number = parts.hour % 12 == 0 ? 12 : parts.hour % 12
        case "m": number = parts.minute
        case "s": number = parts.second
        case "S": number = parts.millisecond
        case "a": return parts.hour < 12 ? "AM" : "PM"
        default: return nil
        }
        return padded(String(number), width)
    }

    private static func padded(_ digits: String, _ width: Int) -> String {
        String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
