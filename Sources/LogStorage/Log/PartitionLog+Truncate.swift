package import Primitives
import WireProtocol
import World

#if MUTANTS
    import Mutants
#endif

extension PartitionLog {
    /// Removes every record at or behind `offset`; a batch that reaches over it goes as a whole. Blocks.
    ///
    /// Whether that may be done (a high watermark) is the caller's rule. A crash at any point leaves a log that ends
    /// somewhere between the old and the new end, and whose recovery starts below the cut.
    package mutating func truncate(to offset: Offset) throws(StorageError) {
        try checkOnline()
        // Epochs that start behind the cut contradict the leader even where no record goes.
        guard offset < logEndOffset else { return epochs.truncateFromEnd(offset) }
        guard offset >= segments[0].baseOffset else {
            try truncateFullyAndStart(at: offset)
            return
        }
        // The file says where it is cut, before anything is done: a batch that is out of place would take others along.
        let active = (segments.lastIndex { $0.baseOffset < offset }) ?? 0
        let first = try segments[active].locate(offset, in: files, order(ofSegment: active))
        let size = first?.position ?? segments[active].sizeBytes
        epochs.truncateFromEnd(offset)
        try beginCut(at: min(first?.header.baseOffset ?? offset, offset))
        while activeIndex > active { try removeActiveSegment() }
        do throws(FileError) {
            try segments[active].file.truncate(to: size)
            // Durable before other records are written there: else a crash could leave an old record of the cut part
            // below a new one of the next epoch, and no epoch would tell that they differ from the leader's.
            try segments[active].file.synchronize()
        } catch { throw failed(error) }
        try segments[active].reopen(
            sizeBytes: size, in: files, indexIntervalBytes: configuration.indexIntervalBytes)
        epochs.truncateFromEnd(logEndOffset)
        logStartOffset = min(logStartOffset, logEndOffset)
        flushedEndOffset = min(flushedEndOffset, logEndOffset)
        do throws(FileError) {
            try dropProducerSnapshots(behind: logEndOffset)
            try files.synchronizeDirectory(directory)
        } catch { throw failed(error) }
        #if MUTANTS
            if Mutant.producersOutliveCut.isOn { return }
        #endif
        // A snapshot says nothing of markers that are not committed yet.
        _ = try reloadProducers(notBehind: min(logEndOffset, producers.transactions.firstMarker ?? logEndOffset))
    }

    /// Removes everything and starts again at `offset`: a follower whose leader begins later. Blocks.
    package mutating func truncateFullyAndStart(at offset: Offset) throws(StorageError) {
        try checkOnline()
        let openedAt = segments[activeIndex].openedAt
        try beginCut(at: offset)
        epochs.removeAll()
        do throws(FileError) {
            for segment in segments.reversed() { try removeFiles(of: segment.baseOffset) }
            try dropProducerSnapshots(behind: nil)
            let file = try files.openSegment(path(offset, .log), .replace)
            segments = [LogSegment(baseOffset: offset, file: file, directory: directory, openedAt: openedAt)]
            try files.synchronizeDirectory(directory)
        } catch { throw failed(error) }
        producers = ProducerStates()
        logStartOffset = offset
        flushedEndOffset = offset
    }

    /// From here on flushes that are under way count no more, and a crash finds a recovery point below the cut,
    /// whatever the checkpoint of the directory says.
    private mutating func beginCut(at offset: Offset) throws(StorageError) {
        ledger.invalidate()
        recent.removeAll()
        hints.removeAll()
        cleanedEndOffset = min(cleanedEndOffset, offset)
        do throws(FileError) { try RecoveryLimit.write(offset, in: directory, files) } catch { throw failed(error) }
        hasRecoveryLimit = true
    }

    private mutating func removeActiveSegment() throws(StorageError) {
        do throws(FileError) { try removeFiles(of: segments[activeIndex].baseOffset) } catch { throw failed(error) }
        segments.removeLast()
    }

    /// Whether a truncation left something to bound the recovery point.
    package var awaitsRecoveryPoint: Bool { hasRecoveryLimit }

    /// The checkpoint of the directory holds a recovery point no greater than `flushedEndOffset` was when it was
    /// written: what a truncation left to bound it is not needed any more. Blocks.
    package mutating func recoveryPointWasSaved(_ offset: Offset) throws(StorageError) {
        try checkOnline()
        guard hasRecoveryLimit, offset <= flushedEndOffset else { return }
        do throws(FileError) { try RecoveryLimit.remove(in: directory, files) } catch { throw failed(error) }
        hasRecoveryLimit = false
    }

    // MARK: Producer state

    /// Removes snapshots behind `offset`, or all.
    mutating func dropProducerSnapshots(behind offset: Offset?) throws(FileError) {
        for entry in try files.list(directory) {
            guard let at = SegmentFileName.parse(entry.name, .producerSnapshot) else { continue }
            if offset.map({ at > $0 }) ?? true { try files.remove(path(entry.name)) }
        }
        if let newest = producerSnapshotOffset, offset.map({ newest > $0 }) ?? true { producerSnapshotOffset = nil }
    }

    /// What a replay of the producers' batches came to.
    struct ProducerReplay {
        /// The batches read.
        var replayed = 0
        /// The snapshots that could not be read, and are gone.
        var damaged: [String] = []
        /// The transactions that end in what was replayed.
        var aborted: [AbortedTransaction] = []
    }

    /// Takes the newest readable snapshot that is not behind `limit` and replays the batches after it (rule 25).
    mutating func reloadProducers(notBehind limit: Offset) throws(StorageError) -> ProducerReplay {
        producers = ProducerStates()
        producerSnapshotOffset = nil
        var replay = ProducerReplay()
        var from = segments[0].baseOffset
        do throws(FileError) {
            let snapshots = try files.list(directory)
                .compactMap { SegmentFileName.parse($0.name, .producerSnapshot) }.filter { $0 <= limit }
            for offset in snapshots.sorted(by: >) {
                if let states = ProducerSnapshot.decode(try files.readAll(path(offset, .producerSnapshot))) {
                    producers = states
                    producerSnapshotOffset = offset
                    from = max(from, offset)
                    break
                }
                replay.damaged.append(path(offset, .producerSnapshot))
                try files.remove(path(offset, .producerSnapshot))
            }
        } catch { throw failed(error) }
        try replayProducers(from: from, &replay)
        return replay
    }

    private mutating func replayProducers(from start: Offset, _ replay: inout ProducerReplay) throws(StorageError) {
        guard start < logEndOffset, let place = try locate(start) else { return }
        for index in place.segment..<segments.count {
            let segment = segments[index]
            let position = index == place.segment ? place.position : 0
            var cursor = HeaderCursor(segment.file, from: position, to: segment.sizeBytes)
            while let (header, position) = try cursor.next() {
                replay.replayed += 1
                guard header.producerID != nil, header.baseOffset >= start else { continue }
                let slice = LogSlice(
                    file: segment.file, position: position, count: header.sizeInBytes, baseOffset: header.baseOffset,
                    endOffset: header.nextOffset)
                let batch = header.attributes.isControl ? try bytes(of: slice) : nil
                let aborted = producers.note(header, batch: batch)
                #if MUTANTS
                    if Mutant.abortedForgotten.isOn { continue }
                #endif
                if let aborted { replay.aborted.append(aborted) }
            }
        }
        producers.bound(to: configuration.producersMax)
    }
}
