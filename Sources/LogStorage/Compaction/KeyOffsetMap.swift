package import Primitives

/// The last offset of each key in the part of a log that is being compacted, in a bounded piece of memory.
///
/// Keys are told apart by a keyed hash of 128 bits. A full map takes no more keys; what was mapped until then is
/// compacted, the rest the next time.
package struct KeyOffsetMap: Sendable {
    /// Bytes of a key: its hash and its offset.
    package static let slotBytes = 24
    private static let vacant: Int64 = -1

    private let secret: KeyHash.Secret
    private var hashes: [KeyHash]
    private var offsets: [Int64]
    /// Keys that it takes.
    package let capacity: Int
    package private(set) var count = 0
    /// All records below it were put; nil before the first.
    package private(set) var endOffset: Offset?

    /// - Parameter load: how full it may become, above 0 and at most 1.
    /// - Parameter keysMax: how many keys there can be at all: no memory is taken for more.
    package init(memoryBytes: Int, load: Double, keysMax: Int64, secret: KeyHash.Secret) {
        self.secret = secret
        let affordable = max(memoryBytes / KeyOffsetMap.slotBytes, 2)
        let wanted = Double(max(keysMax, 1)) / min(max(load, 0.01), 1) + 2
        let slots = wanted < Double(affordable) ? Int(wanted) : affordable
        // One slot stays vacant: a search ends there.
        capacity = max(min(Int(Double(slots) * load), slots - 1), 1)
        hashes = [KeyHash](repeating: KeyHash.zero, count: slots)
        offsets = [Int64](repeating: KeyOffsetMap.vacant, count: slots)
    }

    /// How full it is, of all that it may hold by its memory.
    package var utilization: Double { Double(count) / Double(offsets.count) }

    /// Notes the offset of a key's record; false when the key is new and there is no room.
    package mutating func put(_ key: Bytes, _ offset: Offset) -> Bool {
        let hash = KeyHash(key, secret)
        let slot = slot(of: hash)
        if offsets[slot] == KeyOffsetMap.vacant {
            guard count < capacity else { return false }
            count += 1
            hashes[slot] = hash
        }
        offsets[slot] = offset.value
        return true
    }

    /// The last offset that was noted for a key.
    package func offset(of key: Bytes) -> Offset? {
        let found = offsets[slot(of: KeyHash(key, secret))]
        return found == KeyOffsetMap.vacant ? nil : Offset(found)
    }

    /// Everything below `offset` was put.
    package mutating func reached(_ offset: Offset) { endOffset = max(endOffset ?? offset, offset) }

    /// Where a hash stands, or the vacant slot where it would.
    private func slot(of hash: KeyHash) -> Int {
        var slot = Int(hash.low % UInt64(offsets.count))
        while offsets[slot] != KeyOffsetMap.vacant, hashes[slot] != hash {
            slot += 1
            if slot == offsets.count { slot = 0 }
        }
        return slot
    }
}

extension KeyHash {
    fileprivate static let zero = KeyHash(high: 0, low: 0)

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
