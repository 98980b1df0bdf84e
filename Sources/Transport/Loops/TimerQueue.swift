/// The timers of a loop, the next one first: a heap. Touched on its loop only.
///
/// A timer that is called off lets go of its work at once and stays, empty, until it is due or until there are so many
/// that they are swept out.
struct TimerQueue {
    private struct Entry {
        let dueAt: Int64
        /// Of two that are due at once the one that was set first goes first.
        let number: UInt64
        let timer: LoopTimer

        func goesBefore(_ other: Entry) -> Bool {
            dueAt != other.dueAt ? dueAt < other.dueAt : number < other.number
        }
    }

    private static let sweepMin = 64

    private var heap: [Entry] = []
    private var nextNumber: UInt64 = 0
    private var sweepAt = TimerQueue.sweepMin

    /// How many are kept, empty ones among them.
    var count: Int { heap.count }

    /// When the next one is due, in nanoseconds of the monotonic clock.
    var nextDueAt: Int64? { heap.first?.dueAt }

    mutating func add(_ timer: LoopTimer) {
        if heap.count >= sweepAt { sweep() }
        heap.append(Entry(dueAt: timer.dueAt, number: nextNumber, timer: timer))
        nextNumber += 1
        rise(from: heap.count - 1)
    }

    /// Takes out the next timer that is due by `now`.
    mutating func takeDue(now: Int64) -> LoopTimer? {
        guard let first = heap.first, first.dueAt <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink(from: 0)
        }
        return first.timer
    }

    private mutating func sweep() {
        heap.removeAll { $0.timer.isEmpty }
        heap.sort { $0.goesBefore($1) }
        sweepAt = max(TimerQueue.sweepMin, 2 * heap.count)
    }

    private mutating func rise(from start: Int) {
        var at = start
        while at > 0 {
            let parent = (at - 1) / 2
            guard heap[at].goesBefore(heap[parent]) else { return }
            heap.swapAt(at, parent)
            at = parent
        }
    }

    private mutating func sink(from start: Int) {
        var at = start
        while true {
            var next = 2 * at + 1
            if next >= heap.count { return }
            if next + 1 < heap.count, heap[next + 1].goesBefore(heap[next]) { next += 1 }
            guard heap[next].goesBefore(heap[at]) else { return }
            heap.swapAt(at, next)
            at = next
        }
    }
}
