import LogStorage
import Primitives
import Synchronization
import World

/// One replica on its way from one log directory to another (KIP-113).
///
/// A copy in the other directory catches up with the log; the controller is told where the replica will lie, and says
/// so in the metadata; then the log is held for a moment, the copy gets the rest and takes its name. What a crash
/// leaves is decided by two facts: a copy has the log's name only when it is whole, and where two directories have a
/// log of the name, the metadata names the newer one. So a copy that the metadata names already is kept until the
/// metadata names the log's own directory again, whatever else happens.
final class ReplicaMove: Sendable {
    /// Where it stands, for listings and metrics.
    struct Figures: Hashable, Sendable {
        /// Where the replica is to lie.
        var destination: String
        /// Where the copy lies; nil before it is open.
        var copyDirectory: String?
        var sizeBytes: Int64 = 0
        var endOffset = Offset.zero
    }

    /// What of a move only its own work touches; one thread at a time.
    struct Work: Sendable {
        /// The copy, once it is open, and of which of the partition's logs it is one.
        var future: FutureLog?
        var logNumber: Int?
        /// The directory in which the copy lies.
        var target: String?
        /// The name of a copy that the start has found.
        var found: PartitionDirectoryName?
        var unflushedBytes: Int64 = 0
    }

    let partition: Partition
    let work: Mutex<Work>
    private let shown: Mutex<Figures>
    /// The log directory that the controller was told of; nil while that is the one in which the log lies.
    private let announced = Mutex<String?>(nil)

    /// - Parameter found: the copy that the start has found, with its directory.
    init(_ partition: Partition, to destination: String, found: (directory: String, name: PartitionDirectoryName)?) {
        self.partition = partition
        shown = Mutex(Figures(destination: destination, copyDirectory: found?.directory))
        work = Mutex(Work(target: found?.directory, found: found?.name))
    }

    var figures: Figures { shown.withLock { $0 } }

    /// Where the replica is to lie; its own directory calls the move off.
    var destination: String {
        get { shown.withLock { $0.destination } }
        set { shown.withLock { $0.destination = newValue } }
    }

    /// What the controller was told.
    var announcedDirectory: String? {
        get { announced.withLock { $0 } }
        set { announced.withLock { $0 = newValue } }
    }

    /// Takes over for listings how far the copy is.
    func show(_ log: PartitionLog?, in directory: String? = nil) {
        shown.withLock { figures in
            figures.copyDirectory = directory
            figures.sizeBytes = log?.sizeBytes ?? 0
            figures.endOffset = log?.logEndOffset ?? .zero
        }
    }
}
