/// The hash that spreads keys over partitions, as all of Kafka's clients compute it.
///
/// - Source: MurmurHash2 (Austin Appleby), 32 bits, with Kafka's seed.
package enum Murmur2 {
    private static let seed: UInt32 = 0x9747_b28c
    private static let multiplier: UInt32 = 0x5bd1_e995

    /// The hash of `bytes`.
    package static func hash(_ bytes: [UInt8]) -> UInt32 {
        var hash = seed ^ UInt32(truncatingIfNeeded: bytes.count)
        let whole = bytes.count / 4
        for index in 0..<whole {
            let start = index * 4
            var word = UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8
            word |= UInt32(bytes[start + 2]) << 16 | UInt32(bytes[start + 3]) << 24
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier ^ word
        }
        let rest = bytes[(whole * 4)...]
        if !rest.isEmpty {
            for (index, byte) in rest.enumerated() { hash ^= UInt32(byte) << UInt32(8 * index) }
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        return hash ^ hash >> 15
    }
}
