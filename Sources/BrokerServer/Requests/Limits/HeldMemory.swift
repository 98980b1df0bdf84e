import Synchronization

/// Counts the memory that clients make a node hold, over all its connections.
///
/// What is counted: frames that are being read, requests that wait or are unanswered, answers that their client does
/// not take. A connection counts its own part; nothing is reserved from a length that is only announced.
package final class HeldMemory: Sendable {
    /// Reading starts again when no more than this share of the limit is held.
    private static let resumeShare = (of: 4, parts: 3)

    private let held = Atomic<Int>(0)
    private let limit: Atomic<Int>
    private let hasWaiters = Atomic(false)
    private let waiters = Mutex<[@Sendable () -> Void]>([])

    package init(limitBytes: Int) { limit = Atomic(limitBytes) }

    /// Bytes held now.
    package var bytes: Int { held.load(ordering: .relaxed) }

    package var limitBytes: Int { limit.load(ordering: .relaxed) }

    /// Changes the limit; what is held already stays.
    package func setLimit(bytes: Int) { limit.store(bytes, ordering: .relaxed) }

    /// Nothing more should be read.
    package var isFull: Bool { bytes >= limitBytes }

    /// The part of one connection changes.
    func change(by bytes: Int) {
        let now = held.add(bytes, ordering: .relaxed).newValue
        if bytes < 0, hasWaiters.load(ordering: .relaxed), isRoomy(now) { wake() }
    }

    private func isRoomy(_ bytes: Int) -> Bool {
        bytes <= limitBytes / HeldMemory.resumeShare.of * HeldMemory.resumeShare.parts
    }

    /// Runs `resume` once there is room again; from any thread.
    func wait(_ resume: @escaping @Sendable () -> Void) {
        waiters.withLock { waiters in
            waiters.append(resume)
            hasWaiters.store(true, ordering: .sequentiallyConsistent)
        }
        // Room may have come between the look that led here and this.
        if isRoomy(held.load(ordering: .sequentiallyConsistent)) { wake() }
    }

    private func wake() {
        let woken = waiters.withLock { waiters in
            hasWaiters.store(false, ordering: .relaxed)
            defer { waiters = [] }
            return waiters
        }
        for resume in woken { resume() }
    }
}
