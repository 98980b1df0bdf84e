package import Primitives
import WireProtocol
import World

/// Batches that wait for the one write that puts them into the active segment.
private struct StagedWrite {
    var pieces: [Bytes] = []
    var batches: [(header: RecordBatchHeader, bytes: Bytes)] = []
    var byteCount: Int64 = 0
}

extension PartitionLog {
    /// Appends what producers sent, each piece the validated batches of one request, with as few writes as there are
    /// segments touched (one, nearly always). Base offset and leader epoch are patched in place.
    ///
    /// - Returns: one outcome for each piece, in order.
    /// - Throws: `file`: the log is offline, and none of the pieces may be acknowledged.
    package mutating func appendAsLeader(
        _ pieces: [Bytes], epoch: LeaderEpoch, now: Timestamp
    ) throws(StorageError) -> [AppendOutcome] {
        try checkOnline()
        var staged = StagedWrite()
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(pieces.count)
        for piece in pieces {
            let headers: [RecordBatchHeader]
            do throws(StorageError) { headers = try PartitionLog.headers(in: piece) } catch {
                outcomes.append(.refused(.invalidRecord, reason: "\(error)"))
                continue
            }
            if let verdict = judge(headers, piece, staged) {
                outcomes.append(verdict)
                continue
            }
            let range = try stage(headers, piece, epoch, now, &staged)
            outcomes.append(.appended(range))
        }
        try write(&staged)
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
        for (header, bytes) in received {
            if mustRoll(for: header.maxTimestamp, header.lastOffset, header.sizeInBytes, staged.byteCount, now) {
                try write(&staged)
                try roll(at: header.baseOffset, now: now)
            }
            staged.batches.append((header, bytes))
            staged.byteCount += Int64(header.sizeInBytes)
            // Batches that lie side by side in memory leave as one piece.
            if let last = staged.pieces.last, last.region === bytes.region, last.start + last.count == bytes.start {
                staged.pieces[staged.pieces.count - 1] = Bytes(
                    last.region, start: last.start, count: last.count + bytes.count)
            } else {
                staged.pieces.append(bytes)
            }
        }
        try write(&staged)
        return logEndOffset
    }

    // MARK: Judging

    private static func headers(in piece: Bytes) throws(StorageError) -> [RecordBatchHeader] {
        var headers: [RecordBatchHeader] = []
        var position = 0
        while position < piece.count {
            let header = try RecordBatchHeader(stored: piece[position..<piece.count])
            guard header.sizeInBytes <= piece.count - position else {
                throw .invalidBatch(reason: "a batch of \(header.sizeInBytes) bytes in \(piece.count - position)")
            }
            headers.append(header)
            position += header.sizeInBytes
        }
        guard !headers.isEmpty else { throw .invalidBatch(reason: "no batch") }
        return headers
    }

    /// What keeps a piece from being appended; nil when nothing does.
    private func judge(_ headers: [RecordBatchHeader], _ piece: Bytes, _ staged: StagedWrite) -> AppendOutcome? {
        if Int64(piece.count) > configuration.segmentBytes {
            let reason = "\(piece.count) bytes do not fit into a segment of \(configuration.segmentBytes)"
            return .refused(.recordListTooLarge, reason: reason)
        }
        guard headers.contains(where: { $0.producerID != nil }) else { return nil }
        var earlier = staged.batches.map(\.header)
        for header in headers {
            switch producers.verdict(on: header, after: earlier) {
            case .fresh: earlier.append(header)
            case .refused(let code, let reason): return .refused(code, reason: reason)
            case .duplicate(let batch): return duplicate(of: batch)
            }
        }
        return nil
    }

    private func duplicate(of batch: ProducerState.Batch) -> AppendOutcome {
        let time = configuration.timestampType == .logAppendTime ? batch.timestamp : nil
        return .duplicate(
            AppendedRange(baseOffset: batch.baseOffset, endOffset: batch.lastOffset + 1, logAppendTime: time))
    }

    private func received(_ bytes: Bytes) throws(StorageError) -> [(header: RecordBatchHeader, bytes: Bytes)] {
        var batches: [(header: RecordBatchHeader, bytes: Bytes)] = []
        var position = 0
        var expected = logEndOffset
        while position + RecordBatchHeader.sizeInBytes <= bytes.count {
            let header = try RecordBatchHeader(stored: bytes[position..<bytes.count])
            guard header.sizeInBytes <= bytes.count - position else { break }
            let batch = bytes[position..<position + header.sizeInBytes]
            guard header.isIntact(batch) else {
                throw .invalidBatch(reason: "wrong checksum of the batch at offset \(header.baseOffset)")
            }
            let follows = configuration.isCompacted ? header.baseOffset >= expected : header.baseOffset == expected
            guard follows else { throw .notContiguous(expected: expected, received: header.baseOffset) }
            batches.append((header, batch))
            expected = header.nextOffset
            position += header.sizeInBytes
        }
        return batches
    }

    // MARK: Writing

    private mutating func stage(
        _ headers: [RecordBatchHeader], _ piece: Bytes, _ epoch: LeaderEpoch, _ now: Timestamp,
        _ staged: inout StagedWrite
    ) throws(StorageError) -> AppendedRange {
        let isBrokerTime = configuration.timestampType == .logAppendTime
        var next = staged.batches.last?.header.nextOffset ?? logEndOffset
        let base = next
        let lastOffset = Offset(headers.reduce(next.value) { $0 + Int64($1.lastOffsetDelta) + 1 } - 1)
        let newest = isBrokerTime ? now : (headers.map(\.maxTimestamp).max() ?? now)
        if mustRoll(for: newest, lastOffset, piece.count, staged.byteCount, now) {
            try write(&staged)
            try roll(at: next, now: now)
        }
        var position = 0
        for header in headers {
            var batch: RecordBatch
            do throws(RecordBatchError) { batch = try RecordBatch(piece, at: position) } catch {
                throw .invalidBatch(reason: "\(error)")
            }
            batch.place(at: next, leaderEpoch: epoch)
            if isBrokerTime { batch.stamp(logAppendTime: now) }
            staged.batches.append((batch.header, batch.bytes))
            next = batch.header.nextOffset
            position += header.sizeInBytes
        }
        staged.pieces.append(piece)
        staged.byteCount += Int64(piece.count)
        return AppendedRange(baseOffset: base, endOffset: next, logAppendTime: isBrokerTime ? now : nil)
    }

    /// Writes what is staged behind the active segment's end; only then does any state change (rule 24).
    private mutating func write(_ staged: inout StagedWrite) throws(StorageError) {
        guard !staged.pieces.isEmpty else { return }
        let active = activeIndex
        do throws(FileError) {
            try segments[active].file.write(staged.pieces, at: segments[active].sizeBytes)
        } catch { throw failed(error) }
        let interval = configuration.indexIntervalBytes
        for (header, bytes) in staged.batches {
            recent.append(header, at: segments[active].sizeBytes)
            segments[active].note(header, indexIntervalBytes: interval)
            noteEpoch(of: header)
            if header.producerID != nil { producers.note(header, batch: bytes) }
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
