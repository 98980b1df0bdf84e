/// The content of a record of the load: its number, and filling that follows from it.
enum Payload {
    /// The most records of one operation.
    static let recordsInOperationMax = 12

    /// The numbers of an operation's records: no other operation of any process has them.
    static func values(of process: Int32, _ operation: Int64, count: Int) -> [Int64] {
        precondition(count <= recordsInOperationMax, "operations follow each other by so many numbers")
        let first = (operation * 1_000 + Int64(process)) * Int64(recordsInOperationMax)
        return (0..<Int64(count)).map { first + $0 }
    }

    /// As many bytes as wanted, and room for the number at least.
    static func bytes(of value: Int64, size: Int) -> [UInt8] {
        let number = Array("\(value):".utf8)
        var bytes = number
        bytes.reserveCapacity(size)
        var seed = UInt64(bitPattern: value) | 1
        while bytes.count < size {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes.append(UInt8(ascii: "a") + UInt8(truncatingIfNeeded: seed >> 59) % 26)
        }
        return bytes
    }

    /// The number of a record; nil where a byte of it is not as it was written.
    static func value(of bytes: [UInt8]) -> Int64? {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let value = Int64(String(decoding: bytes[..<colon], as: UTF8.self)),
            Payload.bytes(of: value, size: bytes.count) == bytes
        else { return nil }
        return value
    }
}
