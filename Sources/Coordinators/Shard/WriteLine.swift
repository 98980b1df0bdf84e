import Primitives

/// The writes of a shard from their decision to their commitment, in log order, and the state that they make.
///
/// - Invariant: writes that the host has not appended yet come last.
struct WriteLine<Image: ShardImage, Then: Sendable>: Sendable {
    private struct Entry: Sendable {
        let write: ShardWrite<Image.Record>
        /// The last of the writes over which one decision is spread; it carries what is to follow all of them.
        let lastOfSeries: WriteID
        /// When the one who waits is told to come again; the write itself goes on.
        let deadline: MonotonicInstant
        /// What is to follow; nil once nobody waits for it.
        var then: Then?
        /// The end of its records in the log, once they are appended.
        var end: Offset?
        /// The state after its records, once they are appended.
        var imageAfter: Image?
    }

    /// The state with all records that were appended.
    private(set) var image: Image
    /// The state at the high watermark: what reads see.
    private(set) var committedImage: Image
    private var entries: [Entry] = []
    /// Of the write that is added next.
    private(set) var nextID = WriteID(0)

    init(loaded image: Image) {
        self.image = image
        committedImage = image
    }

    /// The earliest instant at which somebody is told to come again; nil while nobody waits.
    var nextDeadline: MonotonicInstant? { entries.first { $0.then != nil }?.deadline }

    /// The newest epoch of a producer among the writes that are not committed yet.
    func epochUnderWay(of producer: ProducerID) -> ProducerEpoch? {
        let producers = entries.compactMap { $0.write.producer ?? $0.write.end?.producer }
        return producers.filter { $0.id == producer }.map(\.epoch).max()
    }

    /// Takes a write. The host appends it before any other call.
    mutating func add(
        _ records: [Image.Record], by producer: ProducerIdentity? = nil, ending end: TransactionEnd? = nil,
        then: Then?, deadline: MonotonicInstant
    ) -> ShardWrite<Image.Record> {
        let write = ShardWrite(id: takeID(), records: records, producer: producer, end: end)
        entries.append(Entry(write: write, lastOfSeries: write.id, deadline: deadline, then: then))
        return write
    }

    /// Takes a decision that is spread over several writes: what is to follow follows the last one, which is committed
    /// after all others.
    mutating func add(
        series batches: [[Image.Record]], then: Then?, deadline: MonotonicInstant
    ) -> [ShardWrite<Image.Record>] {
        let last = WriteID(nextID.value + Int64(batches.count) - 1)
        return batches.map { batch in
            let write = ShardWrite(id: takeID(), records: batch)
            entries.append(
                Entry(write: write, lastOfSeries: last, deadline: deadline, then: write.id == last ? then : nil))
            return write
        }
    }

    private mutating func takeID() -> WriteID {
        defer { nextID = WriteID(nextID.value + 1) }
        return nextID
    }

    /// The oldest write not appended yet is in the log up to `end`: replays it.
    mutating func appended(_ id: WriteID, end: Offset) -> ShardWrite<Image.Record> {
        let index = indexInTurn(of: id)
        let write = entries[index].write
        for record in write.records { image.replay(record, by: write.producer?.id) }
        if let end = write.end { image.replayEnd(of: end.producer.id, isCommit: end.isCommit) }
        entries[index].end = end
        entries[index].imageAfter = image
        return write
    }

    /// The oldest write not appended yet was not taken by the log; gives back what waited for it. Where it is a part
    /// of a series, who waits for the whole is told so now, whatever becomes of the rest.
    mutating func refused(_ id: WriteID) -> (write: ShardWrite<Image.Record>, then: Then?) {
        let entry = entries.remove(at: indexInTurn(of: id))
        guard let last = entries.firstIndex(where: { $0.write.id == entry.lastOfSeries }) else {
            return (entry.write, entry.then)
        }
        return (entry.write, entries[last].then.take())
    }

    private func indexInTurn(of id: WriteID) -> Int {
        guard let index = entries.firstIndex(where: { $0.end == nil }), entries[index].write.id == id else {
            preconditionFailure("write \(id) is decided out of turn")
        }
        return index
    }

    /// A write is committed, and with it all before it: gives them back with what follows, in log order.
    mutating func committed(through id: WriteID) -> [(write: ShardWrite<Image.Record>, then: Then?)] {
        guard let end = entries.first(where: { $0.write.id == id })?.end else { return [] }
        return committed(upTo: end)
    }

    /// The same for all that lies below the high watermark.
    mutating func committed(upTo highWatermark: Offset) -> [(write: ShardWrite<Image.Record>, then: Then?)] {
        let count = entries.prefix { $0.end.map { $0 <= highWatermark } ?? false }.count
        guard count > 0 else { return [] }
        let done = entries.prefix(count)
        entries.removeFirst(count)
        if let reached = done.last?.imageAfter { committedImage = reached }
        return done.map { ($0.write, $0.then) }
    }

    /// Whether a write is neither committed nor refused.
    func holds(_ id: WriteID) -> Bool { entries.contains { $0.write.id == id } }

    /// Lets `change` add to what follows a write; false where it is committed already, or gone.
    mutating func add(to id: WriteID, _ change: (inout Then?) -> Void) -> Bool {
        guard let index = entries.firstIndex(where: { $0.write.id == id }) else { return false }
        change(&entries[index].then)
        return true
    }

    /// Gives back what waits for a write: it is not to be waited for any longer.
    mutating func giveUp(on id: WriteID) -> Then? {
        guard let index = entries.firstIndex(where: { $0.write.id == id }) else { return nil }
        return entries[index].then.take()
    }

    /// Gives back what has waited for too long.
    mutating func giveUpLate(at now: MonotonicInstant) -> [Then] {
        var late: [Then] = []
        for index in entries.indices where entries[index].deadline <= now {
            if let then = entries[index].then.take() { late.append(then) }
        }
        return late
    }

    /// Drops all writes; gives back what waited for them.
    mutating func removeAll() -> [Then] {
        defer { entries = [] }
        return entries.compactMap(\.then)
    }
}
