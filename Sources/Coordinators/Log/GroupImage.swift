import HashTreeCollections
package import Primitives
package import WireMessages

/// What the log says of one group.
package struct StoredGroup: Hashable, Sendable {
    /// The last generation that was written; nil for a group that only keeps offsets ("simple").
    package internal(set) var metadata: GroupMetadataValue?
    /// The group of the consumer protocol; nil where there is none.
    package internal(set) var consumer: ConsumerGroup?
    private var offsets: TreeDictionary<ConsumedPartition, CommittedOffset> = [:]
    /// Offsets of transactions that are still open, by producer: visible to nobody.
    private var pendingOffsets: TreeDictionary<ProducerID, TreeDictionary<ConsumedPartition, PendingOffset>> = [:]
    /// The place of the next pending offset in their order in the log.
    private var nextPlace: Int64 = 0

    private struct PendingOffset: Hashable, Sendable {
        let offset: CommittedOffset
        let place: Int64
    }

    var isEmpty: Bool { metadata == nil && consumer == nil && offsets.isEmpty && pendingOffsets.isEmpty }
    var offsetCount: Int { offsets.count }
    var hasPendingOffsets: Bool { !pendingOffsets.isEmpty }

    /// The offset committed for a partition.
    package func offset(of partition: ConsumedPartition) -> CommittedOffset? { offsets[partition] }

    /// True while a transaction holds an offset for the partition that is not decided yet.
    package func isUnstable(_ partition: ConsumedPartition) -> Bool {
        pendingOffsets.contains { $0.value[partition] != nil }
    }

    /// True where there is an offset for the partition, committed or of an undecided transaction.
    func partitions(contain partition: ConsumedPartition) -> Bool {
        offsets[partition] != nil || isUnstable(partition)
    }

    /// All committed offsets, sorted by topic and partition.
    package var sortedOffsets: [(partition: ConsumedPartition, offset: CommittedOffset)] {
        offsets.map { (partition: $0.key, offset: $0.value) }.sorted { $0.partition < $1.partition }
    }

    /// Every partition with an offset, committed or of an undecided transaction; sorted.
    package var partitions: [ConsumedPartition] {
        var all = Set(offsets.keys)
        for pending in pendingOffsets.values { all.formUnion(pending.keys) }
        return all.sorted()
    }

    mutating func set(_ offset: CommittedOffset?, for partition: ConsumedPartition, by producer: ProducerID?) {
        if let producer, let offset {
            pendingOffsets[producer, default: [:]][partition] = PendingOffset(offset: offset, place: nextPlace)
            nextPlace += 1
        } else {
            offsets[partition] = offset
            dropPending(for: partition, before: nextPlace)
        }
    }

    /// What stands later in the log counts, whenever an older offset's transaction is decided.
    private mutating func dropPending(for partition: ConsumedPartition, before place: Int64) {
        for (producer, pending) in pendingOffsets {
            guard let old = pending[partition], old.place < place else { continue }
            pendingOffsets[producer]?[partition] = nil
            if pendingOffsets[producer]?.isEmpty ?? false { pendingOffsets[producer] = nil }
        }
    }

    mutating func replay(_ record: ConsumerGroupRecord) {
        if case .group(nil) = record {
            consumer = nil
        } else if consumer != nil || !record.isTombstone {
            consumer = consumer ?? ConsumerGroup()
            consumer?.replay(record)
        }
    }

    mutating func endTransaction(of producer: ProducerID, isCommit: Bool) {
        guard let decided = pendingOffsets.removeValue(forKey: producer), isCommit else { return }
        for (partition, pending) in decided {
            offsets[partition] = pending.offset
            dropPending(for: partition, before: pending.place)
        }
    }
}

/// The state of one partition of `__consumer_offsets` at some offset of its log: changed by `replay` alone, on the
/// leader and at a load alike. A copy is cheap (its collections share structure), so that readers hold the state at
/// the high watermark while newer records are under way.
package struct GroupImage: ShardImage, Hashable {
    private var groups: TreeDictionary<String, StoredGroup> = [:]
    /// Groups in which a transaction of the producer has offsets.
    private var groupsOfProducer: TreeDictionary<ProducerID, TreeSet<String>> = [:]

    package init() {}

    package subscript(_ id: String) -> StoredGroup? { groups[id] }

    package var count: Int { groups.count }

    /// The ids of all groups, sorted.
    package var ids: [String] { groups.keys.sorted() }

    /// Applies a record. `producer` is that of a transactional batch, whose offsets wait for its marker.
    package mutating func replay(_ record: GroupRecord, by producer: ProducerID? = nil) {
        switch record {
        case .offset(let group, let partition, let value):
            groups[group, default: StoredGroup()].set(value, for: partition, by: producer)
            if let producer, value != nil { groupsOfProducer[producer, default: []].insert(group) }
            removeIfEmpty(group)
        case .group(let id, let value):
            groups[id, default: StoredGroup()].metadata = value
            removeIfEmpty(id)
        case .consumer(let id, let record):
            groups[id, default: StoredGroup()].replay(record)
            removeIfEmpty(id)
        }
    }

    /// Applies the end of a transaction: its offsets become visible, or go.
    package mutating func replayEnd(of producer: ProducerID, isCommit: Bool) {
        guard let touched = groupsOfProducer.removeValue(forKey: producer) else { return }
        for group in touched {
            groups[group]?.endTransaction(of: producer, isCommit: isCommit)
            removeIfEmpty(group)
        }
    }

    private mutating func removeIfEmpty(_ id: String) {
        if groups[id]?.isEmpty ?? false { groups[id] = nil }
    }
}
