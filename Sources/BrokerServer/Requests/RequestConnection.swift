import Logging
import Primitives
import WireProtocol
import World

/// One client's connection: turns frames into requests, starts them in order, and sends their answers in order.
///
/// `@unchecked Sendable`: all its state is touched on the link's loop only; answers from other threads go there first.
final class RequestConnection: LinkHandler, ReplyReceiver, @unchecked Sendable {
    /// A request whose header has been read.
    private struct Incoming {
        let header: RequestHeader
        /// Nil for ApiVersions in a version that is not served, which has an answer of its own.
        let entry: HandlerTable.Entry?
        let body: Bytes
        let frame: Bytes
        let receivedAt: MonotonicInstant
    }

    /// What the meters want to know when the answer leaves.
    private struct Mark {
        let key: APIKey
        let receivedAt: MonotonicInstant
        /// Nil unless requests are logged.
        let header: RequestHeader?
    }

    private let link: any Link
    let identity: ConnectionIdentity
    private let table: HandlerTable
    private let shared: ClientLimits
    /// The limits when it was accepted.
    private let limits: RequestLimits
    private let clock: any Clock
    private let refusals: RefusalLog
    private let meters: RequestMeters.Lane
    private let requestLog: RequestLog?
    private let whenClosed: @Sendable (RequestConnection) -> Void

    private var pipeline: RequestPipeline<Incoming, Mark>
    private var lastRequestAt: MonotonicInstant
    private var lastClientID: String?
    private var isStarting = false
    private var isStartScheduled = false
    private var isClosed = false
    private var isPaused = false
    /// Nothing is read before this instant: connections come too fast.
    private var isHeldBack = false
    private let bounds: ConnectionBounds
    private let loop: any Loop
    /// `startAfterAnswers`, made once.
    private var roundEnd: @Sendable () -> Void = {}

    init(
        link: any Link, identity: ConnectionIdentity, table: HandlerTable, limits shared: ClientLimits,
        isExempt: Bool = false, clock: any Clock, refusals: RefusalLog, meters: RequestMeters.Lane,
        requestLog: RequestLog? = nil,
        whenClosed: @escaping @Sendable (RequestConnection) -> Void
    ) {
        self.link = link
        loop = link.loop
        self.identity = identity
        self.table = table
        self.shared = shared
        limits = shared.current
        bounds = ConnectionBounds(
            link: link, shared: shared, stallMilliseconds: limits.stallMilliseconds, isExempt: isExempt, clock: clock)
        self.clock = clock
        self.refusals = refusals
        self.meters = meters
        self.requestLog = requestLog
        self.whenClosed = whenClosed
        pipeline = RequestPipeline(requestsMax: limits.requestsMax, bytesMax: limits.requestBytesMax)
        lastRequestAt = clock.now
        roundEnd = { [weak self] in self?.startAfterAnswers() }
        bounds.changed = { [weak self] in self?.pauseOrResume() }
        watchIdleness(afterMilliseconds: limits.idleMilliseconds)
    }

    /// Closes the connection after what is queued; from any thread.
    func close() { link.close() }

    /// Ends the connection at once, with whatever it holds; from any thread.
    func abandon() { link.reset() }

    /// When its last request came; from any thread.
    var lastRequestNanoseconds: Int64 { bounds.lastRequestNanoseconds }

    /// Since when it has held memory for nothing; from any thread.
    var hogNanoseconds: Int64? { bounds.hogNanoseconds }

    /// Reads nothing for a while; on the link's loop, before anything was read.
    func holdBack(milliseconds: Int64) {
        isHeldBack = true
        pauseOrResume()
        link.loop.schedule(afterMilliseconds: milliseconds) { [weak self] in
            self?.isHeldBack = false
            self?.pauseOrResume()
        }
    }

    // MARK: What arrives

    func frameReceived(_ frame: Bytes) {
        if isClosed { return }
        lastRequestAt = clock.now
        bounds.requestCame(at: lastRequestAt)
        guard let incoming = read(frame) else { return end() }
        meters.received(bytes: frame.count)
        let key = incoming.header.key
        let mark = Mark(
            key: key, receivedAt: incoming.receivedAt, header: requestLog?.isOn == true ? incoming.header : nil)
        take(incoming, isPipelined: key == .produce, bytes: frame.count, mark)
        bounds.requestBytesChanged(to: pipeline.bytes, isPaused: isPaused)
        pauseOrResume()
    }

    func partialBytesChanged(to bytes: Int) {
        if isClosed { return }
        bounds.partialBytesChanged(to: bytes, isPaused: isPaused)
        pauseOrResume()
    }

    /// Reads the header in place; nil, with a line in the log, where the connection has to be closed.
    private func read(_ frame: Bytes) -> Incoming? {
        var reader = WireReader(frame)
        do throws(WireError) {
            let header = try RequestHeader(from: &reader, lastClientID: lastClientID) { key in
                servedEntry(key)?.firstFlexible
            }
            lastClientID = header.clientID
            let entry = servedEntry(header.key)
            let isServed = entry?.versions.contains(header.version) ?? false
            guard isServed || header.key == .apiVersions else {
                refuse("\(header.key) has no version \(header.version) here", .unsupported)
                return nil
            }
            return Incoming(
                header: header, entry: isServed ? entry : nil, body: frame[reader.position..<frame.count],
                frame: frame, receivedAt: lastRequestAt)
        } catch {
            refuse("\(error)", .malformed)
            return nil
        }
    }

