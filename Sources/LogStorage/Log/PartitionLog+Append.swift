package import Primitives
import WireProtocol
import World

#if MUTANTS
    import Mutants
#endif

/// Batches that wait for the one write that puts them into the active segment.
private struct StagedWrite {
    var pieces: [Bytes] = []
    var batches: [RecordBatch] = []
    var byteCount: Int64 = 0

    /// Adds a batch; those that lie side by side in memory leave as one piece.
    mutating func add(_ batch: RecordBatch) {
        batches.append(batch)
        byteCount += Int64(batch.sizeInBytes)
        let bytes = batch.bytes
        if let last = pieces.last, last.region === bytes.region, last.start + last.count == bytes.start {
            pieces[pieces.count - 1] = Bytes(last.region, start: last.start, count: last.count + bytes.count)
        } else {
            pieces.append(bytes)
        }
    }
}

extension PartitionLog {
    /// Appends what producers sent, each piece the validated batches of one request, with as few writes as there are
    /// segments touched (one, nearly always). Base offset and leader epoch are patched in place.
    ///
    /// - Parameters:
    ///   - markers: which of the pieces are markers that end transactions, by their places.
    ///   - keepsNewest: what was written is read from memory, until the caller has `activeFile` forget it.
    /// - Returns: one outcome for each piece, in order.
    /// - Throws: `file`: the log is offline, and none of the pieces may be acknowledged.
    package mutating func appendAsLeader(
        _ pieces: [Bytes], markers: [Int: EndMarker] = [:], epoch: LeaderEpoch, now: Timestamp,
        keepsNewest: Bool = false
    ) throws(StorageError) -> [AppendOutcome] {
        try checkOnline()
        var staged = StagedWrite()
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(pieces.count)
        for (index, piece) in pieces.enumerated() {
            let batches: [RecordBatch]
            do throws(StorageError) { batches = try PartitionLog.batches(in: piece) } catch {
                outcomes.append(.refused(.invalidRecord, reason: "\(error)"))
                continue
            }
            if let verdict = judge(batches, piece, staged) ?? judge(markers[index], staged) {
                outcomes.append(verdict)
                continue
            }
            let range = try stage(batches, piece, epoch, now, &staged)
            outcomes.append(.appended(range))
        }
        #if MUTANTS
            let former = epochs
        #endif
        try write(&staged, keepsNewest: keepsNewest)
        #if MUTANTS
            if Mutant.epochUncached.isOn { epochs = former }
        #endif
        return outcomes
    }

    /// Appends what a leader sent: offsets and epochs as they are, checksums compared, producer state kept exactly as
    /// the leader keeps it. A cut-off batch at the end is ignored.
    ///
    /// - Returns: the new log end offset.
    /// - Throws: `invalidBatch` or `notContiguous`: nothing of `batches` was written.
    @discardableResult
    package mutating func appendAsFollower(_ batches: Bytes, now: Timestamp) throws(StorageError) -> Offset {
        try checkOnline()
        let received = try received(batches)
        var staged = StagedWrite()
        if !hasGaps, leavesGap(received) { try noteGaps() }
        for batch in received {
            let header = batch.header
            if mustRoll(for: header.maxTimestamp, header.lastOffset, header.sizeInBytes, staged.byteCount, now) {
                try write(&staged)
                try roll(at: header.baseOffset, now: now)
            }
            staged.add(batch)
        }
        #if MUTANTS
            let former = producers
        #endif
        try write(&staged)
        #if MUTANTS
            if Mutant.followersForgetProducers.isOn { producers = former }
        #endif
        return logEndOffset
    }

    private func leavesGap(_ batches: [RecordBatch]) -> Bool {
        var expected = logEndOffset
        for batch in batches {
            // The first of an empty log is where its leader's begins.
            if batch.header.baseOffset != expected, sizeBytes > 0 || expected != logEndOffset { return true }
            expected = batch.header.nextOffset
        }
        return false
    }

    /// From here on recovery takes a missing offset for one that compaction removed.
    mutating func noteGaps() throws(StorageError) {
        do throws(FileError) { ledger.add([try GapMarker.create(in: directory, files)]) } catch { throw failed(error) }
        ledger.addDirectory(directory)
        hasGaps = true
    }

    // MARK: Judging

