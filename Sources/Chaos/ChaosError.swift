/// Why a row can't go on; the text is what the user reads.
package struct ChaosError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
