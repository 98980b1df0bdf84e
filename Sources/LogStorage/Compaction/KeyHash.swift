package import Primitives

/// SipHash-2-4 with 128 bits of output, keyed: nobody who does not know the key can make two keys look like one.
package struct KeyHash: Hashable, Sendable {
    /// The secret, drawn anew for each compaction.
    package struct Secret: Hashable, Sendable {
        let first: UInt64
        let second: UInt64

        package init(_ first: UInt64, _ second: UInt64) {
            self.first = first
            self.second = second
        }
    }

    let high: UInt64
    let low: UInt64

    /// Both halves, in the order in which they come out.
    package var words: [UInt64] { [high, low] }

    /// The hash of `bytes`.
    package init(_ bytes: Bytes, _ secret: Secret) {
        var lanes = Lanes(secret)
        let whole = bytes.count & ~7
        var position = 0
        while position < whole {
            lanes.absorb(bytes.bigEndian(UInt64.self, at: position).byteSwapped)
            position += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for index in whole..<bytes.count { last |= UInt64(bytes[index]) << UInt64(8 * (index - whole)) }
        lanes.absorb(last)
        (high, low) = lanes.finish()
    }

    private struct Lanes {
        private var a: UInt64
        private var b: UInt64
        private var c: UInt64
        private var d: UInt64

        init(_ secret: Secret) {
            a = secret.first ^ 0x736f_6d65_7073_6575
            b = secret.second ^ 0x646f_7261_6e64_6f6d ^ 0xee
            c = secret.first ^ 0x6c79_6765_6e65_7261
            d = secret.second ^ 0x7465_6462_7974_6573
        }

        mutating func absorb(_ word: UInt64) {
            d ^= word
            round()
            round()
            a ^= word
        }

        mutating func finish() -> (UInt64, UInt64) {
            c ^= 0xee
            for _ in 0..<4 { round() }
            let first = a ^ b ^ c ^ d
            b ^= 0xdd
            for _ in 0..<4 { round() }
            return (first, a ^ b ^ c ^ d)
        }

        private mutating func round() {
            a &+= b
            b = Lanes.rotated(b, 13) ^ a
            a = Lanes.rotated(a, 32)
            c &+= d
            d = Lanes.rotated(d, 16) ^ c
            a &+= d
            d = Lanes.rotated(d, 21) ^ a
            c &+= b
            b = Lanes.rotated(b, 17) ^ c
            c = Lanes.rotated(c, 32)
        }

        private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
    }
}
