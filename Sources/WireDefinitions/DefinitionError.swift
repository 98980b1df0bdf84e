/// A definition that can't be understood, with the place to look at.
package struct DefinitionError: Error, CustomStringConvertible {
    package let path: String
    package let line: Int
    package let reason: String

    package var description: String { "\(path):\(line): \(reason)" }
}
