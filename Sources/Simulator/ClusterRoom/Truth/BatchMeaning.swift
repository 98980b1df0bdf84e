import Primitives
import WireMessages
import WireProtocol

/// What a batch is in a transaction, read from its bytes.
enum BatchMeaning: Hashable, Sendable {
    /// Records of a transaction.
    case part
    case marker(isCommit: Bool, coordinatorEpoch: Int32)
    /// What a transaction coordinator wrote down.
    case states([TransactionLine])

    /// Nil for a batch that has nothing to do with transactions.
    static func read(_ batch: RecordBatch, isOfCoordinator: Bool) -> BatchMeaning? {
        let attributes = batch.header.attributes
        if attributes.isControl { return attributes.isTransactional ? marker(in: batch) : nil }
        if attributes.isTransactional { return .part }
        return isOfCoordinator ? .states(TransactionLine.read(batch)) : nil
    }

    private static func marker(in batch: RecordBatch) -> BatchMeaning? {
        guard var records = try? RecordIterator(batch), let record = try? records.next(), let key = record.key,
            let type = try? ControlRecordType(key: key), type == .commit || type == .abort,
            let value = record.value, value.count >= 6
        else { return nil }
        // A version, then the epoch.
        return .marker(isCommit: type == .commit, coordinatorEpoch: value.bigEndian(Int32.self, at: 2))
    }
}

/// One record of `__transaction_state`: how a transactional id stands from there on.
struct TransactionLine: Hashable, Sendable {
    enum State: Int8, Hashable, Sendable {
        case empty = 0
        case ongoing = 1
        case prepareCommit = 2
        case prepareAbort = 3
        case completeCommit = 4
        case completeAbort = 5
        case forgotten = -1
    }

    let transactionalID: String
    let state: State
    let producer: ProducerID
    let epoch: ProducerEpoch
    /// Who it goes on as once its markers are written, where its epochs are used up.
    let nextProducer: ProducerID?
    /// As `topic-index`.
    let partitions: Set<String>
    /// Whether each of its transactions has an epoch of its own.
    let hasOwnEpochs: Bool

    static func read(_ batch: RecordBatch) -> [TransactionLine] {
        guard var records = try? RecordIterator(batch) else { return [] }
        var lines: [TransactionLine] = []
        while let record = try? records.next() {
            if let key = record.key, let line = read(key, record.value) { lines.append(line) }
        }
        return lines
    }

    private static func read(_ key: Bytes, _ value: Bytes?) -> TransactionLine? {
        guard key.count > 2, let name = try? TransactionLogKey.decode(key[2..<key.count], version: 0) else {
            return nil
        }
        var read = TransactionLogValue()
        var state = State.forgotten
        if let value {
            guard value.count > 2,
                let decoded = try? TransactionLogValue.decode(
                    value[2..<value.count], version: value.bigEndian(Int16.self, at: 0)),
                let known = State(rawValue: decoded.transactionStatus)
            else { return nil }
            (read, state) = (decoded, known)
        }
        var partitions: Set<String> = []
        for topic in read.transactionPartitions ?? [] {
            for index in topic.partitionIDs { partitions.insert("\(topic.topic)-\(index)") }
        }
        return TransactionLine(
            transactionalID: name.transactionalID, state: state, producer: read.producerID,
            epoch: read.producerEpoch, nextProducer: read.nextProducerID.value < 0 ? nil : read.nextProducerID,
            partitions: partitions, hasOwnEpochs: read.clientTransactionVersion >= 2)
    }
}
