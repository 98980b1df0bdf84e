import Primitives
import WireProtocol

/// Decides for each batch what compaction leaves of it, as Kafka's cleaner does.
///
/// - Invariant: batches come in the order of the log, from its first on: a marker stays until no data of its
///   transaction is met before it (KAFKA-14055, KAFKA-8351).
struct BatchFilter: Sendable {
    /// What becomes of a batch.
    enum Verdict {
        case drop
        case keep
        case replace(Bytes)
    }

    /// The last that a producer wrote.
    struct LastRecord: Hashable, Sendable {
        /// Of data; nil where only a marker is known.
        let dataOffset: Offset?
        let epoch: ProducerEpoch
    }

    let map: KeyOffsetMap
    let outcomes: TransactionOutcomes
    /// From where on the outcomes are known. What lies before was compacted: what was aborted is gone.
    let outcomesFrom: Offset
    let lastRecords: [ProducerID: LastRecord]
    let now: Timestamp
    /// When the tombstones that are met first may go.
    let newHorizon: Timestamp
    private var openTransactions: Set<ProducerID> = []
    private(set) var recordsRead: Int64 = 0
    private(set) var recordsKept: Int64 = 0
    /// Records without a key, which a compacted topic can't keep.
    private(set) var keylessRecords: Int64 = 0

    /// One batch may decompress to so much: what was accepted is read again.
    static let decompressedBytesMax = 1 << 30

    init(
        map: KeyOffsetMap, outcomes: TransactionOutcomes, outcomesFrom: Offset,
        lastRecords: [ProducerID: LastRecord], now: Timestamp, newHorizon: Timestamp
    ) {
        self.map = map
        self.outcomes = outcomes
        self.outcomesFrom = outcomesFrom
        self.lastRecords = lastRecords
        self.now = now
        self.newHorizon = newHorizon
    }

    /// - Parameter mustStay: the batch tells where its segment ends: it stays, empty if need be.
    mutating func judge(_ batch: RecordBatch, mustStay: Bool) throws(RecordBatchError) -> Verdict {
        let header = batch.header
        recordsRead += Int64(header.recordCount)
        let isObsolete = header.attributes.isControl ? markerIsObsolete(batch) : isAborted(header)
        let staysEmpty = mustStay || isLastOfProducer(header)
        if header.attributes.isControl {
            let isDue = header.attributes.hasDeleteHorizon && header.baseTimestamp <= now
            if isObsolete, isDue { return staysEmpty ? emptied(batch) : .drop }
            guard header.recordCount > 0 else { return staysEmpty ? .keep : .drop }
            recordsKept += Int64(header.recordCount)
            guard isObsolete, !header.attributes.hasDeleteHorizon else { return .keep }
            let records = try batch.storedRecords(decompressedMaxBytes: BatchFilter.decompressedBytesMax)
            return .replace(batch.keeping(records, deleteHorizon: newHorizon))
        }
        if isObsolete { return staysEmpty ? emptied(batch) : .drop }
        return try filtered(batch, staysEmpty: staysEmpty)
    }

    private mutating func filtered(_ batch: RecordBatch, staysEmpty: Bool) throws(RecordBatchError) -> Verdict {
        let header = batch.header
        let horizon: Timestamp? = header.attributes.hasDeleteHorizon ? header.baseTimestamp : nil
        let records = try batch.storedRecords(decompressedMaxBytes: BatchFilter.decompressedBytesMax)
        var kept: [StoredRecord] = []
        kept.reserveCapacity(records.count)
        for record in records where isKept(record, horizon) { kept.append(record) }
        recordsKept += Int64(kept.count)
        guard !kept.isEmpty else { return staysEmpty ? emptied(batch) : .drop }
        if horizon == nil, kept.contains(where: \.isTombstone) {
            return .replace(batch.keeping(kept, deleteHorizon: newHorizon))
        }
        return kept.count == records.count ? .keep : .replace(batch.keeping(kept, deleteHorizon: horizon))
    }

    private mutating func isKept(_ record: StoredRecord, _ horizon: Timestamp?) -> Bool {
        guard let end = map.endOffset, record.offset < end else { return true }
        guard let key = record.key else {
            keylessRecords += 1
            return false
        }
        if let newest = map.offset(of: key), record.offset < newest { return false }
        return !record.isTombstone || horizon.map { now < $0 } ?? true
    }

    private func emptied(_ batch: RecordBatch) -> Verdict {
        batch.header.recordCount == 0 ? .keep : .replace(batch.emptied())
    }

    // MARK: Producers and transactions

    private func isLastOfProducer(_ header: RecordBatchHeader) -> Bool {
        guard let producer = header.producerID, let last = lastRecords[producer] else { return false }
        if let offset = last.dataOffset { return header.lastOffset == offset }
        return header.attributes.isControl && header.producerEpoch == last.epoch
    }

    private mutating func isAborted(_ header: RecordBatchHeader) -> Bool {
        guard header.attributes.isTransactional, let producer = header.producerID else { return false }
        openTransactions.insert(producer)
        return header.baseOffset >= outcomesFrom && outcomes.isAborted(header)
    }

    private mutating func markerIsObsolete(_ batch: RecordBatch) -> Bool {
        // An empty one was compacted before.
        guard batch.header.recordCount > 0 else { return true }
        guard let producer = batch.header.producerID, TransactionMarker.read(batch.bytes) != nil else {
            return false
        }
        return openTransactions.remove(producer) == nil
    }
}
