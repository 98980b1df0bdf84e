package import Primitives
import WireProtocol

#if MUTANTS
    import Mutants
#endif

/// The idempotent producers of one log, rebuilt from the log itself on every replica (rules 23 to 26).
///
/// - Invariant: the same batches in the same order give the same states on leader, follower and after a restart.
package struct ProducerStates: Sendable {
    private var states: [ProducerID: ProducerState] = [:]
    /// Since when, on the monotonic clock, each is seen to do nothing.
    private var silences: [ProducerID: Silence] = [:]
    /// Those that keep readers back.
    private(set) var transactions = OpenTransactions()

    private struct Silence {
        let state: ProducerState
        let since: MonotonicInstant
    }

    package init() {}

    /// What a leader answers to a producer's batch, before anything is written.
    enum Verdict: Hashable {
        case fresh
        /// It stands in the log already.
        case duplicate(ProducerState.Batch)
        case refused(ErrorCode, reason: String)
    }

    package var count: Int { states.count }

    package subscript(_ id: ProducerID) -> ProducerState? { states[id] }

    /// All ids, in order.
    package var ids: [ProducerID] { states.keys.sorted() }

    /// Judges a batch against what is in the log and what is `staged` to be written before it. Changes nothing: state
    /// follows the append (rule 24).
    func verdict(on header: RecordBatchHeader, after staged: [RecordBatchHeader]) -> Verdict {
        guard let id = header.producerID, !header.attributes.isControl else { return .fresh }
        if header.baseSequence == nil, header.attributes.isTransactional { return verdict(onUnnumbered: header) }
        guard let epoch = header.producerEpoch, let sequence = header.baseSequence else {
            return .refused(.invalidRecord, reason: "producer \(id) gave no epoch or no sequence")
        }
        let known = state(of: id, after: staged)
        // Unknown producers start anywhere: their state may have expired or been retained away.
        #if MUTANTS
            if Mutant.sequencesUnchecked.isOn { return .fresh }
        #endif
        guard let known else { return .fresh }
        if epoch < known.epoch {
            let reason = "producer \(id) has epoch \(epoch), the log knows \(known.epoch)"
            return .refused(.invalidProducerEpoch, reason: reason)
        }
        if epoch > known.epoch {
            if sequence == 0 { return .fresh }
            let reason = "producer \(id) starts epoch \(epoch) with sequence \(sequence)"
            return .refused(.outOfOrderSequenceNumber, reason: reason)
        }
        if known.currentTransactionFirstOffset != nil, !header.attributes.isTransactional {
            return .refused(.invalidTxnState, reason: "producer \(id) has a transaction open, and sent outside of it")
        }
        let repeated = known.batches.last { $0.firstSequence == sequence && $0.lastSequence == header.lastSequence }
        if let repeated { return .duplicate(repeated) }
        let last = known.batches.last?.lastSequence ?? -1
        if Sequence.follows(sequence, last) { return .fresh }
        return .refused(.outOfOrderSequenceNumber, reason: "producer \(id) sent sequence \(sequence) after \(last)")
    }

    /// What the log will know of a producer once what is `staged` is written.
    func state(of id: ProducerID, after staged: [RecordBatchHeader]) -> ProducerState? {
        var known = states[id]
        for earlier in staged where earlier.producerID == id {
            let fresh = ProducerState(
                epoch: earlier.producerEpoch ?? ProducerEpoch(0), lastTimestamp: earlier.maxTimestamp)
            if known == nil { known = fresh }
            if earlier.attributes.isControl {
                known?.noteMarker(earlier, coordinatorEpoch: nil)
            } else {
                known?.note(earlier)
            }
        }
        return known
    }

    /// Judges what a coordinator writes in a producer's transaction: it repeats nothing, so it numbers nothing.
    private func verdict(onUnnumbered header: RecordBatchHeader) -> Verdict {
        guard let id = header.producerID, let epoch = header.producerEpoch, let known = states[id],
            epoch < known.epoch
        else { return .fresh }
        let reason = "producer \(id) has epoch \(epoch), the log knows \(known.epoch)"
        return .refused(.invalidProducerEpoch, reason: reason)
    }

    /// Notes a batch that is in the log now.
    ///
    /// - Parameter batch: the whole batch where it is at hand: a transaction marker tells its coordinator's epoch, and
    ///   how the transaction ended.
    /// - Returns: the transaction that it aborts.
    mutating func note(_ header: RecordBatchHeader, batch: Bytes?) -> AbortedTransaction? {
        guard let id = header.producerID else { return nil }
        let epoch = header.producerEpoch ?? ProducerEpoch(0)
        let fresh = ProducerState(epoch: epoch, lastTimestamp: header.maxTimestamp)
        let began = states[id]?.currentTransactionFirstOffset
        guard header.attributes.isControl else {
            states[id, default: fresh].note(header)
            if began == nil, header.attributes.isTransactional { transactions.begin(id, at: header.baseOffset) }
            return nil
        }
        let marker = batch.flatMap { TransactionMarker.read($0) }
        states[id, default: fresh].noteMarker(header, coordinatorEpoch: marker?.coordinatorEpoch)
        guard let began else { return nil }
        transactions.end(id, markerOffset: header.baseOffset)
        guard marker?.isAbort ?? false else { return nil }
        return AbortedTransaction(
            producerID: id, firstOffset: began, lastOffset: header.baseOffset,
            lastStableOffset: transactions.firstOngoing ?? header.nextOffset)
    }

    /// Forgets which transactions ended below the high watermark: they keep nobody back.
    mutating func committed(upTo highWatermark: Offset) { transactions.committed(upTo: highWatermark) }

    /// Puts a state read from a snapshot.
    mutating func install(_ id: ProducerID, _ state: ProducerState) {
        states[id] = state
        if let first = state.currentTransactionFirstOffset { transactions.begin(id, at: first) }
    }

    /// Forgets who was silent for `silenceMilliseconds`, by record time and by this process's own watching; never one
    /// with an open transaction.
    ///
    /// - Invariant: a time of day that jumps forgets nobody: a repeat of a forgotten producer would be written twice
    ///   (fault F28).
    mutating func expire(now: Timestamp, at instant: MonotonicInstant, silenceMilliseconds: Int64) {
        let former = silences
        silences = [:]
        for (id, state) in states {
            let since = former[id].flatMap { $0.state == state ? $0.since : nil } ?? instant
            let age = now.value.subtractingReportingOverflow(state.lastTimestamp.value)
            if state.currentTransactionFirstOffset == nil, age.overflow || age.partialValue >= silenceMilliseconds,
                instant.milliseconds(since: since) >= silenceMilliseconds
            {
                states[id] = nil
            } else {
                silences[id] = Silence(state: state, since: since)
            }
        }
    }

    /// Keeps the memory bounded: beyond `limit` the sixteenth that was silent longest is forgotten.
    mutating func bound(to limit: Int) {
        guard states.count > limit else { return }
        let oldest = states.filter { $0.value.currentTransactionFirstOffset == nil }
            .sorted { ($0.value.lastTimestamp, $0.key) < ($1.value.lastTimestamp, $1.key) }
            .prefix(states.count - limit + limit / 16)
        for (id, _) in oldest { states[id] = nil }
    }
}

extension ProducerStates: Equatable {
    /// By what the log says; since when who was watched does not matter.
    package static func == (left: ProducerStates, right: ProducerStates) -> Bool { left.states == right.states }
}
