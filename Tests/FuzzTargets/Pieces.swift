import Primitives

/// The parts of a payload, each behind its length in two bytes; a length of 0xFFFF is a nil, a part that is cut the
/// last one.
struct Pieces: Sequence, IteratorProtocol {
    private let bytes: Bytes
    private var position = 0

    init(_ bytes: Bytes) { self.bytes = bytes }

    mutating func next() -> Bytes?? {
        guard position + 2 <= bytes.count else { return nil }
        let length = Int(bytes.bigEndian(UInt16.self, at: position))
        position += 2
        if length == 0xFFFF { return .some(nil) }
        let end = Swift.min(position + length, bytes.count)
        defer { position = end }
        return .some(bytes[position..<end])
    }

    /// `parts` as such a payload.
    static func joined(_ parts: [[UInt8]?]) -> [UInt8] {
        var all: [UInt8] = []
        for part in parts {
            let length = part.map { Swift.min($0.count, 0xFFFE) } ?? 0xFFFF
            all += [UInt8(length >> 8), UInt8(length & 0xFF)]
            if let part { all += part[..<length] }
        }
        return all
    }
}
