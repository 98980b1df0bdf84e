/// Why bytes from outside are not the message they should be. The connection that sent them is closed or told so.
@usableFromInline package enum WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end before the value does.
    case truncated(needed: Int, remaining: Int)
    /// A length or an element count below zero that does not mean "null" here.
    case negativeLength(Int)
    /// Null where the version has no null.
    case unexpectedNull
    /// A variable-length integer of more than 5 (or 10) bytes, or beyond its 32 (or 64) bits.
    case oversizedVarint
    /// A string beyond the 32,767 bytes that Kafka's own readers take in any version.
    case textTooLong(Int)
    /// A string that is not strict UTF-8.
    case invalidText
    /// The in-memory size of the message is out of proportion to its bytes.
    case budgetExceeded(needed: Int, left: Int)
    /// More unknown tagged fields than any client sends.
    case tooManyTaggedFields
    /// Tags must ascend; a repeated or smaller one is an error.
    case taggedFieldOutOfOrder(UInt32)
    /// A tagged field's content is shorter or longer than its declared size.
    case taggedFieldSize(UInt32)
    /// A nullable structure that is marked neither absent (-1) nor present (1).
    case invalidPresenceMark(Int8)
    /// Bytes are left over after the message.
    case trailingBytes(Int)
    /// The message has no such version.
    case unsupportedVersion(message: String, version: Int16)
    /// The request header names an API that does not exist.
    case unknownAPI(Int16)

    @usableFromInline package var description: String {
        switch self {
        case .truncated(let needed, let remaining): "message ends early: \(needed) bytes needed, \(remaining) left"
        case .negativeLength(let length): "negative length \(length)"
        case .unexpectedNull: "null where a value is required"
        case .oversizedVarint: "variable-length integer is too long"
        case .textTooLong(let length): "string of \(length) bytes is too long"
        case .invalidText: "string is not valid UTF-8"
        case .budgetExceeded(let needed, let left):
            "message would need too much memory: \(needed) bytes more, \(left) allowed"
        case .tooManyTaggedFields: "too many unknown tagged fields"
        case .taggedFieldOutOfOrder(let tag): "tagged field \(tag) is repeated or out of order"
        case .taggedFieldSize(let tag): "tagged field \(tag) does not have its declared size"
        case .invalidPresenceMark(let mark): "structure is marked neither absent nor present: \(mark)"
        case .trailingBytes(let count): "\(count) bytes left over after the message"
        case .unsupportedVersion(let message, let version): "\(message) has no version \(version)"
        case .unknownAPI(let key): "unknown API key \(key)"
        }
    }
}
