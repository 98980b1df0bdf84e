import Primitives
import Synchronization
import World

/// Keeps one connection within its share of the node's memory: counts what it holds, stops it from reading while the
/// node holds too much, and ends it when its client takes no answers.
///
/// `@unchecked Sendable`: touched on the link's loop only, but for the two stamps.
final class ConnectionBounds: @unchecked Sendable {
    private let link: any Link
    private let shared: ClientLimits
    private let stallMilliseconds: Int64
    /// Nodes among themselves are never kept waiting.
    private let isExempt: Bool
    private let clock: any Clock
    /// Whether something may be read has changed.
    var changed: () -> Void = {}

    /// Nothing is to be read now: the node holds too much.
    private(set) var isMuted = false
    private var holding: ConnectionHolding
    private var queue = AnswerQueue()
    private var isOver = false

    private let lastRequestStamp: Atomic<Int64>
    private let hogStamp = Atomic<Int64>(.max)

    /// While all wait, how often it is looked for who is in the way.
    private static let roomCheckMilliseconds: Int64 = 200

    init(
        link: any Link, shared: ClientLimits, stallMilliseconds: Int64, isExempt: Bool, clock: any Clock
    ) {
        self.link = link
        self.shared = shared
        self.stallMilliseconds = stallMilliseconds
        self.isExempt = isExempt
        self.clock = clock
        holding = ConnectionHolding(shared.memory)
        lastRequestStamp = Atomic(clock.now.value)
    }

    /// When the last request came, in nanoseconds of the monotonic clock; from any thread.
    var lastRequestNanoseconds: Int64 { lastRequestStamp.load(ordering: .relaxed) }

    /// Since when it has held on to a request that does not end, or to answers that are not taken; from any thread.
    var hogNanoseconds: Int64? {
        let stamp = hogStamp.load(ordering: .relaxed)
        return stamp == .max ? nil : stamp
    }

    // MARK: What it holds

    /// A whole request came.
    func requestCame(at now: MonotonicInstant) {
        lastRequestStamp.store(now.value, ordering: .relaxed)
        // Its client goes on, whatever it has begun to send now.
        if !queue.isCongested { hogStamp.store(.max, ordering: .relaxed) }
    }

    /// Bytes of requests that wait or are unanswered.
    func requestBytesChanged(to bytes: Int, isPaused: Bool) {
        holding.requestBytes = bytes
        note(isPaused: isPaused)
    }

    /// The same where answers have left: nobody is called, so whoever answers may hold a lock.
    func requestBytesFell(to bytes: Int) {
        holding.requestBytes = bytes
        holding.tell()
    }

    /// Bytes of a request that is being read.
    func partialBytesChanged(to bytes: Int, isPaused: Bool) {
        holding.partialBytes = bytes
        note(isPaused: isPaused)
    }

    private func note(isPaused: Bool) {
        if isOver { return }
        holding.tell()
        // Who is kept from reading can't end its request: that is not its fault.
        let isHog = queue.isCongested || (holding.partialBytes > 0 && !isPaused)
        if isHog != (hogNanoseconds != nil) {
            hogStamp.store(isHog ? clock.now.value : .max, ordering: .relaxed)
        }
        guard shared.memory.isFull else { return }
        shared.relieve(now: clock.now)
        // A request that has begun may end: that gives memory back. No other is begun.
        if !isExempt, !isMuted, holding.requestBytes > 0 || holding.partialBytes == 0 { mute() }
    }

    private func mute() {
        isMuted = true
        shared.counts.note(.mutedForMemory)
        shared.memory.wait { [weak self] in
            guard let self else { return }
            self.link.loop.execute { self.unmute() }
        }
        lookForRoom()
    }

    private func unmute() {
        guard isMuted, !isOver else { return }
        isMuted = false
        changed()
        note(isPaused: isMuted)
    }

    /// Where all wait, nobody else would look for who is in the way.
    private func lookForRoom() {
        link.loop.schedule(afterMilliseconds: ConnectionBounds.roomCheckMilliseconds) { [weak self] in
            guard let self, self.isMuted, !self.isOver else { return }
            self.shared.relieve(now: self.clock.now)
            self.lookForRoom()
        }
    }

    /// The connection has ended: nothing of it is held any more.
    func ended() {
        isOver = true
        holding.giveAllBack()
    }

    // MARK: Answers

    func sent(_ segments: [Segment]) { queue.sent(segments) }

    /// Whether so many answers wait for the client that no further request is to be started.
    func isCongested(isPaused: Bool) -> Bool {
        guard queue.mayBeCongested else { return false }
        look(isPaused: isPaused)
        return queue.isCongested
    }

    /// Looks at how many answers wait for the client.
    func look(isPaused: Bool) {
        let begins = queue.look(queuedBytes: link.queuedBytes)
        holding.untakenBytes = queue.untakenBytes
        note(isPaused: isPaused)
        if begins { watchStall() }
    }

    /// Ends a connection whose client takes nothing of its answers.
    private func watchStall() {
        link.loop.schedule(afterMilliseconds: stallMilliseconds) { [weak self] in
            guard let self, !self.isOver else { return }
            self.look(isPaused: true)
            guard self.queue.isCongested else { return }
            if self.queue.hasMoved(queuedBytes: self.link.queuedBytes) { return self.watchStall() }
            self.shared.counts.note(.closedStalled)
            self.link.reset()
        }
    }
}
