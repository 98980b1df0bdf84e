import Primitives
package import WireDefinitions

/// Values at the ends of their ranges and beyond what they mean, mixed with ordinary ones.
package struct WildValues: ValueChooser {
    /// Numbers that somebody forgot.
    package static let extremes: [Int64] = [
        .min, .max, -1, 0, 1, -2, -3, Int64(Int32.max), Int64(Int32.min), Int64(Int16.max), Int64(Int16.min), 127, -128,
    ]
    /// Texts that mean something to a file system, a terminal or a log.
    package static let texts = [
        "", ".", "..", "a/b", "../up", "a\0b", "a\nb", "\u{1B}[31mred", "\u{202E}thgir", "__consumer_offsets",
        "__cluster_metadata", "a.b", "a_b", "topic-0", "%s%n", "ü主题", String(repeating: "t", count: 249),
        String(repeating: "t", count: 250), String(repeating: "\u{1F600}", count: 64),
    ]

    private var generator: SeededGenerator
    /// Names that exist where the message goes.
    private let names: [String]

    package init(seed: UInt64, names: [String] = ["t"]) {
        generator = SeededGenerator(seed: seed)
        self.names = names
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int(generator.next() % UInt64(elements.count))]
    }

    package mutating func isPresent(_ field: Field) -> Bool { generator.chance(2, in: 3) }

    package mutating func isNull(_ field: Field) -> Bool { generator.chance(1, in: 4) }

    package mutating func count(_ field: Field, least: Int) -> Int { max(pick([0, 1, 1, 1, 2, 2, 3, 17]), least) }

    package mutating func truth(_ field: Field, mayBeFalse: Bool) -> Bool { generator.chance(1, in: 2) }

    package mutating func number(_ field: Field, bytes: Int) -> Int64 {
        switch generator.next() % 4 {
        case 0, 1: pick(WildValues.extremes)
        case 2: bytes == 8 ? .max &- Int64(generator.next() % 4) : Int64(generator.next() % 8)
        default: Int64(truncatingIfNeeded: generator.next())
        }
    }

    package mutating func text(_ field: Field, mayBeEmpty: Bool) -> String {
        generator.chance(1, in: 2) ? pick(names) : pick(WildValues.texts)
    }

    package mutating func bytes(_ field: Field, mayBeEmpty: Bool) -> [UInt8] {
        let count = pick([0, 1, 2, 60, 61, 200])
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    package mutating func half(_ field: Field) -> UInt64 { pick([0, 0, 1, .max, generator.next()]) }
}