    private func servedEntry(_ key: APIKey) -> HandlerTable.Entry? {
        guard let entry = table.entry(for: key), !entry.listeners.isDisjoint(with: identity.listener.kind) else {
            return nil
        }
        return entry
    }

    private func refuse(_ reason: String, _ cause: RequestMeters.Refusal) {
        meters.refused(cause)
        refusals.say(
            .info, "request refused, connection closed",
            ["peer": "\(identity.remote)", "listener": "\(identity.listener.name)", "reason": "\(reason)"])
    }

    func roundReceived() {}

    func queueDrained() {
        bounds.look(isPaused: isPaused)
        start()
        pauseOrResume()
    }

    func linkEnded(_ end: LinkEnd) {
        isClosed = true
        if end == .badFrame { meters.refused(.badFrame) }
        meters.dropped(pipeline.waitingCount)
        bounds.ended()
        whenClosed(self)
    }

    // MARK: What starts

    /// Starts a request at once where nothing stands before it, or puts it behind what waits.
    private func take(_ incoming: Incoming, isPipelined: Bool, bytes: Int, _ mark: Mark) {
        guard !isStarting, !bounds.isCongested(isPaused: isPaused),
            let sequence = pipeline.startAtOnce(isPipelined: isPipelined, bytes: bytes, mark: mark)
        else {
            pipeline.append(incoming, isPipelined: isPipelined, bytes: bytes, mark: mark)
            return start()
        }
        isStarting = true
        dispatch(incoming, ReplySlot(header: incoming.header, sequence: sequence, receiver: self))
        isStarting = false
    }

    /// Starts whatever may start; what can't holds up a request that waits for something else.
    private func start() {
        startWaiting()
        if pipeline.waitingCount > 0 { identity.hastenWaiting() }
    }

    /// Answers given meanwhile are sent, and let the next one start.
    private func startWaiting() {
        if isStarting { return }
        isStarting = true
        defer { isStarting = false }
        while !isClosed, !bounds.isCongested(isPaused: isPaused), let (incoming, sequence) = pipeline.startNext() {
            dispatch(incoming, ReplySlot(header: incoming.header, sequence: sequence, receiver: self))
        }
    }

    private func dispatch(_ incoming: Incoming, _ slot: ReplySlot) {
        guard let entry = incoming.entry else {
            return slot.complete(.segments([.bytes(ApiVersionsHandler.unsupportedVersion(incoming.header))]))
        }
        let context = RequestContext(
            header: incoming.header, connection: identity, receivedAt: incoming.receivedAt, bytes: incoming.body,
            frame: incoming.frame)
        if let error = entry.dispatch(context, slot) {
            refuse("\(incoming.header.key) version \(incoming.header.version): \(error)", .malformed)
            slot.complete(.close)
        }
    }

    // MARK: What leaves

    func requestEnded(sequence: UInt64, _ outcome: ReplyOutcome) {
        if loop.isCurrent {
            finish(sequence, outcome)
        } else {
            loop.execute { self.finish(sequence, outcome) }
        }
    }

    private func finish(_ sequence: UInt64, _ outcome: ReplyOutcome) {
        pipeline.end(sequence, outcome)
        sendAnswers()
        if isStarting || isStartScheduled || isClosed { return }
        // Nearly always nothing waits for the answer.
        if pipeline.waitingCount == 0, !isPaused { return bounds.requestBytesFell(to: pipeline.bytes) }
        // Whoever answers may hold a lock: what the answer lets start waits for the end of the round.
        isStartScheduled = true
        loop.atEndOfRound(roundEnd)
    }

    private func sendAnswers() {
        while let (outcome, mark) = pipeline.takeNextOutcome() {
            let taken = (clock.now.value - mark.receivedAt.value) / 1_000
            meters.answered(mark.key, microseconds: taken, bytes: outcome.byteCount)
            if let header = mark.header {
                requestLog?.say(header, identity, microseconds: taken, bytes: outcome.byteCount)
            }
            if isClosed { continue }
            switch outcome {
            case .segments(let segments):
                link.send(segments)
                bounds.sent(segments)
            case .nothing: break
            case .close: end()
            }
        }
    }

    private func startAfterAnswers() {
        isStartScheduled = false
        start()
        bounds.requestBytesChanged(to: pipeline.bytes, isPaused: isPaused)
        pauseOrResume()
    }

    private func pauseOrResume() {
        if isClosed { return }
        let mustPause = pipeline.isFull || isHeldBack || bounds.isMuted
        if isPaused == mustPause { return }
        isPaused = mustPause
        link.setReading(!isPaused)
    }

    // MARK: How it ends

    private func end() {
        isClosed = true
        link.close()
    }

    private func watchIdleness(afterMilliseconds delay: Int64) {
        link.loop.schedule(afterMilliseconds: delay) { [weak self] in self?.closeIfIdle() }
    }

    private func closeIfIdle() {
        if isClosed { return }
        let idle = clock.now.milliseconds(since: lastRequestAt)
        if idle >= limits.idleMilliseconds && pipeline.isEmpty {
            shared.counts.note(.closedIdle)
            return end()
        }
        watchIdleness(afterMilliseconds: max(limits.idleMilliseconds - idle, 1_000))
    }
}