    private static func batches(in piece: Bytes) throws(StorageError) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        batches.reserveCapacity(1)
        var position = 0
        while position < piece.count {
            do throws(RecordBatchError) { batches.append(try RecordBatch(piece, at: position)) } catch {
                throw .invalidBatch(reason: "\(error)")
            }
            let added = batches[batches.count - 1].header
            guard added.lastOffsetDelta >= 0 else {
                throw .invalidBatch(reason: "a last offset delta of \(added.lastOffsetDelta)")
            }
            position += added.sizeInBytes
        }
        guard !batches.isEmpty else { throw .invalidBatch(reason: "no batch") }
        return batches
    }

    private func judge(_ marker: EndMarker?, _ staged: StagedWrite) -> AppendOutcome? {
        marker.flatMap { producers.refusal(of: $0, after: staged.batches.map(\.header)) }
    }

    /// What keeps a piece from being appended; nil when nothing does.
    private func judge(_ batches: [RecordBatch], _ piece: Bytes, _ staged: StagedWrite) -> AppendOutcome? {
        if Int64(piece.count) > configuration.segmentBytes {
            let reason = "\(piece.count) bytes do not fit into a segment of \(configuration.segmentBytes)"
            return .refused(.recordListTooLarge, reason: reason)
        }
        let next = staged.batches.last?.header.nextOffset ?? logEndOffset
        let room = Int64.max - 1 - next.value
        let needed = batches.reduce(Int64(0)) { $0 + Int64($1.header.lastOffsetDelta) + 1 }
        // Only a damaged disk leads here: no log lives that long.
        guard needed <= room else { return .refused(.kafkaStorageError, reason: "no offset is left behind \(next)") }
        guard batches.contains(where: { $0.header.producerID != nil }) else { return nil }
        var earlier = staged.batches.map(\.header)
        for batch in batches {
            switch producers.verdict(on: batch.header, after: earlier) {
            case .fresh: earlier.append(batch.header)
            case .refused(let code, let reason): return .refused(code, reason: reason)
            case .duplicate(let known): return duplicate(of: known)
            }
        }
        return nil
    }

    private func duplicate(of batch: ProducerState.Batch) -> AppendOutcome {
        let time = configuration.timestampType == .logAppendTime ? batch.timestamp : nil
        return .duplicate(
            AppendedRange(baseOffset: batch.baseOffset, endOffset: batch.lastOffset + 1, logAppendTime: time))
    }

    private func received(_ bytes: Bytes) throws(StorageError) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        var position = 0
        var expected = logEndOffset
        while position + RecordBatchHeader.sizeInBytes <= bytes.count {
            let header = try RecordBatchHeader(stored: bytes[position..<bytes.count])
            guard header.sizeInBytes <= bytes.count - position else { break }
            do throws(RecordBatchError) {
                let batch = try RecordBatch(bytes, at: position)
                try batch.verifyChecksum()
                batches.append(batch)
            } catch {
                throw .invalidBatch(reason: "\(error), at offset \(header.baseOffset)")
            }
            let takesGaps = configuration.isCompacted || configuration.acceptsGaps
            guard header.baseOffset == expected || takesGaps && header.baseOffset > expected else {
                throw .notContiguous(expected: expected, received: header.baseOffset)
            }
            expected = header.nextOffset
            position += header.sizeInBytes
        }
        return batches
    }

    // MARK: Writing

    private mutating func stage(
        _ batches: [RecordBatch], _ piece: Bytes, _ epoch: LeaderEpoch, _ now: Timestamp, _ staged: inout StagedWrite
    ) throws(StorageError) -> AppendedRange {
        let isBrokerTime = configuration.timestampType == .logAppendTime
        var next = staged.batches.last?.header.nextOffset ?? logEndOffset
        let base = next
        let lastOffset = Offset(batches.reduce(next.value) { $0 + Int64($1.header.lastOffsetDelta) + 1 } - 1)
        let newest =
            isBrokerTime ? now : batches.reduce(batches[0].header.maxTimestamp) { max($0, $1.header.maxTimestamp) }
        if mustRoll(for: newest, lastOffset, piece.count, staged.byteCount, now) {
            try write(&staged)
            try roll(at: next, now: now)
        }
        for batch in batches {
            var batch = batch
            batch.place(at: next, leaderEpoch: epoch)
            if isBrokerTime { batch.stamp(logAppendTime: now) }
            staged.batches.append(batch)
            next = batch.header.nextOffset
        }
        staged.pieces.append(piece)
        staged.byteCount += Int64(piece.count)
        return AppendedRange(baseOffset: base, endOffset: next, logAppendTime: isBrokerTime ? now : nil)
    }

    /// Writes what is staged behind the active segment's end; only then does any state change (rule 24).
    private mutating func write(_ staged: inout StagedWrite, keepsNewest: Bool = false) throws(StorageError) {
        guard !staged.pieces.isEmpty else { return }
        let active = activeIndex
        do throws(FileError) {
            try segments[active].file.write(staged.pieces, at: segments[active].sizeBytes)
        } catch { throw failed(error) }
        if keepsNewest { segments[active].file.keepNewest(staged.pieces, at: segments[active].sizeBytes) }
        let interval = configuration.indexIntervalBytes
        for batch in staged.batches {
            let header = batch.header
            recent.append(header, at: segments[active].sizeBytes)
            segments[active].note(header, indexIntervalBytes: interval)
            noteEpoch(of: header)
            if header.producerID != nil, let aborted = producers.note(header, batch: batch.bytes) {
                segments[active].transactions.append(aborted)
            }
        }
        producers.bound(to: configuration.producersMax)
        staged = StagedWrite()
    }

    mutating func noteEpoch(of header: RecordBatchHeader) {
        guard let epoch = header.stampedEpoch else { return }
        if let latest = epochs.latest, latest.epoch >= epoch { return }
        epochs.assign(epoch, startOffset: header.baseOffset)
    }
}
