package import Primitives
package import World

/// One flush of a log: taken under the partition's lock, run on the pool, reported back with `PartitionLog.flushed`.
///
/// - Invariant: what `run` makes durable contains every record below `endOffset`.
package struct FlushTicket: Sendable {
    /// The log end offset at the time the ticket was taken.
    package let endOffset: Offset
    /// The log's directory: a log that took its place meanwhile has another.
    package let directory: String
    /// Every file written since the last flush: log files, indexes of sealed segments, producer snapshots.
    let files: [any File]
    /// Directories in which a file was made, removed or renamed since.
    let directories: [String]
    /// The leader-epoch checkpoint, when it changed.
    let epochCheckpoint: SmallFile?
    /// How far the ledger reached when the ticket was taken.
    let mark: FlushLedger.Mark

    /// Does the flush; blocks. After a failure the log is offline and no other flush of it may be tried.
    package func run(_ store: any FileStore) throws(FileError) {
        for file in files { try file.synchronize() }
        if let epochCheckpoint { try store.replace(epochCheckpoint.path, with: epochCheckpoint.content) }
        for directory in directories { try store.synchronizeDirectory(directory) }
    }
}

/// A file that is replaced as a whole.
struct SmallFile: Hashable, Sendable {
    let path: String
    let content: [UInt8]
}
