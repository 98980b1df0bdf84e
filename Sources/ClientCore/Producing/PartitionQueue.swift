import Primitives

/// The batches of one partition: waiting and in flight, with their sequence numbers.
///
/// - Invariant: waiting batches that carry a stamp stand before those that do not, in the order of their sequences.
struct PartitionQueue {
    let place: TopicPartition
    private(set) var waiting: [OutgoingBatch] = []
    private(set) var inFlight: [OutgoingBatch] = []
    private var nextSequence: Int32 = 0
    /// Whether the partition has taken a batch of the present identity.
    private(set) var isEstablished = false

    init(place: TopicPartition) { self.place = place }

    var isEmpty: Bool { waiting.isEmpty && inFlight.isEmpty }

    /// Adds a record to the last batch if it fits, else to one that `makeBatch` opens.
    mutating func add(_ record: OutgoingRecord, batchBytesMax: Int, makeBatch: () -> OutgoingBatch) {
        let last = waiting.count - 1
        if last >= 0, waiting[last].stamp == nil, waiting[last].failedAttempts == 0,
            waiting[last].bytesMax + record.bytesMax <= batchBytesMax
        {
            // Nothing else holds its records: they are not copied.
            return waiting[last].append(record)
        }
        var batch = makeBatch()
        batch.append(record)
        waiting.append(batch)
    }

    /// Takes the first batch out to be sent, stamped with `producer` if it has no stamp yet.
    mutating func takeFirst(producer: ProducerIdentity?) -> OutgoingBatch {
        var batch = waiting.removeFirst()
        if batch.stamp == nil, let producer {
            batch.stamp = OutgoingBatch.Stamp(producer: producer, baseSequence: nextSequence)
            nextSequence = PartitionQueue.sequence(nextSequence, advancedBy: batch.records.count)
        }
        inFlight.append(batch)
        return batch
    }

    /// The partition's log has a batch of the present identity.
    mutating func establish() { isEstablished = true }

    /// Takes a batch out of those in flight; nil if it is not there any more.
    mutating func land(_ number: UInt64) -> OutgoingBatch? {
        guard let index = inFlight.firstIndex(where: { $0.number == number }) else { return nil }
        return inFlight.remove(at: index)
    }

    /// Puts a batch back so that the partition's order stays.
    mutating func putBack(_ batch: OutgoingBatch) {
        let index = waiting.firstIndex { $0.number > batch.number } ?? waiting.count
        waiting.insert(batch, at: index)
    }

    /// True if nothing that was sent and not confirmed stands before `batch`.
    func isOldest(_ batch: OutgoingBatch) -> Bool {
        !inFlight.contains { $0.number < batch.number } && !waiting.contains { $0.number < batch.number }
    }

    /// Takes out what waits since before `limit`.
    mutating func takeExpired(createdBefore limit: MonotonicInstant) -> [OutgoingBatch] {
        // They stand in the order of their making.
        guard !waiting.isEmpty, waiting[0].createdAt < limit else { return [] }
        let expired = waiting.filter { $0.createdAt < limit }
        waiting.removeAll { $0.createdAt < limit }
        return expired
    }

    /// Takes out all that waits.
    mutating func takeAllWaiting() -> [OutgoingBatch] {
        defer { waiting = [] }
        return waiting
    }

    /// Starts anew under a new identity: unanswered batches can't be told from repeats, so they are given back.
    mutating func restart() -> [OutgoingBatch] {
        precondition(inFlight.isEmpty, "a new identity is taken when nothing is in flight")
        let uncertain = waiting.filter(\.mayBeWritten)
        waiting.removeAll(where: \.mayBeWritten)
        for index in waiting.indices { waiting[index].stamp = nil }
        nextSequence = 0
        isEstablished = false
        return uncertain
    }

    /// Sequence numbers go round at 2³¹.
    static func sequence(_ sequence: Int32, advancedBy count: Int) -> Int32 {
        Int32((Int64(sequence) + Int64(count)) & 0x7fff_ffff)
    }
}
