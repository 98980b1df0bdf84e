import NIOCore
import NIOPosix
import Synchronization
package import World

/// A live loop: one thread that waits on its sockets and runs what it is given, on a SwiftNIO event loop.
///
/// A *round* is all that one return of the selector brought. Work from elsewhere comes through a mailbox that costs one
/// wake however much is put into it; what this loop gives to other loops waits until the end of the round and costs
/// one wake for each of them.
///
/// `@unchecked Sendable`: the mailbox is behind a `Mutex`; everything mutable besides is touched on the loop only.
package final class NetworkLoop: Loop, @unchecked Sendable {
    typealias Work = @Sendable () -> Void

    let eventLoop: any EventLoop
    /// For the receive buffers of the loop's connections.
    let spareBuffers = SpareBuffers()

    private let mailbox = Mutex<[Work]>([])
    /// What this round gives to other loops.
    private var outbox: [(loop: NetworkLoop, works: [Work])] = []
    private var endOfRound: [Work] = []
    private var unsentLinks: [NetworkLink] = []
    private var isEndScheduled = false
    /// What a round runs and sends at its end: kept for their memory only.
    private var running: [Work] = []
    private var sending: [NetworkLink] = []
    /// `endRound`, made once.
    private var roundEnd: Work = {}

    private static let current = ThreadSpecificVariable<NetworkLoop>()

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        roundEnd = { [unowned self] in endRound() }
        eventLoop.execute { NetworkLoop.current.currentValue = self }
    }

    /// The loop whose thread this is.
    static var onThisThread: NetworkLoop? { current.currentValue }

    package var isCurrent: Bool { eventLoop.inEventLoop }

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
        let timer = LoopTimer(work: work, isShort: delay <= LoopTimer.longestShortMilliseconds)
        timer.start(on: eventLoop, after: LoopTimer.amount(milliseconds: delay))
        return timer
    }

    @discardableResult
    package func schedule(
        afterMicroseconds delay: Int64, _ work: @escaping @Sendable () -> Void
    ) -> any Timer {
        let timer = LoopTimer(work: work, isShort: delay <= LoopTimer.longestShortMilliseconds * 1_000)
        timer.start(on: eventLoop, after: .microseconds(delay))
        return timer
    }

    package func atEndOfRound(_ work: @escaping @Sendable () -> Void) {
        endOfRound.append(work)
        scheduleEnd()
    }

    /// Has `link` send what it queued, when the round ends.
    func sendAtEndOfRound(_ link: NetworkLink) {
        unsentLinks.append(link)
        scheduleEnd()
    }

    /// Puts work into the mailbox; wakes the loop if it was empty.
    private func deposit(_ change: (inout sending [Work]) -> Void) {
        let wasEmpty = mailbox.withLock { works in
            let wasEmpty = works.isEmpty
            change(&works)
            return wasEmpty
        }
        if wasEmpty { eventLoop.execute(roundEnd) }
    }

    private func post(_ work: @escaping Work, to target: NetworkLoop) {
        if let index = outbox.firstIndex(where: { $0.loop === target }) {
            outbox[index].works.append(work)
        } else {
            outbox.append((target, [work]))
        }
        scheduleEnd()
    }

    /// The event loop runs this after all sockets of the round: that is where a round ends.
    private func scheduleEnd() {
        if isEndScheduled { return }
        isEndScheduled = true
        eventLoop.execute(roundEnd)
    }

    private func endRound() {
        isEndScheduled = true
        let arrived = mailbox.withLock { works in
            var taken: [Work] = []
            swap(&taken, &works)
            return taken
        }
        for work in arrived { work() }
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
        isEndScheduled = false
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
}
