import Primitives
package import WireDefinitions

/// Values that a seed gives, none of them a default: a message of them reads and writes byte for byte.
package struct OrdinaryValues: ValueChooser {
    private var generator: SeededGenerator
    private let elementsMax: UInt64

    /// - Parameter elementsMax: how many elements an array gets at most.
    package init(seed: UInt64, elementsMax: UInt64 = 3) {
        generator = SeededGenerator(seed: seed)
        self.elementsMax = elementsMax
    }

    package mutating func isPresent(_ field: Field) -> Bool { generator.chance(2, in: 3) }

    package mutating func isNull(_ field: Field) -> Bool { generator.chance(1, in: 3) }

    package mutating func count(_ field: Field, least: Int) -> Int { Int(generator.next() % elementsMax) + least }

    package mutating func truth(_ field: Field, mayBeFalse: Bool) -> Bool {
        !mayBeFalse || generator.chance(1, in: 2)
    }

    package mutating func number(_ field: Field, bytes: Int) -> Int64 {
        // Any number but those that are defaults somewhere.
        let number = Int64(generator.next() % 100) + 11
        switch bytes {
        case 1: return number
        case 2: return number * 131
        case 4: return number * 8_000_009
        default: return number * 70_000_000_000_011
        }
    }

    package mutating func text(_ field: Field, mayBeEmpty: Bool) -> String {
        let count = Int(generator.next() % 24) + (mayBeEmpty ? 0 : 1)
        return String(repeating: generator.chance(1, in: 4) ? "ü" : "x", count: count)
    }

    package mutating func bytes(_ field: Field, mayBeEmpty: Bool) -> [UInt8] {
        Array(repeating: 0xB7, count: Int(generator.next() % 40) + (mayBeEmpty ? 0 : 1))
    }

    package mutating func half(_ field: Field) -> UInt64 { generator.next() }
}
