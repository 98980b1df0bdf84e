/// A regular expression over topic names or transactional ids, in RE2's syntax, that matches whole names in time linear
/// in their length.
///
/// Topic names are ASCII, so a character outside of it matches nothing, and a class is a set of 128 bits. Transactional
/// ids need not be; those that are not match no pattern.
///
/// The pattern becomes a program of steps; a match goes through the name once with the set of all steps that it may be
/// at (Thompson, Pike). A name of n characters and a program of m steps take n · m operations, whatever the pattern.
package struct TopicExpression: Hashable, Sendable {
    /// Why a pattern can't be read, and where in it.
    package struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        package let reason: String
        /// The character at which reading stopped, counted from 1.
        package let position: Int

        package var description: String { "\(reason) at character \(position)" }
    }

    /// The longest pattern, in characters.
    package static let charactersMax = 10_000
    /// How deep groups may stand in each other.
    static let depthMax = 200
    /// The most steps of a program: what a repetition of a repetition multiplies up to.
    static let stepsMax = 2_000
    /// The highest count of a repetition, as in RE2.
    static let repetitionsMax = 1_000

    let steps: [ExpressionStep]

    /// - Throws: a `Mistake` where RE2 does not know the syntax, or the pattern is larger than the bounds here.
    package init(_ pattern: String) throws(Mistake) {
        var parser = try ExpressionParser(pattern)
        let tree = try parser.parse()
        var compiler = ExpressionCompiler(end: parser.position)
        try compiler.compile(tree)
        steps = compiler.finish()
    }

    /// True where the expression describes the whole name.
    package func matches(_ name: String) -> Bool {
        var run = ExpressionRun(steps)
        return run.matches(Array(name.utf8))
    }
}

/// A set of ASCII characters.
struct CharacterSet128: Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    static let all = ~CharacterSet128()

    init() {}

    init(_ range: ClosedRange<UInt32>) { insert(range) }

    init(_ text: String) { for scalar in text.unicodeScalars { insert(scalar.value...scalar.value) } }

    func contains(_ byte: UInt8) -> Bool {
        byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
    }

    /// Adds the part of the range that is ASCII.
    mutating func insert(_ range: ClosedRange<UInt32>) {
        guard range.lowerBound < 128 else { return }
        for value in range.lowerBound...min(127, range.upperBound) {
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
        }
    }

    mutating func formUnion(_ other: CharacterSet128) {
        low |= other.low
        high |= other.high
    }

    mutating func remove(_ byte: UInt8) {
        if byte < 64 { low &= ~(1 << UInt64(byte)) } else { high &= ~(1 << UInt64(byte - 64)) }
    }

    static prefix func ~ (set: CharacterSet128) -> CharacterSet128 {
        var other = CharacterSet128()
        (other.low, other.high) = (~set.low, ~set.high)
        return other
    }

    /// The set with both cases of each letter in it.
    var foldingCase: CharacterSet128 {
        var folded = self
        for letter in UInt32(65)...90 {
            if contains(UInt8(letter)) { folded.insert(letter + 32...letter + 32) }
            if contains(UInt8(letter + 32)) { folded.insert(letter...letter) }
        }
        return folded
    }
}
