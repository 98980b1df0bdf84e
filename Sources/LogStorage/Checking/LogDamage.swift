package import Primitives

/// What is wrong in a log's own file, and from where on: the replica must be rebuilt from a sound one.
package struct LogDamage: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    /// Where the damaged batch starts in the file.
    package let position: Int64
    /// Every record before it is sound; nil where that is not known.
    package let offset: Offset?
    package let reason: String

    package init(path: String, position: Int64, offset: Offset?, reason: String) {
        self.path = path
        self.position = position
        self.offset = offset
        self.reason = reason
    }

    package var description: String {
        let from = offset.map { ", offset \($0)" } ?? ""
        return "\(path) is damaged at byte \(position)\(from): \(reason)"
    }
}
