import CPolling
import Synchronization
package import World

/// A live loop: one thread that waits on its sockets and runs what it is given.
///
/// A *round* is all that one wait brought: what the sockets have, the timers that are due, the work from elsewhere, and
/// then the end of the round, in which what was queued is sent. Work from elsewhere comes through a mailbox that costs
/// one wake however much is put into it; what this loop gives to other loops waits until the end of the round and costs
/// one wake for each of them.
///
/// `@unchecked Sendable`: the mailbox is behind a `Mutex`; everything mutable besides is touched on the loop only.
package final class NetworkLoop: Loop, @unchecked Sendable {
    typealias Work = @Sendable () -> Void

    private struct Mailbox {
        var works: [Work] = []
        /// The loop waits, or is about to, and does not look into the mailbox by itself.
        var isWaiting = false
        var isStopping = false
        /// The thread has ended: nothing is taken any more.
        var isOver = false
    }

    /// How often an ending loop runs what is still given to it.
    private static let lastRoundsMax = 1_000

    /// For the receive buffers of the loop's connections.
    let spareBuffers = SpareBuffers()
    let poller: Poller
    package let place: Int?

    private let mailbox = Mutex(Mailbox())
    private let thread = Mutex<UInt64?>(nil)
    private var timers = TimerQueue()
    /// What this round gives to other loops.
    private var outbox: [(loop: NetworkLoop, works: [Work])] = []
    private var endOfRound: [Work] = []
    private var unsentLinks: [NetworkLink] = []
    /// What a round runs and sends at its end: kept for their memory only.
    private var arrived: [Work] = []
    private var running: [Work] = []
    private var sending: [NetworkLink] = []

    /// Starts a loop's thread; nil where the system has no thread or descriptor left.
    ///
    /// - Parameters:
    ///   - name: of the thread, up to fifteen bytes.
    ///   - place: among the data loops; nil where it is none.
    init?(name: String, place: Int?) {
        guard let poller = Poller() else { return nil }
        self.poller = poller
        self.place = place
        var started: UInt64 = 0
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let error = unsafe martlet_thread_start(
            &started, name,
            { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<NetworkLoop>.fromOpaque(context).takeRetainedValue().run()
            }, context)
        guard error == 0 else {
            unsafe Unmanaged<NetworkLoop>.fromOpaque(context).release()
            return nil
        }
        thread.withLock { $0 = started }
    }

    /// The loop whose thread this is.
    static var onThisThread: NetworkLoop? {
        guard let word = unsafe martlet_thread_word() else { return nil }
        return unsafe Unmanaged<NetworkLoop>.fromOpaque(word).takeUnretainedValue()
    }

    package var isCurrent: Bool { unsafe martlet_thread_word() == Unmanaged.passUnretained(self).toOpaque() }

    package func execute(_ work: @escaping @Sendable () -> Void) {
        if let sender = NetworkLoop.onThisThread, sender !== self {
            sender.post(work, to: self)
        } else {
            deposit { $0.append(work) }
        }
    }

    @discardableResult
    package func schedule(
        afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void
    ) -> any Timer {
        start(LoopTimer(after: delay, unitNanoseconds: 1_000_000, work: work))
    }

    @discardableResult
    package func schedule(
        afterMicroseconds delay: Int64, _ work: @escaping @Sendable () -> Void
    ) -> any Timer {
        start(LoopTimer(after: delay, unitNanoseconds: 1_000, work: work))
    }

    private func start(_ timer: LoopTimer) -> any Timer {
        if isCurrent { timers.add(timer) } else { execute { self.timers.add(timer) } }
        return timer
    }

    package func atEndOfRound(_ work: @escaping @Sendable () -> Void) { endOfRound.append(work) }

    /// Has `link` send what it queued, when the round ends.
    func sendAtEndOfRound(_ link: NetworkLink) { unsentLinks.append(link) }

    /// Puts work into the mailbox; wakes the loop where it would not look by itself.
    private func deposit(_ change: (inout sending [Work]) -> Void) {
        let mustWake = mailbox.withLock { mailbox in
            if mailbox.isOver { return false }
            change(&mailbox.works)
            let isWaiting = mailbox.isWaiting
            mailbox.isWaiting = false
            return isWaiting
        }
        if mustWake { poller.wake() }
    }

    private func post(_ work: @escaping Work, to target: NetworkLoop) {
        if let index = outbox.firstIndex(where: { $0.loop === target }) {
            outbox[index].works.append(work)
        } else {
            outbox.append((target, [work]))
        }
    }

    // MARK: The thread

    private func run() {
        unsafe martlet_thread_set_word(Unmanaged.passUnretained(self).toOpaque())
        while !mailbox.withLock({ $0.isStopping }) {
            poller.wait(nanoseconds: patience())
            takeMail()
            runTimers()
            endRound()
        }
        end()
        martlet_thread_set_word(nil)
    }

    /// How long there is nothing to do but for the sockets; nil for ever.
    private func patience() -> Int64? {
        let hasMail = mailbox.withLock { mailbox in
            mailbox.isWaiting = mailbox.works.isEmpty && !mailbox.isStopping
            return !mailbox.isWaiting
        }
        if hasMail { return 0 }
        return timers.nextDueAt.map { max($0 - LoopTimer.now, 0) }
    }

    /// Runs what came from elsewhere; what this gives to the loop comes with the next round.
    private func takeMail() {
        mailbox.withLock { mailbox in
            mailbox.isWaiting = false
            if !mailbox.works.isEmpty { swap(&mailbox.works, &arrived) }
        }
        if arrived.isEmpty { return }
        for work in arrived { work() }
        arrived.removeAll(keepingCapacity: true)
    }

    private func runTimers() {
        guard let first = timers.nextDueAt else { return }
        let now = LoopTimer.now
        if first > now { return }
        while let timer = timers.takeDue(now: now) { timer.run() }
    }

    private func endRound() {
        while !endOfRound.isEmpty || !unsentLinks.isEmpty {
            while !endOfRound.isEmpty {
                swap(&running, &endOfRound)
                for work in running { work() }
                running.removeAll(keepingCapacity: true)
            }
            swap(&sending, &unsentLinks)
            for link in sending { link.sendQueued() }
            sending.removeAll(keepingCapacity: true)
        }
        emptyOutbox()
    }

    private func emptyOutbox() {
        if outbox.isEmpty { return }
        var outgoing: [(loop: NetworkLoop, works: [Work])] = []
        swap(&outgoing, &outbox)
        for (loop, works) in outgoing {
            loop.deposit { $0.append(contentsOf: works) }
        }
    }

    // MARK: The end

    /// Ends the loop and waits for that; not from one of the loops. Its connections are closed.
    func stop() {
        mailbox.withLock { mailbox in
            mailbox.isStopping = true
            mailbox.isWaiting = false
        }
        poller.wake()
        if let thread = thread.withLock({ $0.take() }) { martlet_thread_join(thread) }
    }

    private func end() {
        poller.end()
        for _ in 0..<NetworkLoop.lastRoundsMax {
            takeMail()
            endRound()
            if mailbox.withLock({ $0.works.isEmpty }) { break }
        }
        let dropped = mailbox.withLock { mailbox in
            mailbox.isOver = true
            var works: [Work] = []
            swap(&works, &mailbox.works)
            return works
        }
        withExtendedLifetime(dropped) {}
        timers = TimerQueue()
    }
}
