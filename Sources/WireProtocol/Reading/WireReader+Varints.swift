/// Variable-length integers: seven bits a byte, the lowest first. A longer form than needed is read as Kafka reads it.
extension WireReader {
    /// An unsigned integer of at most 5 bytes.
    @_lifetime(self: copy self)
    package mutating func unsignedVarint() throws(WireError) -> UInt32 {
        var value: UInt32 = 0
        var shift: UInt32 = 0
        while true {
            let byte = try uint8()
            if shift == 28, byte > 0x0F { throw .oversizedVarint }
            value |= UInt32(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// An unsigned integer of at most 10 bytes.
    @_lifetime(self: copy self)
    package mutating func unsignedVarlong() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try uint8()
            if shift == 63, byte > 1 { throw .oversizedVarint }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A zigzag-coded signed integer of at most 5 bytes.
    @_lifetime(self: copy self)
    package mutating func varint() throws(WireError) -> Int32 {
        let raw = try unsignedVarint()
        return Int32(bitPattern: raw >> 1) ^ -Int32(raw & 1)
    }

    /// A zigzag-coded signed integer of at most 10 bytes.
    @_lifetime(self: copy self)
    package mutating func varlong() throws(WireError) -> Int64 {
        let raw = try unsignedVarlong()
        return Int64(bitPattern: raw >> 1) ^ -Int64(raw & 1)
    }
}
