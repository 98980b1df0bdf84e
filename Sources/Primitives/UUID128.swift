/// A 128-bit id, written as Kafka does: 22 characters of URL-safe base 64 without padding.
@usableFromInline package struct UUID128: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package var high: UInt64
    @usableFromInline package var low: UInt64

    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The id of nothing: all bits zero. On the wire it stands for "not given".
    package static let zero = UUID128(high: 0, low: 0)

    // Ids are random: half of one spreads as well as all of it.
    @inlinable package func hash(into hasher: inout Hasher) { hasher.combine(low) }

    @inlinable package static func == (left: UUID128, right: UUID128) -> Bool {
        left.low == right.low && left.high == right.high
    }

    @inlinable package static func < (left: UUID128, right: UUID128) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    /// A random (version 4) id that neither starts with `-` (tools would take it for an option) nor is a reserved one.
    package static func random(using generator: inout some RandomNumberGenerator) -> UUID128 {
        while true {
            let high = (generator.next() as UInt64) & ~0xF000 | 0x4000
            let low = (generator.next() as UInt64) & ~(0b11 << 62) | (0b10 << 62)
            let made = UUID128(high: high, low: low)
            if made.description.first != "-" { return made }
        }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    @usableFromInline package var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(22)
        for index in 0..<22 {
            // Character `index` holds bits 6·index…6·index+5 from the top; the last one has two bits and four zeros.
            var six: UInt64 = 0
            for bit in 6 * index..<6 * index + 6 { six = six << 1 | (bit < 128 ? bitFromTop(bit) : 0) }
            text.append(UUID128.alphabet[Int(six)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func bitFromTop(_ position: Int) -> UInt64 {
        position < 64 ? high >> UInt64(63 - position) & 1 : low >> UInt64(127 - position) & 1
    }

    /// Reads the 22-character form; nil when it is no such text.
    package init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count == 22 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        var taken = 0
        for character in characters {
            guard let six = UUID128.alphabet.firstIndex(of: character) else { return nil }
            for bit in stride(from: 5, through: 0, by: -1) where taken < 128 {
                let value = UInt64(six >> bit & 1)
                if taken < 64 { high = high << 1 | value } else { low = low << 1 | value }
                taken += 1
            }
        }
        self.init(high: high, low: low)
    }
}

/// The id of a topic: outlives a deletion and re-creation under the same name.
package typealias TopicID = UUID128

/// The id of a log directory, from its `meta.properties`.
package typealias DirectoryID = UUID128

extension UUID128 {
    /// A replica whose directory is not chosen yet.
    package static let unassignedDirectory = UUID128(high: 0, low: 0)
    /// A replica whose directory is known to be lost.
    package static let lostDirectory = UUID128(high: 0, low: 1)
    /// A replica that is being migrated to directory assignment.
    package static let migratingDirectory = UUID128(high: 0, low: 2)
    /// The topic id of `__cluster_metadata`.
    package static let metadataTopic = UUID128(high: 0, low: 1)
}
