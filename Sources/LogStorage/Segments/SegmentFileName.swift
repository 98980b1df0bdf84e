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

    /// Whether a file is one that this log wrote and did not come to finish or to remove: nothing else is ever removed
    /// on sight.
    static func isLeftover(_ name: String) -> Bool {
        for suffix in [deletedSuffix, cleanedSuffix, swapSuffix] where name.hasSuffix(suffix) {
            let whole = String(name.dropLast(suffix.count))
            return Kind.allCases.contains { parse(whole, $0) != nil }
        }
        return temporary.contains(name)
    }

    /// What `FileStore.replace` leaves of the small files when a crash comes between.
    private static let temporary = [
        PartitionMetadataFile.fileName, LeaderEpochs.fileName, RecoveryLimit.fileName,
        OffsetCheckpoint.Kind.recoveryPoint.rawValue,
    ].map { $0 + ".tmp" }

    static func padded(_ number: Int64, width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
