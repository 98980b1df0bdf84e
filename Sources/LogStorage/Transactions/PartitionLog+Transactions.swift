package import Primitives
import WireProtocol

#if MUTANTS
    import Mutants
#endif

extension PartitionLog {
    /// Exclusive: below it every transaction is decided for good; the high watermark where none is open.
    ///
    /// - Invariant: never below the log start, never above the high watermark. No compaction passes it.
    package func lastStableOffset(highWatermark: Offset) -> Offset {
        max(producers.transactions.lastStableOffset(highWatermark: highWatermark), min(logStartOffset, highWatermark))
    }

    /// Forgets which transactions ended below the high watermark: they keep nobody back any more.
    package mutating func committed(upTo highWatermark: Offset) { producers.committed(upTo: highWatermark) }

    /// Whether the last stable offset may lie below the high watermark: false, at no cost, in a log without open
    /// transactions.
    package var hasUndecidedTransactions: Bool { !producers.transactions.isEmpty }

    /// The aborted transactions that have records from `offset` on and below `end`: what a reader of that range has to
    /// leave out. Nil where there are none; reads no file.
    package func abortedTransactions(from offset: Offset, upTo end: Offset) -> AbortedLookup? {
        var lookup: AbortedLookup?
        // A segment has a dozen references to count: it is looked at where it stands.
        for index in segmentIndex(of: offset)..<segments.count where !segments[index].transactions.isEmpty {
            lookup = lookup ?? AbortedLookup(range: offset..<max(offset, end), files: files)
            lookup?.indexes.append(segments[index].transactions)
        }
        return lookup
    }

    /// Where the first marker stands in a range; nil where there is none. Blocks, and reads the headers of the range.
    func firstMarker(from start: Offset, below end: Offset) throws(StorageError) -> Offset? {
        let start = max(start, segments[0].baseOffset)
        guard start < min(end, logEndOffset), let place = try locate(start) else { return nil }
        for index in place.segment..<segments.count {
            let position = index == place.segment ? place.position : 0
            var cursor = HeaderCursor(segments[index].file, from: position, to: segments[index].sizeBytes)
            while let (header, _) = try cursor.next() {
                if header.baseOffset >= end { return nil }
                let isMarker = header.attributes.isControl && header.producerID != nil
                if isMarker, header.baseOffset >= start { return header.baseOffset }
            }
        }
        return nil
    }

    /// Appends the marker that ends a producer's transaction here; one that has none open is noted all the same.
    ///
    /// - Returns: `refused` with `TRANSACTION_COORDINATOR_FENCED` where a later coordinator has spoken (rule 29), with
    ///   `INVALID_PRODUCER_EPOCH` for a marker of an earlier life of the producer.
    /// - Throws: `file`: the log is offline.
    package mutating func append(
        _ marker: EndMarker, epoch: LeaderEpoch, now: Timestamp
    ) throws(StorageError) -> AppendOutcome {
        try appendAsLeader([marker.batch(now: now)], markers: [0: marker], epoch: epoch, now: now)[0]
    }

    /// Why the log would not take a marker now.
    package func refusal(of marker: EndMarker) -> ErrorCode? {
        guard case .refused(let code, _) = producers.refusal(of: marker, after: []) else { return nil }
        return code
    }
}

extension ProducerStates {
    private var comparesCoordinators: Bool {
        #if MUTANTS
            if Mutant.coordinatorEpochUnchecked.isOn { return false }
        #endif
        return true
    }

    /// Judges a marker against what is in the log and what is `staged` to be written before it.
    func refusal(of marker: EndMarker, after staged: [RecordBatchHeader]) -> AppendOutcome? {
        guard let known = state(of: marker.producerID, after: staged) else { return nil }
        if let later = known.coordinatorEpoch, later > marker.coordinatorEpoch, comparesCoordinators {
            let reason = "the marker is of coordinator epoch \(marker.coordinatorEpoch), the log knows \(later)"
            return .refused(.transactionCoordinatorFenced, reason: reason)
        }
        // A marker that comes again, its answer being lost, finds its own epoch here and nothing open.
        let isRepeat = marker.producerEpoch == known.epoch && known.currentTransactionFirstOffset == nil
        let least = marker.hasOwnEpoch && !isRepeat ? known.epoch.value + 1 : known.epoch.value
        if marker.producerEpoch.value >= least { return nil }
        let reason =
            "a marker of producer \(marker.producerID) has epoch \(marker.producerEpoch), the log knows \(known.epoch)"
        return .refused(.invalidProducerEpoch, reason: reason)
    }
}
