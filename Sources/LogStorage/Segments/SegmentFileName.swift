package import Primitives

/// The names of the files in a partition's directory: twenty digits of base offset and an ending.
package enum SegmentFileName {
    /// The kinds of files a segment consists of.
    package enum Kind: String, CaseIterable, Sendable {
        case log = ".log"
        case offsetIndex = ".index"
        case timeIndex = ".timeindex"
        case transactionIndex = ".txnindex"
        case producerSnapshot = ".snapshot"
    }

    /// What marks a file that a running node will remove.
    package static let deletedSuffix = ".deleted"
    /// What marks a file that compaction is writing.
    static let cleanedSuffix = ".cleaned"
    /// What marks a whole, durable file that is about to take the place of others.
    static let swapSuffix = ".swap"

    /// `00000000000000000042.log`
    package static func name(_ offset: Offset, _ kind: Kind) -> String {
        padded(offset.value, width: 20) + kind.rawValue
    }

    /// The offset in a name of this kind; nil for any other name.
    package static func parse(_ name: String, _ kind: Kind) -> Offset? {
        guard name.hasSuffix(kind.rawValue) else { return nil }
        let digits = name.dropLast(kind.rawValue.count)
        guard digits.utf8.count == 20, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(digits).map { Offset($0) }
    }

    static func padded(_ number: Int64, width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
