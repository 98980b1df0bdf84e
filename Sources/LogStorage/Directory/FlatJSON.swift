/// The JSON of Kafka's small state files: objects, arrays, strings and integers. No file of ours is larger than a page.
enum FlatJSON: Hashable, Sendable {
    case integer(Int64)
    case string(String)
    case array([FlatJSON])
    /// In the order in which the members were written.
    case object([Member])
    case null

    struct Member: Hashable, Sendable {
        let name: String
        let value: FlatJSON
    }

    /// Deeper nesting is refused: nothing of ours has it.
    private static let depthMax = 8

    subscript(_ name: String) -> FlatJSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var array: [FlatJSON]? { if case .array(let value) = self { value } else { nil } }

    /// Without spaces, as Kafka writes it.
    var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .string(let value): FlatJSON.quoted(value)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { FlatJSON.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        case .null: "null"
        }
    }

    private static func quoted(_ value: String) -> String {
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Nil when the text is not exactly one value of the kinds above.
    init?(_ content: [UInt8]) {
        var parser = Parser(bytes: content)
        guard let value = parser.value(depth: FlatJSON.depthMax), parser.isAtEnd() else { return nil }
        self = value
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        mutating func value(depth: Int) -> FlatJSON? {
            skipSpace()
            guard depth > 0, let first = peek() else { return nil }
            switch first {
            case UInt8(ascii: "{"): return object(depth)
            case UInt8(ascii: "["): return array(depth)
            case UInt8(ascii: "\""): return string().map { .string($0) }
            case UInt8(ascii: "n"): return literal("null") ? .null : nil
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
            default: return nil
            }
        }

        mutating func isAtEnd() -> Bool {
            skipSpace()
            return position == bytes.count
        }

        private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipSpace() {
            while let byte = peek(), byte == 32 || (9...13).contains(byte) { position += 1 }
        }

        private mutating func take(_ byte: Character) -> Bool {
            skipSpace()
            guard let next = peek(), next == byte.asciiValue else { return false }
            position += 1
            return true
        }

        private mutating func literal(_ text: String) -> Bool {
            guard bytes[position...].starts(with: text.utf8) else { return false }
            position += text.utf8.count
            return true
        }

        private mutating func number() -> FlatJSON? {
            let start = position
            while let byte = peek(), byte == UInt8(ascii: "-") || (48...57).contains(byte) { position += 1 }
            return Int64(String(decoding: bytes[start..<position], as: UTF8.self)).map { .integer($0) }
        }

        private mutating func string() -> String? {
            guard take("\"") else { return nil }
            var content: [UInt8] = []
            while let byte = peek() {
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: content, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = peek(), escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
                        return nil
                    }
                    position += 1
                    content.append(escaped)
                default: content.append(byte)
                }
            }
            return nil
        }

        private mutating func array(_ depth: Int) -> FlatJSON? {
            guard take("[") else { return nil }
            var elements: [FlatJSON] = []
            if take("]") { return .array(elements) }
            repeat {
                guard let element = value(depth: depth - 1) else { return nil }
                elements.append(element)
            } while take(",")
            return take("]") ? .array(elements) : nil
        }

        private mutating func object(_ depth: Int) -> FlatJSON? {
            guard take("{") else { return nil }
            var members: [Member] = []
            if take("}") { return .object(members) }
            repeat {
                skipSpace()
                guard let name = string(), take(":"), let value = value(depth: depth - 1) else { return nil }
                members.append(Member(name: name, value: value))
            } while take(",")
            return take("}") ? .object(members) : nil
        }
    }
}
