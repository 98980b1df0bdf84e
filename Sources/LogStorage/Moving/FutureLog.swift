package import Primitives
package import World

/// The copy of a log in another directory of the same node, until it takes the log's place.
///
/// It lies in `<topic>-<partition>.<id>-future`, which no start takes for the log itself. Only when it holds all that
/// the log holds, durably, does its directory get the log's name; that rename is the moment from which it counts.
/// It blocks, and has no lock: its owner works on it on a thread of its disk.
package struct FutureLog: Sendable {
    package private(set) var log: PartitionLog
    private let parent: String
    private let files: any FileStore
    /// The cut of the copied log up to which the two were compared; nil before.
    private var agreedWith: Int?

    /// Why a copy did not go on.
    package enum Failure: Error, Hashable, Sendable {
        /// The log that is copied can't be read, or is damaged.
        case source(StorageError)
        /// The copy can't be written.
        case target(StorageError)
    }

    /// Opens the copy in `parent`, or begins it. What a crash left of it is read whole, and its torn tail cut off.
    ///
    /// - Parameter keepsContent: false begins anew: a log that may have been compacted since has other records now.
    package static func open(
        _ name: PartitionDirectoryName, in parent: String, topic: TopicID, keepsContent: Bool,
        configuration: LogConfiguration, files: any FileStore, now: Timestamp
    ) throws(Failure) -> FutureLog {
        precondition(name.kind == .future, "a copy in the place of a log")
        let directory = "\(parent)/\(name)"
        do throws(FileError) {
            if files.exists(directory), !keepsContent { try files.removeTree(directory) }
            if !files.exists("\(directory)/\(PartitionMetadataFile.fileName)") {
                try files.createDirectory(directory)
                try PartitionMetadataFile.write(topic, in: directory, files)
                try files.synchronizeDirectory(parent)
            }
        } catch { throw .target(.file(error)) }
        do throws(StorageError) {
            let (log, _) = try PartitionLog.open(
                directory: directory, files: files, configuration: configuration,
                start: RecoveryStart(wasCleanShutdown: false), now: now)
            return FutureLog(log: log, parent: parent, files: files)
        } catch { throw .target(error) }
    }

    private init(log: PartitionLog, parent: String, files: any FileStore) {
        self.log = log
        self.parent = parent
        self.files = files
    }

    /// Where the copy goes on.
    package var endOffset: Offset { log.logEndOffset }

    /// Brings the copy in line with what the log has become: where the log was cut, so is the copy; where its start
    /// moved, so does the copy's.
    ///
    /// - Parameter isSameLog: false where the log was opened anew since the last call.
    /// - Returns: whether `source` follows the copy; else it has to be asked for again.
    package mutating func align(
        with source: CopySource, isSameLog: Bool, now: Timestamp
    ) throws(Failure) -> Bool {
        let end = log.logEndOffset
        do throws(StorageError) {
            if !isSameLog || agreedWith != source.generation {
                try agree(with: source)
                agreedWith = source.generation
            }
            // The log begins behind the copy's end, or the copy is empty and the log begins elsewhere.
            let next = source.slice.baseOffset
            if next != log.logEndOffset, log.logEndOffset < source.logStart || log.sizeBytes == 0 {
                try log.truncateFullyAndStart(at: next)
            }
            if source.slice.isEmpty, next == log.logEndOffset, next < source.logEnd {
                try endWithGap(at: source.logEnd, now: now)
            }
            if source.logStart > log.logStartOffset, source.logStart <= log.logEndOffset {
                let removals = try log.incrementLogStartOffset(to: source.logStart)
                do throws(FileError) { for removal in removals { try removal.run(files) } } catch { throw .file(error) }
            }
        } catch { throw .target(error) }
        return log.logEndOffset == end || log.logEndOffset == source.slice.baseOffset
    }

    /// Cuts the copy to where its leader epochs and the log's agree (KIP-101).
    private mutating func agree(with source: CopySource) throws(StorageError) {
        while let latest = log.latestEpoch {
            guard let found = source.epochs.endOffset(for: latest, logEndOffset: source.logEnd) else {
                return try log.truncateFullyAndStart(at: source.logStart)
            }
            if found.epoch >= latest { return try log.truncate(to: min(found.endOffset, log.logEndOffset)) }
            let own = log.endOffset(for: found.epoch)?.endOffset ?? log.logStartOffset
            try log.truncate(to: min(own, found.endOffset))
        }
        // Records without an epoch can't be compared.
        if log.sizeBytes > 0 { try log.truncateFullyAndStart(at: source.logStart) }
    }

    /// The log ends with offsets that compaction has removed.
    private mutating func endWithGap(at end: Offset, now: Timestamp) throws(StorageError) {
        if log.sizeBytes == 0 { return try log.truncateFullyAndStart(at: end) }
        if !log.hasGaps { try log.noteGaps() }
        try log.roll(at: end, now: now)
    }

    /// Appends what was read of the log; each checksum is compared.
    package mutating func append(_ bytes: Bytes, now: Timestamp) throws(Failure) {
        do throws(StorageError) { try log.appendAsFollower(bytes, now: now) } catch {
            switch error {
            case .invalidBatch, .notContiguous, .corrupt: throw .source(error)
            case .file, .offline, .offsetOutOfRange: throw .target(error)
            }
        }
    }

    /// Makes durable what was copied so far.
    package mutating func flush() throws(Failure) {
        do throws(StorageError) { try log.flush() } catch { throw .target(error) }
    }

    /// Takes over what no record tells: epochs, producers, how far it is compacted; then makes all of it durable.
    ///
    /// - Precondition: the copy holds all that `source` holds, and nothing is appended to that any more.
    package mutating func complete(as source: PartitionLog) throws(Failure) {
        precondition(log.logEndOffset == source.logEndOffset, "a copy that lacks records is completed")
        log.epochs.adopt(source.epochs)
        log.producers = source.producers
        log.cleanedEndOffset = source.cleanedEndOffset
        log.producerSnapshotOffset = nil
        do throws(FileError) {
            if source.hasGaps, !log.hasGaps {
                log.ledger.add([try GapMarker.create(in: log.directory, files)])
                log.hasGaps = true
            }
            try log.snapshotProducers(at: log.logEndOffset)
        } catch { throw .target(log.failed(error)) }
        log.ledger.addDirectory(log.directory)
        try flush()
    }

    /// Gives the copy the log's name, durably: it is the log from now on.
    ///
    /// - Returns: false where something of that name is in its way; nothing has changed then.
    package mutating func takeName(_ name: PartitionDirectoryName) throws(Failure) -> Bool {
        let target = "\(parent)/\(name)"
        guard !files.exists(target) else { return false }
        do throws(FileError) {
            try files.rename(log.directory, to: target)
            try files.synchronizeDirectory(parent)
            try log.moved(to: target)
        } catch { throw .target(log.failed(error)) }
        return true
    }

    /// Removes the copy and all its files.
    package mutating func discard() throws(FileError) {
        log.abandon()
        if files.exists(log.directory) { try files.removeTree(log.directory) }
    }
}

extension PartitionLog {
    /// The directory was renamed: files are opened by their new names.
    fileprivate mutating func moved(to directory: String) throws(FileError) {
        precondition(ledger.isEmpty, "files that are to be flushed would keep their old names")
        for index in segments.indices {
            let path = directory + "/" + SegmentFileName.name(segments[index].baseOffset, .log)
            segments[index] = segments[index].moved(to: directory, try files.open(path, .readWrite))
        }
        self.directory = directory
    }

    /// Takes the place of `former`, of which it is a whole copy: what was taken of that one counts no more.
    package mutating func succeed(_ former: borrowing PartitionLog) {
        precondition(logEndOffset == former.logEndOffset, "a copy that lacks records takes the log's place")
        epochs.adopt(former.epochs)
        ledger.succeed(former.ledger)
    }
}
