package import Primitives

/// A structure on the wire: reading and writing stand in the same order, for each version of its message.
@usableFromInline package protocol WireStruct: Hashable, Sendable {
    /// All fields at their defaults.
    init()
    init(from reader: inout WireReader, version: Int16) throws(WireError)
    func write(to writer: inout WireWriter, version: Int16)
}

/// A scalar or string that can be an element of an array.
@usableFromInline package protocol WireValue {
    init(from reader: inout WireReader) throws(WireError)
    func write(to writer: inout WireWriter)
}

extension Int8: WireValue {
    @inlinable package init(from reader: inout WireReader) throws(WireError) { self = try reader.int8() }
    @inlinable package func write(to writer: inout WireWriter) { writer.int8(self) }
}

extension Int16: WireValue {
    @inlinable package init(from reader: inout WireReader) throws(WireError) { self = try reader.int16() }
    @inlinable package func write(to writer: inout WireWriter) { writer.int16(self) }
}

extension Int32: WireValue {
    @inlinable package init(from reader: inout WireReader) throws(WireError) { self = try reader.int32() }
    @inlinable package func write(to writer: inout WireWriter) { writer.int32(self) }
}

extension Int64: WireValue {
    @inlinable package init(from reader: inout WireReader) throws(WireError) { self = try reader.int64() }
    @inlinable package func write(to writer: inout WireWriter) { writer.int64(self) }
}

extension String: WireValue {
    @usableFromInline package init(from reader: inout WireReader) throws(WireError) { self = try reader.string() }
    @usableFromInline package func write(to writer: inout WireWriter) { writer.string(self) }
}

extension UUID128: WireValue {
    package init(from reader: inout WireReader) throws(WireError) { self = try reader.uuid() }
    package func write(to writer: inout WireWriter) { writer.uuid(self) }
}

extension NumberOfAKind where Value: WireValue {
    package init(from reader: inout WireReader) throws(WireError) { self.init(try Value(from: &reader)) }
    package func write(to writer: inout WireWriter) { value.write(to: &writer) }
}

extension BrokerID: WireValue {}
extension PartitionIndex: WireValue {}
extension Offset: WireValue {}
extension LeaderEpoch: WireValue {}
extension ProducerID: WireValue {}
extension ErrorCode: WireValue {}
