import Primitives
import WireProtocol

/// Finds where leader epochs begin in a log that is read anew.
///
/// No checksum covers the epoch of a batch. One batch that differs from what `leader-epoch-checkpoint` says, before one
/// that does not, is rotten, and counts as what was saved; where more differ, the log is the truth.
struct EpochScan {
    typealias Entry = LeaderEpochs.Entry

    /// What the checkpoint says; nil where there is none to be believed. It may be older than the log.
    let saved: LeaderEpochs?
    /// Epochs of the batches so far, in order.
    private(set) var entries: [Entry] = []
    /// What the last batch says, which is not what was saved.
    private var doubted: Entry?

    init(saved: LeaderEpochs?) { self.saved = saved }

    /// Whether a batch can stand behind those before it: epochs do not fall.
    func allows(_ header: RecordBatchHeader) -> Bool { entries.last.map { header.leaderEpoch >= $0.epoch } ?? true }

    /// The next batch: decides about the one before it. Before `allows` and `note`.
    mutating func meet(_ header: RecordBatchHeader) {
        guard let entry = doubted.take() else { return }
        let isRotten = header.stampedEpoch.map { saved?.epoch(at: header.baseOffset) == $0 } ?? false
        append(isRotten ? Entry(epoch: due(at: entry.startOffset)!, startOffset: entry.startOffset) : entry)
    }

    /// Takes the batch in that was met.
    mutating func note(_ header: RecordBatchHeader) {
        guard let epoch = header.stampedEpoch else { return }
        let entry = Entry(epoch: epoch, startOffset: header.baseOffset)
        // A greater epoch than all that were saved is of records that came behind a cut.
        if let latest = saved?.latest, epoch <= latest.epoch, let due = due(at: header.baseOffset), due != epoch {
            doubted = entry
        } else {
            append(entry)
        }
    }

    /// No batch comes any more: the last one is believed.
    mutating func end() {
        if let entry = doubted.take() { append(entry) }
    }

    private func due(at offset: Offset) -> LeaderEpoch? { saved?.epoch(at: offset) }

    private mutating func append(_ entry: Entry) {
        guard entries.last.map({ $0.epoch < entry.epoch }) ?? true else { return }
        entries.append(entry)
    }
}
