import Coordinators
import Primitives
import WireProtocol

/// How far a shard's log has been replayed.
struct ShardLoad<Image: ShardImage>: Sendable {
    private(set) var image = Image()
    /// The next offset to read; nil before the first.
    private(set) var position: Offset?
    private(set) var recordCount = 0
    /// Records that could not be read and were passed over, with the first reason.
    private(set) var unreadable: (count: Int, firstReason: String)?

    /// Starts at the log's first offset.
    mutating func start(at offset: Offset) { position = position ?? offset }

    /// Goes on at `offset`: compaction has left nothing before it.
    mutating func skip(to offset: Offset) { position = offset }

    /// Replays whole batches.
    mutating func replay(_ bytes: Bytes) throws(RecordBatchError) {
        var batches = RecordBatches(bytes)
        while let batch = try batches.next() {
            defer { position = batch.header.nextOffset }
            if let position, batch.header.nextOffset <= position { continue }
            try replay(batch)
        }
    }

    private mutating func replay(_ batch: RecordBatch) throws(RecordBatchError) {
        let attributes = batch.header.attributes
        let producer = attributes.isTransactional ? batch.header.producerID : nil
        var records = try RecordIterator(batch)
        while let record = try records.next() {
            recordCount += 1
            guard let key = record.key else { continue }
            do {
                if attributes.isControl {
                    try replayControl(key, producer)
                } else if let decoded = try Image.Record.decode(key: key, value: record.value) {
                    image.replay(decoded, by: producer)
                }
            } catch {
                let former = unreadable ?? (count: 0, firstReason: "offset \(record.offset): \(error)")
                unreadable = (count: former.count + 1, firstReason: former.firstReason)
            }
        }
    }

    private mutating func replayControl(_ key: Bytes, _ producer: ProducerID?) throws(WireError) {
        guard let producer else { return }
        switch try ControlRecordType(key: key) {
        case .commit: image.replayEnd(of: producer, isCommit: true)
        case .abort: image.replayEnd(of: producer, isCommit: false)
        case .leaderChange, .snapshotHeader, .snapshotFooter, .kraftVersion, .kraftVoters, nil: break
        }
    }
}
