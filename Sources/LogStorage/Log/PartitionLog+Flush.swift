import Primitives
import World

extension PartitionLog {
    /// What must be made durable to cover the present log end; nil when everything is, or the log is offline.
    ///
    /// One ticket of a log runs at a time.
    package func prepareFlush() -> FlushTicket? {
        guard failure == nil else { return nil }
        let active = segments[activeIndex]
        var written = ledger.filesToFlush
        // Its own file is not in the ledger: it is written all the time.
        if !active.isEmpty, flushedEndOffset < logEndOffset { written.append(active.file) }
        let needsEpochs = ledger.needsEpochs(epochs.version)
        guard !written.isEmpty || !ledger.isEmpty || needsEpochs || flushedEndOffset < logEndOffset else { return nil }
        return FlushTicket(
            endOffset: logEndOffset, directory: directory, files: written, directories: ledger.directoriesToFlush,
            epochCheckpoint: needsEpochs
                ? SmallFile(path: path(LeaderEpochs.fileName), content: epochs.encoded) : nil,
            mark: ledger.mark(epochsVersion: epochs.version))
    }

    /// The ticket's `run` succeeded: `flushedEndOffset` moves up to its end, unless the log was truncated meanwhile.
    /// A ticket of the log that this one took the place of says nothing about it.
    package mutating func flushed(_ ticket: FlushTicket) {
        guard ticket.directory == directory else { return }
        guard ledger.settle(ticket.mark, wroteEpochs: ticket.epochCheckpoint != nil) else { return }
        precondition(ticket.endOffset <= logEndOffset, "a flush beyond the log end")
        flushedEndOffset = max(flushedEndOffset, ticket.endOffset)
    }

    /// Takes, runs and settles a flush at once; blocks.
    package mutating func flush() throws(StorageError) {
        try checkOnline()
        guard let ticket = prepareFlush() else { return }
        do throws(FileError) { try ticket.run(files) } catch { throw failed(error) }
        flushed(ticket)
    }

    /// A clean stop: flushes all, writes indexes and a producer snapshot, closes the files. Blocks: for the pool.
    ///
    /// Only after this, and with every log of the directory closed, may `.kafka_cleanshutdown` be written.
    package mutating func close() throws(StorageError) {
        try checkOnline()
        do throws(FileError) {
            ledger.add(try segments[activeIndex].seal(in: files))
            try snapshotProducers(at: logEndOffset)
            ledger.addDirectory(directory)
        } catch { throw failed(error) }
        try flush()
        abandon()
    }

    /// Closes the files without writing: for a log that failed or is deleted. Refuses everything afterwards.
    package mutating func abandon() {
        for segment in segments { segment.file.close() }
        if failure == nil { failure = FileError(kind: .other, operation: "use the closed log", path: directory) }
    }
}
