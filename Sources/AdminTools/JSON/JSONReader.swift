/// Reads one JSON document (RFC 8259) from bytes that a user wrote.
package struct JSONReader {
    /// What is wrong with a document, and at which byte.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        package let reason: String
        package let position: Int

        package var description: String { "\(reason) at byte \(position)" }
    }

    /// Objects and arrays within each other at most.
    private static let depthMax = 64

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The value of a whole document; nothing but white space may stand around it.
    package static func parse(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.failure("Something follows the value") }
        return value
    }

    private func failure(_ reason: String) -> Failure { Failure(reason: reason, position: position) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func take(_ word: String) throws(Failure) {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("No JSON value") }
        position += word.utf8.count
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth < JSONReader.depthMax else { throw failure("More than \(JSONReader.depthMax) levels") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"):
            try take("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try take("false")
            return .boolean(false)
        case UInt8(ascii: "n"):
            try take("null")
            return .null
        case nil: throw failure("The document ends too early")
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("Expected the name of a member") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("Expected ':'") }
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw failure("Expected ',' or '}'") }
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw failure("Expected ',' or ']'") }
        }
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let digits = position
        skipDigits()
        guard position > digits, position == digits + 1 || bytes[digits] != UInt8(ascii: "0") else {
            position = start
            throw failure("No JSON value")
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try needDigits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try needDigits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text) else { throw failure("No JSON number: \(text)") }
        return .number(value)
    }

    private mutating func skipDigits() { while let byte = next, (0x30...0x39).contains(byte) { position += 1 } }

    private mutating func needDigits() throws(Failure) {
        let start = position
        skipDigits()
        guard position > start else { throw failure("Expected a digit") }
    }

    private mutating func string() throws(Failure) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let whole = String(validating: text, as: UTF8.self) else { throw failure("Text is no UTF-8") }
                return whole
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("A control character within a text")
            default: text.append(byte)
            }
        }
        throw failure("A text without its end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Failure) {
        guard let byte = next else { throw failure("A text without its end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += try unicode()
        default: throw failure("An unknown escape")
        }
    }

    private mutating func unicode() throws(Failure) -> [UInt8] {
        let first = try codeUnit()
        var units = [first]
        if UTF16.isLeadSurrogate(first), take(UInt8(ascii: "\\")) {
            guard take(UInt8(ascii: "u")) else { throw failure("Half a character") }
            units.append(try codeUnit())
        }
        guard let text = String(validating: units, as: UTF16.self) else { throw failure("Half a character") }
        return Array(text.utf8)
    }

    private mutating func codeUnit() throws(Failure) -> UInt16 {
        guard bytes.count - position >= 4,
            let unit = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw failure("Expected four hexadecimal digits") }
        position += 4
        return unit
    }
}
