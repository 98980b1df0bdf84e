package import Primitives

/// What a field holds, without its exact type.
package indirect enum FieldValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case bytes(Bytes)
    case list([FieldValue])
    case structure([NamedField])
}

/// A type of fields.
package protocol FieldConvertible {
    /// The value in a version of its message.
    func fieldValue(version: Int16) -> FieldValue
}

extension Bool: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .boolean(self) }
}

extension FieldConvertible where Self: BinaryInteger {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(self)) }
}

extension Int8: FieldConvertible {}
extension Int16: FieldConvertible {}
extension Int32: FieldConvertible {}
extension Int64: FieldConvertible {}
extension UInt16: FieldConvertible {}
extension UInt32: FieldConvertible {}

extension Double: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .number(self) }
}

extension String: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .text(self) }
}

extension Bytes: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .bytes(self) }
}

extension UUID128: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .text(description) }
}

extension ErrorCode: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(value)) }
}

extension BrokerID: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(value)) }
}

extension BrokerEpoch: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(value) }
}

extension LeaderEpoch: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(value)) }
}

extension Offset: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(value) }
}

extension PartitionEpoch: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(value)) }
}

extension PartitionIndex: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(value)) }
}

extension ProducerEpoch: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(Int64(value)) }
}

extension ProducerID: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .integer(value) }
}

extension Optional: FieldConvertible where Wrapped: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { map { $0.fieldValue(version: version) } ?? .null }
}

extension Array: FieldConvertible where Element: FieldConvertible {
    package func fieldValue(version: Int16) -> FieldValue { .list(map { $0.fieldValue(version: version) }) }
}
