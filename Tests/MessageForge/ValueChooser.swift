package import WireDefinitions

/// Chooses the values of a forged message.
package protocol ValueChooser {
    /// Whether a tagged field is written.
    mutating func isPresent(_ field: Field) -> Bool
    /// Whether a field that may be null is.
    mutating func isNull(_ field: Field) -> Bool
    /// How many elements an array gets; at least `least`.
    mutating func count(_ field: Field, least: Int) -> Int
    mutating func truth(_ field: Field, mayBeFalse: Bool) -> Bool
    /// A number for `bytes` bytes; what does not fit is cut off.
    mutating func number(_ field: Field, bytes: Int) -> Int64
    mutating func text(_ field: Field, mayBeEmpty: Bool) -> String
    mutating func bytes(_ field: Field, mayBeEmpty: Bool) -> [UInt8]
    mutating func half(_ field: Field) -> UInt64
}
