import Primitives

/// Times and durations as they are written on a command line (ISO 8601).
enum CalendarText {
    private static let dayMilliseconds: Int64 = 86_400_000

    /// `2026-02-28T13:45:00.000`, with `Z` or `+01:00` behind it; without a zone it is UTC.
    static func timestamp(_ text: String) throws(ToolFailure) -> Timestamp {
        guard let separator = text.firstIndex(of: "T") else {
            throw failure("Error parsing timestamp. It does not contain a 'T' according to ISO8601 format")
        }
        let unparseable = failure("Unparseable date: \"\(text)\"")
        let date = text[..<separator].split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        let (clock, zone) = split(text[text.index(after: separator)...])
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1...9_999).contains(year),
            (1...12).contains(month), (1...length(ofMonth: month, year)).contains(day),
            let ofDay = milliseconds(ofDay: clock), let offset = milliseconds(ofZone: zone)
        else { throw unparseable }
        return Timestamp(days(year, month, day) * dayMilliseconds + ofDay - offset)
    }

    /// `2026-02-28T13:45:00.000Z`.
    static func text(of time: Timestamp) -> String {
        let days = Int64((Double(time.value) / Double(dayMilliseconds)).rounded(.down))
        let ofDay = time.value - days * dayMilliseconds
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (year, month, day) = date(days)
        let clock = [ofDay / 3_600_000, ofDay / 60_000 % 60, ofDay / 1_000 % 60].map { padded($0, 2) }
        let date = [padded(year, 4), padded(month, 2), padded(day, 2)].joined(separator: "-")
        return "\(date)T\(clock.joined(separator: ":")).\(padded(ofDay % 1_000, 3))Z"
    }

    private static func failure(_ text: String) -> ToolFailure {
        ToolFailure("\nError: Executing consumer group command failed due to \(text)", on: .output)
    }

    private static func split(_ text: Substring) -> (clock: Substring, zone: Substring) {
        guard let start = text.firstIndex(where: { "Z+-".contains($0) }) else { return (text, "Z") }
        return (text[..<start], text[start...])
    }

    private static func milliseconds(ofDay text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]),
            (0...23).contains(hours), (0...59).contains(minutes)
        else { return nil }
        let seconds = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = Int64(seconds[0]), (0...59).contains(whole), seconds.count <= 2 else { return nil }
        // As Kafka's: what stands behind the point is a number of milliseconds.
        guard let fraction = seconds.count == 2 ? Int64(seconds[1]) : 0, (0...999).contains(fraction) else {
            return nil
        }
        return ((hours * 60 + minutes) * 60 + whole) * 1_000 + fraction
    }

    private static func milliseconds(ofZone text: Substring) -> Int64? {
        if text == "Z" { return 0 }
        let sign: Int64 = text.first == "-" ? -1 : 1
        let digits = text.dropFirst().filter { $0 != ":" }
        guard digits.count == 2 || digits.count == 4, digits.allSatisfy(\.isNumber),
            let hours = Int64(digits.prefix(2)),
            hours <= 18
        else { return nil }
        guard let minutes = digits.count == 4 ? Int64(digits.suffix(2)) : 0, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes) * 60_000
    }

    /// Days since 1 January 1970 in the Gregorian calendar.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        // A year that begins with March has its leap day at the end.
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The other way round.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        var year = 1970 + days / 366
        while self.days(year + 1, 1, 1) <= days { year += 1 }
        while self.days(year, 1, 1) > days { year -= 1 }
        var month: Int64 = 1
        while month < 12, self.days(year, month + 1, 1) <= days { month += 1 }
        return (year, month, days - self.days(year, month, 1) + 1)
    }

    private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        switch month {
        case 2: return isLeap ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }

    /// `P1DT2H3M4.5S`, parts of it, each with a sign of its own if need be.
    static func durationMilliseconds(_ text: String) throws(ToolFailure) -> Int64 {
        let unparseable = failure("Text cannot be parsed to a Duration: \(text)")
        var rest = Substring(text.uppercased())
        let sign: Int64 = rest.first == "-" ? -1 : 1
        if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
        guard rest.popFirst() == "P", !rest.isEmpty else { throw unparseable }
        var units: [(letter: Character, milliseconds: Int64)] = [("D", dayMilliseconds)]
        var total: Int64 = 0
        var isTime = false
        while !rest.isEmpty {
            if rest.first == "T", !isTime {
                rest.removeFirst()
                isTime = true
                units = [("H", 3_600_000), ("M", 60_000), ("S", 1_000)]
                if rest.isEmpty { throw unparseable }
            }
            let number = rest.prefix { !$0.isLetter }
            rest = rest.dropFirst(number.count)
            guard let letter = rest.popFirst(), let index = units.firstIndex(where: { $0.letter == letter }),
                let amount = amount(number, of: units[index].milliseconds, allowsFraction: letter == "S")
            else { throw unparseable }
            units.removeFirst(index + 1)
            let (sum, hasOverflown) = total.addingReportingOverflow(amount)
            if hasOverflown { throw unparseable }
            total = sum
        }
        return sign * total
    }

    private static func amount(_ text: Substring, of unit: Int64, allowsFraction: Bool) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let whole = Int64(first), parts.count == 1 || allowsFraction else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            let digits = parts[1].prefix(3)
            guard parts[1].allSatisfy(\.isNumber), parts[1].count <= 9 else { return nil }
            fraction = Int64(digits + String(repeating: "0", count: 3 - digits.count)) ?? 0
            if first.hasPrefix("-") { fraction = -fraction }
        }
        let (product, hasOverflown) = whole.multipliedReportingOverflow(by: unit)
        return hasOverflown ? nil : product + fraction
    }
}
