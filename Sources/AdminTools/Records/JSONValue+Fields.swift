import Primitives
package import WireMessages

extension JSONValue {
    /// The value of a field as Kafka's tools print it: byte strings in base 64.
    package init(_ field: FieldValue) {
        switch field {
        case .null: self = .null
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .text(let value): self = .text(value)
        case .bytes(let value): self = .text(Base64.text(of: value.array))
        case .list(let values): self = .array(values.map { JSONValue($0) })
        case .structure(let fields): self.init(fields)
        }
    }

    /// The fields as an object, in their order.
    package init(_ fields: [NamedField]) {
        self = .object(fields.map { Member($0.name, JSONValue($0.value)) })
    }
}

/// Base 64 with padding (RFC 4648).
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(of bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for index in 0..<4 {
                text.append(index <= part.count ? digits[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
