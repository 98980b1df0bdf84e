import Primitives

/// The words of one line, taken from the left.
struct HistoryWords {
    private static let blank = UInt8(ascii: " ")
    private static let colon = UInt8(ascii: ":")

    private var rest: ArraySlice<UInt8>
    private let line: Int

    init(_ bytes: ArraySlice<UInt8>, line: Int) {
        rest = bytes
        self.line = line
    }

    private mutating func word() -> ArraySlice<UInt8>? {
        rest = rest.drop { $0 == HistoryWords.blank || $0 == UInt8(ascii: "\t") }
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex { $0 == HistoryWords.blank || $0 == UInt8(ascii: "\t") } ?? rest.endIndex
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    private func error(_ problem: String, _ remedy: String) -> HistoryError {
        HistoryError(line: line, problem, remedy: remedy)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    mutating func integer(_ what: String) throws(HistoryError) -> Int64 {
        guard let word = word() else { throw error("\(what) is missing", "\(HistoryWords.form)") }
        guard let value = HistoryWords.integer(word) else {
            throw error("`\(HistoryWords.text(word))` is not \(what)", HistoryWords.form)
        }
        return value
    }

    private static let form = "a line is TIME PROCESS PHASE KIND ITEM…"

    mutating func phase() throws(HistoryError) -> HistoryEvent.Phase {
        let text = word().map(HistoryWords.text) ?? ""
        guard let phase = HistoryEvent.Phase(rawValue: text) else {
            throw error("`\(text)` is no phase", "use one of " + HistoryWords.list(HistoryEvent.Phase.allCases))
        }
        return phase
    }

    mutating func kind() throws(HistoryError) -> HistoryEvent.Kind {
        let text = word().map(HistoryWords.text) ?? ""
        guard let kind = HistoryEvent.Kind(rawValue: text) else {
            throw error("`\(text)` is no kind", "use one of " + HistoryWords.list(HistoryEvent.Kind.allCases))
        }
        return kind
    }

    private static func list(_ cases: [some RawRepresentable<String>]) -> String {
        cases.map(\.rawValue).joined(separator: ", ")
    }

    mutating func items() throws(HistoryError) -> [HistoryEvent.Item] {
        var items: [HistoryEvent.Item] = []
        while let word = word() { items.append(try item(word)) }
        return items
    }

    private func item(_ word: ArraySlice<UInt8>) throws(HistoryError) -> HistoryEvent.Item {
        guard let colon = word.firstIndex(of: HistoryWords.colon) else {
            guard HistoryWriter.isKey(word) else { throw malformed(word) }
            return .key(HistoryWords.text(word))
        }
        let afterRole = word[(colon + 1)...]
        guard word[..<colon].count == 1, let role = word.first,
            let second = afterRole.firstIndex(of: HistoryWords.colon)
        else { throw malformed(word) }
        let keyBytes = afterRole[..<second]
        guard HistoryWriter.isKey(keyBytes) else { throw malformed(word) }
        let key = HistoryWords.text(keyBytes)
        let (value, fate) = try valueAndFate(afterRole[(second + 1)...], word)
        switch (role, fate) {
        case (UInt8(ascii: "w"), _): return .write(key: key, value: value, fate)
        case (UInt8(ascii: "r"), .acknowledged(let offset)): return .read(key: key, value: value, at: offset)
        default: throw malformed(word)
        }
    }

    private func valueAndFate(
        _ bytes: ArraySlice<UInt8>, _ word: ArraySlice<UInt8>
    ) throws(HistoryError) -> (Int64, HistoryEvent.Fate) {
        var number = bytes
        var fate = HistoryEvent.Fate.asOperation
        if let at = bytes.firstIndex(of: UInt8(ascii: "@")) {
            guard let offset = HistoryWords.integer(bytes[(at + 1)...]), offset >= 0 else { throw malformed(word) }
            number = bytes[..<at]
            fate = .acknowledged(at: Offset(offset))
        } else if bytes.last == UInt8(ascii: "?") {
            number = bytes.dropLast()
            fate = .unknown
        } else if bytes.last == UInt8(ascii: "!") {
            number = bytes.dropLast()
            fate = .failed
        }
        guard let value = HistoryWords.integer(number) else { throw malformed(word) }
        return (value, fate)
    }

    private func malformed(_ word: ArraySlice<UInt8>) -> HistoryError {
        error(
            "`\(HistoryWords.text(word))` is no item",
            "write w:KEY:VALUE (behind it @OFFSET, ? or !), r:KEY:VALUE@OFFSET, or a bare KEY")
    }

    /// A decimal number; nil for anything else, and for what is too large.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let isNegative = bytes.first == UInt8(ascii: "-")
        let digits = isNegative ? bytes.dropFirst() : bytes
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return isNegative ? -value : value
    }
}
