package import Primitives
import WireMessages

/// A partition in which a transaction writes, by name.
package struct TransactionPartition: Hashable, Comparable, Sendable {
    package let topic: String
    package let index: PartitionIndex

    package init(topic: String, index: PartitionIndex) {
        self.topic = topic
        self.index = index
    }

    package static func < (left: TransactionPartition, right: TransactionPartition) -> Bool {
        left.topic == right.topic ? left.index < right.index : left.topic < right.topic
    }
}

/// What the log says of one transactional id.
///
/// - Invariant: with `clientVersion` 2 an epoch names one transaction at most (KIP-890).
package struct StoredTransaction: Hashable, Sendable {
    package internal(set) var producerID: ProducerID
    /// The one before, where its epochs were used up.
    package internal(set) var previousProducerID: ProducerID?
    /// The one that takes over once this transaction is complete: this one's epochs are used up.
    package internal(set) var nextProducerID: ProducerID?
    package internal(set) var producerEpoch: ProducerEpoch
    /// The epoch before the last bump that a producer asked for by name (KIP-360): who repeats that is answered alike.
    /// Not in the log: a repeat to the next coordinator is fenced.
    package internal(set) var lastEpoch: ProducerEpoch?
    package internal(set) var timeoutMilliseconds: Int32
    package internal(set) var state: TransactionState
    package internal(set) var partitions: Set<TransactionPartition> = []
    /// Of the transaction that is open, or was last.
    package internal(set) var startTimestamp: Timestamp?
    package internal(set) var updateTimestamp: Timestamp
    /// The transaction version (KIP-890) that its producer spoke last; 2 bumps the epoch with each transaction.
    package internal(set) var clientVersion: Int16 = 0

    /// The last epoch that a producer is given: the one behind it is for the coordinator's own use.
    static let epochMax = ProducerEpoch(Int16.max - 1)

    /// Whether no producer can be given another epoch of this id.
    var isEpochExhausted: Bool { producerEpoch >= StoredTransaction.epochMax }
    var hasOwnEpochs: Bool { clientVersion >= 2 }

    /// Whether a producer goes on already as what the transaction, whose markers are on their way, leaves it to be.
    func awaits(_ producer: ProducerIdentity) -> Bool {
        guard hasOwnEpochs, state.isPrepared else { return false }
        guard let nextProducerID else { return producer == ProducerIdentity(producerID, producerEpoch) }
        return producer == ProducerIdentity(nextProducerID, ProducerEpoch(0))
    }
}

extension StoredTransaction {
    init(_ value: TransactionLogValue) throws(TransactionRecordError) {
        guard let state = TransactionState(rawValue: value.transactionStatus) else {
            throw .unknownState(value.transactionStatus)
        }
        self.state = state
        producerID = value.producerID
        previousProducerID = value.previousProducerID.value < 0 ? nil : value.previousProducerID
        nextProducerID = value.nextProducerID.value < 0 ? nil : value.nextProducerID
        producerEpoch = value.producerEpoch
        timeoutMilliseconds = value.transactionTimeoutMilliseconds
        let started = value.transactionStartTimestampMilliseconds
        startTimestamp = started < 0 ? nil : Timestamp(started)
        updateTimestamp = Timestamp(value.transactionLastUpdateTimestampMilliseconds)
        clientVersion = value.clientTransactionVersion
        for topic in value.transactionPartitions ?? [] {
            for index in topic.partitionIDs {
                partitions.insert(TransactionPartition(topic: topic.topic, index: index))
            }
        }
    }

    var recordValue: TransactionLogValue {
        var value = TransactionLogValue()
        value.producerID = producerID
        value.previousProducerID = previousProducerID ?? ProducerID(-1)
        value.nextProducerID = nextProducerID ?? ProducerID(-1)
        value.producerEpoch = producerEpoch
        value.transactionTimeoutMilliseconds = timeoutMilliseconds
        value.transactionStatus = state.rawValue
        value.transactionStartTimestampMilliseconds = startTimestamp?.value ?? -1
        value.transactionLastUpdateTimestampMilliseconds = updateTimestamp.value
        value.clientTransactionVersion = clientVersion
        // What is empty has none, as Kafka writes it.
        value.transactionPartitions = state == .empty ? nil : []
        for partition in partitions.sorted() where state != .empty {
            let last = (value.transactionPartitions?.count ?? 0) - 1
            if last >= 0, value.transactionPartitions?[last].topic == partition.topic {
                value.transactionPartitions?[last].partitionIDs.append(partition.index)
            } else {
                var topic = TransactionLogValue.PartitionsSchema()
                topic.topic = partition.topic
                topic.partitionIDs = [partition.index]
                value.transactionPartitions?.append(topic)
            }
        }
        return value
    }
}
