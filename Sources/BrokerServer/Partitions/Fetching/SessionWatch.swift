import Primitives
import Replication
import Synchronization

/// What one fetch session is told by its partitions: in which of its slots something has happened, and whether it is
/// worth an answer.
///
/// Its lock is the innermost of all: partitions of any loop take it under their own, and nothing is called under it.
/// - Invariant: an event at a partition is in `marked` from the end of the step that made it until the session takes
///   the marks, which it does before it looks at any partition: so no event lies between a look and the wait behind it.
final class SessionWatch: Sendable {
    private struct State {
        var marked: [Int32] = []
        /// Something worth an answer has happened since the marks were taken.
        var isRung = false
        var waiting: FetchJob?
        /// By slot; nil where no partition is watched.
        var partitions: [PartitionWatch?] = []
        var requester: FetchRequester?
        var isOver = false
    }

    private let state = Mutex(State())
    private let askedAt: Atomic<Int64>

    init(now: MonotonicInstant) { askedAt = Atomic(now.value) }

    /// When its newest request came. From any thread.
    var lastAsked: MonotonicInstant { MonotonicInstant(askedAt.load(ordering: .relaxed)) }

    // MARK: from partitions, under their lock

    /// Something happened at the partition in `slot`.
    ///
    /// - Parameter isNew: whether the slot was not marked yet since it was looked at.
    /// - Returns: the fetch to be woken once the partition's lock is given back.
    func mark(_ slot: Int32, isNew: Bool, rings: Bool) -> FetchJob? {
        state.withLock { state in
            if state.isOver { return nil }
            if isNew { state.marked.append(slot) }
            guard rings else { return nil }
            state.isRung = true
            return state.waiting.take()
        }
    }

    // MARK: from the session's fetches

    /// Whether a request is of another one than those before it.
    func isAnother(_ requester: FetchRequester) -> Bool { state.withLock { $0.requester != requester } }

    /// A request of the session came.
    func asked(by requester: FetchRequester, at instant: MonotonicInstant) {
        askedAt.store(instant.value, ordering: .relaxed)
        state.withLock { $0.requester = requester }
    }

    /// The slots in which something has happened since this was asked last.
    func takeMarked() -> [Int32] {
        state.withLock { state in
            state.isRung = false
            if state.marked.isEmpty { return [] }
            defer { state.marked = [] }
            return state.marked
        }
    }

    /// Lets a fetch wait for the next event that is worth an answer; false when there was one already.
    func wait(_ fetch: FetchJob) -> Bool {
        state.withLock { state in
            if state.isRung || state.isOver { return false }
            state.waiting = fetch
            return true
        }
    }

    /// A fetch waits no longer.
    func leave(_ fetch: FetchJob) {
        state.withLock { state in if state.waiting === fetch { state.waiting = nil } }
    }

    // MARK: what it watches

    /// The watch of a slot on a partition: the one it has, or a new one where none was, or one on another object.
    func watch(_ slot: Int32, on partition: Partition) -> PartitionWatch? {
        let slot = Int(slot)
        let (watch, former) = state.withLock { state -> (PartitionWatch?, PartitionWatch?) in
            if state.isOver { return (nil, nil) }
            while state.partitions.count <= slot { state.partitions.append(nil) }
            let known = state.partitions[slot]
            if let known, known.partition === partition { return (known, nil) }
            let made = PartitionWatch(partition, session: self, slot: Int32(slot))
            state.partitions[slot] = made
            return (made, known)
        }
        former?.end()
        return watch
    }

    /// Nothing is watched for a slot any more.
    func release(_ slot: Int32) {
        let slot = Int(slot)
        let watch = state.withLock { state -> PartitionWatch? in
            guard slot < state.partitions.count else { return nil }
            return state.partitions[slot].take()
        }
        watch?.end()
    }

    /// The partition of a watch is gone.
    func release(_ watch: PartitionWatch) {
        let slot = Int(watch.slot)
        state.withLock { state in
            if slot < state.partitions.count, state.partitions[slot] === watch { state.partitions[slot] = nil }
        }
    }

    /// The session is over: it watches nothing any more, and who waits is woken.
    func end() {
        let (watches, waiting) = state.withLock { state in
            state.isOver = true
            state.marked = []
            defer { state.partitions = [] }
            return (state.partitions, state.waiting.take())
        }
        for watch in watches { watch?.end() }
        waiting?.wake()
    }
}

/// A session's eye on one partition.
///
/// `@unchecked Sendable`: all that changes is touched under the partition's lock only.
final class PartitionWatch: @unchecked Sendable {
    let partition: Partition
    let session: SessionWatch
    let slot: Int32
    /// Of whom the last look was.
    var requester: FetchRequester?
    /// What is worth an answer; nil once that was told.
    var goal: FetchGoal?
    /// Whether the session knows that something has happened since the last look.
    var isMarked = false
    /// Its place among the watches of the partition; nil while it is not there.
    var place: Int?
    /// It is not to be used any more.
    var isOver = false

    init(_ partition: Partition, session: SessionWatch, slot: Int32) {
        self.partition = partition
        self.session = session
        self.slot = slot
    }

    /// Takes it away from its partition, for good.
    func end() { partition.state.withLock { $0.unwatch(self) } }
}
