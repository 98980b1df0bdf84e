/// Swift text without comments and string contents, so that a search finds code only. Line breaks stay where they are.
struct BareText {
    private let source: [UInt8]
    private var position = 0
    private var bare: [UInt8] = []

    private static let newline = UInt8(ascii: "\n")
    private static let blank = UInt8(ascii: " ")
    private static let quote = UInt8(ascii: "\"")
    private static let hash = UInt8(ascii: "#")
    private static let backslash = UInt8(ascii: "\\")

    private init(_ text: String) { source = Array(text.utf8) }

    /// The bare form of `text`; what stands in an interpolation stays, as it is code.
    static func of(_ text: String) -> String {
        var scanner = BareText(text)
        scanner.scanCode(untilClosingParenthesis: false)
        return String(decoding: scanner.bare, as: UTF8.self)
    }

    private func starts(with text: StaticString, at index: Int) -> Bool {
        let wanted = Array(String(describing: text).utf8)
        return index + wanted.count <= source.count && source[index..<index + wanted.count].elementsEqual(wanted)
    }

    private mutating func keep() {
        bare.append(source[position])
        position += 1
    }

    private mutating func drop(_ count: Int = 1) {
        for _ in 0..<count where position < source.count {
            bare.append(source[position] == BareText.newline ? BareText.newline : BareText.blank)
            position += 1
        }
    }

    private mutating func scanCode(untilClosingParenthesis: Bool) {
        var open = 0
        while position < source.count {
            if starts(with: "//", at: position) {
                while position < source.count, source[position] != BareText.newline { drop() }
            } else if starts(with: "/*", at: position) {
                scanBlockComment()
            } else if let hashes = hashesOfString() {
                scanString(hashes: hashes)
            } else {
                if source[position] == UInt8(ascii: "(") { open += 1 }
                if source[position] == UInt8(ascii: ")") {
                    if untilClosingParenthesis, open == 0 { return }
                    open -= 1
                }
                keep()
            }
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*", at: position) {
                depth += 1
                drop(2)
            } else if starts(with: "*/", at: position) {
                depth -= 1
                drop(2)
            } else {
                drop()
            }
        } while depth > 0 && position < source.count
    }

    /// The number of `#` before the quote of a string that starts here; nil if none starts.
    private func hashesOfString() -> Int? {
        var index = position
        while index < source.count, source[index] == BareText.hash { index += 1 }
        return index < source.count && source[index] == BareText.quote ? index - position : nil
    }

    private mutating func scanString(hashes: Int) {
        let tail = [UInt8](repeating: BareText.hash, count: hashes)
        let isLong = starts(with: "\"\"\"", at: position + hashes)
        let quotes = isLong ? 3 : 1
        let end = [UInt8](repeating: BareText.quote, count: quotes) + tail
        let escape = [BareText.backslash] + tail
        drop(hashes)
        for _ in 0..<quotes { keep() }
        while position < source.count {
            if source[position...].starts(with: end) {
                for _ in 0..<quotes { keep() }
                drop(hashes)
                return
            }
            if !isLong, source[position] == BareText.newline { return }
            if source[position...].starts(with: escape) {
                drop(escape.count)
                if position < source.count, source[position] == UInt8(ascii: "(") {
                    keep()
                    scanCode(untilClosingParenthesis: true)
                    if position < source.count { keep() }
                } else {
                    drop()
                }
            } else {
                drop()
            }
        }
    }
}
