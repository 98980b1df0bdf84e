/// How the bytes of a key, a value or a header become text: Kafka's deserializers by the names of their classes.
package enum ValueReader: Hashable, Sendable {
    /// As they are.
    case bytes
    /// Printable characters as they are, others as `\x0F`.
    case escapedBytes
    case integer(bytes: Int)
    case float
    case double
    case boolean
    case uuid
    /// There must be nothing.
    case nothing

    /// The reader of a class, with or without its package.
    package init(className: String) throws(ToolFailure) {
        let package = "org.apache.kafka.common.serialization."
        let name = className.hasPrefix(package) ? String(className.dropFirst(package.count)) : className
        switch name {
        case "StringDeserializer", "ByteArrayDeserializer", "ByteBufferDeserializer": self = .bytes
        case "BytesDeserializer": self = .escapedBytes
        case "ShortDeserializer": self = .integer(bytes: 2)
        case "IntegerDeserializer": self = .integer(bytes: 4)
        case "LongDeserializer": self = .integer(bytes: 8)
        case "FloatDeserializer": self = .float
        case "DoubleDeserializer": self = .double
        case "BooleanDeserializer": self = .boolean
        case "UUIDDeserializer": self = .uuid
        case "VoidDeserializer": self = .nothing
        default: throw ToolFailure("\(className) is not a deserializer that is built in")
        }
    }

    /// Adds the text of some bytes.
    ///
    /// - Errors: bytes that are no such value.
    package func write(_ bytes: [UInt8], to output: inout [UInt8]) throws(ToolFailure) {
        switch self {
        case .bytes: output += bytes
        case .escapedBytes: output += ValueReader.escaped(bytes).utf8
        case .integer(let count): output += String(try ValueReader.integer(bytes, count)).utf8
        case .float:
            let bits = UInt32(truncatingIfNeeded: try ValueReader.integer(bytes, 4))
            output += JavaNumber.text(Float(bitPattern: bits)).utf8
        case .double:
            let bits = UInt64(bitPattern: try ValueReader.integer(bytes, 8))
            output += JavaNumber.text(Double(bitPattern: bits)).utf8
        case .boolean:
            guard bytes == [0] || bytes == [1] else {
                throw ToolFailure("Unexpected byte received by BooleanDeserializer")
            }
            output += (bytes == [1] ? "true" : "false").utf8
        case .uuid:
            guard ValueReader.isUUID(bytes) else { throw ToolFailure("Error parsing data into UUID") }
            output += bytes.map { (0x41...0x46).contains($0) ? $0 + 0x20 : $0 }
        case .nothing: throw ToolFailure("Data should be null for a VoidDeserializer.")
        }
    }

    private static func integer(_ bytes: [UInt8], _ count: Int) throws(ToolFailure) -> Int64 {
        guard bytes.count == count else {
            throw ToolFailure("Size of data received by deserializer is not \(count)")
        }
        let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let unused = UInt64(64 - 8 * count)
        return Int64(bitPattern: bits << unused) >> Int64(unused)
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte -> String in
            if byte >= 0x20, byte <= 0x7e, byte != UInt8(ascii: "\\") { return String(UnicodeScalar(byte)) }
            if byte == UInt8(ascii: "\\") { return "\\x5C" }
            let digits = String(byte, radix: 16, uppercase: true)
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }

    private static func isUUID(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index)
                ? byte == UInt8(ascii: "-") : Character(UnicodeScalar(byte)).isHexDigit
        }
    }
}

/// Floating-point numbers as Java prints them: with a decimal point always, and with an exponent outside of
/// 0.001 to 10,000,000.
enum JavaNumber {
    static func text<Number: BinaryFloatingPoint & CustomStringConvertible>(_ value: Number) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
        let (digits, exponent) = shortest(value.magnitude.description)
        let sign = value < 0 ? "-" : ""
        guard (-3..<7).contains(exponent) else {
            let fraction = digits.count > 1 ? String(digits.dropFirst()) : "0"
            return "\(sign)\(digits.prefix(1)).\(fraction)E\(exponent)"
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
        let whole = digits + String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        let fraction = String(whole.dropFirst(exponent + 1))
        return sign + whole.prefix(exponent + 1) + "." + (fraction.isEmpty ? "0" : fraction)
    }

    /// The digits that matter, and the power of ten of the first one.
    private static func shortest(_ text: String) -> (digits: String, exponent: Int) {
        let parts = text.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let all = whole + (mantissa.count > 1 ? String(mantissa[1]) : "")
        let leading = all.prefix { $0 == "0" }.count
        let digits = String(all.dropFirst(leading).reversed().drop { $0 == "0" }.reversed())
        let exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - 1 - leading
        return (digits, exponent)
    }
}
