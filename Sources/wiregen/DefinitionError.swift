/// A definition that can't be understood, with the place to look at.
struct DefinitionError: Error, CustomStringConvertible {
    let path: String
    let line: Int
    let reason: String

    var description: String { "\(path):\(line): \(reason)" }
}
