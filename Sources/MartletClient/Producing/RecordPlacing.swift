import ClientCore
import Primitives

extension Partitioner {
    /// The partition that a record names, or that its key or its turn leads to; nil if there is none.
    mutating func place(
        of record: ProducerRecord, bytes: Int, view: ClusterView, using generator: inout some RandomNumberGenerator
    ) -> TopicPartition? {
        let count = view.topics[record.topic]?.partitions.count ?? 0
        if let given = record.partition {
            return (0..<Int32(count)).contains(given) ? TopicPartition(record.topic, PartitionIndex(given)) : nil
        }
        guard count > 0 else { return nil }
        if let key = record.key {
            return TopicPartition(record.topic, Partitioner.partition(ofKey: key, partitionCount: count))
        }
        return partitionWithoutKey(topic: record.topic, view: view, recordBytes: bytes, using: &generator)
            .map { TopicPartition(record.topic, $0) }
    }
}

extension OutgoingRecord {
    init(_ record: ProducerRecord, ticket: UInt64, now: Timestamp) {
        self.init(
            ticket: ticket, key: record.key, value: record.value,
            headers: record.headers.map { OutgoingRecord.Header(key: $0.key, value: $0.value) },
            timestamp: record.timestampMilliseconds.map(Timestamp.init) ?? now)
    }
}
