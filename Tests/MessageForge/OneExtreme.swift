package import WireDefinitions

/// Modest values, but for one number: the field at which a request is tried.
package struct OneExtreme: ValueChooser {
    /// The place of the number that is set, counted as they are written.
    package let place: Int
    package let value: Int64
    /// How many numbers were written; more than `place` once the value was set.
    package private(set) var numbers = 0
    /// The field that was set.
    package private(set) var name: String?
    private let names: [String: String]

    /// - Parameter names: texts by the field they go to; other texts are `x`.
    package init(place: Int, value: Int64, names: [String: String] = [:]) {
        self.place = place
        self.value = value
        self.names = names
    }

    package mutating func isPresent(_ field: Field) -> Bool { true }
    package mutating func isNull(_ field: Field) -> Bool { false }
    package mutating func count(_ field: Field, least: Int) -> Int { 1 }
    package mutating func truth(_ field: Field, mayBeFalse: Bool) -> Bool { !mayBeFalse }

    package mutating func number(_ field: Field, bytes: Int) -> Int64 {
        defer { numbers += 1 }
        guard numbers == place else { return field.defaultText.flatMap { Int64($0) } ?? 0 }
        name = field.name
        // The ends of the field's own range.
        if value == .max { return bytes == 8 ? .max : (1 << (8 * bytes - 1)) - 1 }
        if value == .min { return bytes == 8 ? .min : -(1 << (8 * bytes - 1)) }
        return value
    }

    package mutating func text(_ field: Field, mayBeEmpty: Bool) -> String { names[field.name] ?? "x" }
    package mutating func bytes(_ field: Field, mayBeEmpty: Bool) -> [UInt8] { [] }
    package mutating func half(_ field: Field) -> UInt64 { 0 }
}
