import Primitives
import World

/// A search for the aborted transactions of a range of a log, to be made without the lock of its partition.
package struct AbortedLookup: Sendable {
    let range: Range<Offset>
    let files: any FileStore
    /// Of the segments from the range's start on, those without a transaction left out.
    var indexes: [TransactionIndex] = []

    /// Whether it reads no file.
    package var isInMemory: Bool { indexes.allSatisfy { !$0.isSealed } }

    /// In the order of their markers. May wait for a disk unless `isInMemory`.
    ///
    /// - Throws: also where a segment was removed since: the reader asks again.
    package func find() throws(StorageError) -> [AbortedTransaction] {
        var found: [AbortedTransaction] = []
        for index in indexes {
            for transaction in try index.all(in: files) {
                if transaction.lastOffset >= range.lowerBound, transaction.firstOffset < range.upperBound {
                    found.append(transaction)
                }
                if transaction.lastStableOffset >= range.upperBound { return found }
            }
        }
        return found
    }
}
