import DequeModule
import Primitives
import WireMessages
import WireProtocol
import World

/// The loop's side of a `PeerConnection`: its phases, what waits and what is in flight.
///
/// `@unchecked Sendable`: touched on its loop only.
final class PeerLink: @unchecked Sendable {
    private enum Phase {
        case idle
        case connecting
        /// ApiVersions is asked in the version given.
        case negotiating(any Link, version: Int16)
        case open(any Link, PeerVersions)
        /// Waits before it tries again.
        case resting
        case shutDown
    }

    private struct InFlight {
        let request: PeerRequest
        let correlationID: CorrelationID
        let version: Int16
    }

    private let endpoint: Endpoint
    private let clientID: String
    private let network: any Network
    private let clock: any Clock
    private let loop: any Loop
    private let limits: PeerLimits
    private let whenEnded: @Sendable (PeerError) -> Void

    private var phase = Phase.idle
    private var waiting: Deque<PeerRequest> = []
    private var inFlight: Deque<InFlight> = []
    private var nextCorrelation: Int32 = 1
    private var failedAttempts = 0
    private var negotiationDeadline: MonotonicInstant?
    private var alarmAt: MonotonicInstant?

    init(
        to endpoint: Endpoint, clientID: String, network: any Network, clock: any Clock, loop: any Loop,
        limits: PeerLimits, whenEnded: @escaping @Sendable (PeerError) -> Void
    ) {
        self.endpoint = endpoint
        self.clientID = clientID
        self.network = network
        self.clock = clock
        self.loop = loop
        self.limits = limits
        self.whenEnded = whenEnded
    }

    // MARK: Requests

    func submit(_ request: PeerRequest) {
        if case .shutDown = phase { return request.finish(.failure(.shutDown)) }
        guard waiting.count + inFlight.count < limits.requestsMax else {
            return request.finish(.failure(.queueFull))
        }
        setAlarm(request.deadline)
        switch phase {
        case .open(let link, let versions) where waiting.isEmpty: send(request, link, versions)
        case .open(let link, let versions):
            waiting.append(request)
            sendWaiting(link, versions)
        case .idle:
            waiting.append(request)
            connect()
        case .connecting, .negotiating, .resting, .shutDown: waiting.append(request)
        }
    }

    private func sendWaiting(_ link: any Link, _ versions: PeerVersions) {
        while let request = waiting.popFirst() { send(request, link, versions) }
    }

    private func send(_ request: PeerRequest, _ link: any Link, _ versions: PeerVersions) {
        guard let version = versions.best(for: request) else { return request.finish(.failure(.unsupported)) }
        let correlationID = takeCorrelationID()
        let frame = request.encode(version, correlationID)
        inFlight.append(InFlight(request: request, correlationID: correlationID, version: version))
        link.send([.bytes(frame)])
    }

    private func takeCorrelationID() -> CorrelationID {
        let id = CorrelationID(nextCorrelation)
        nextCorrelation = nextCorrelation == .max ? 1 : nextCorrelation + 1
        return id
    }

    func shutDown() {
        let link = currentLink
        phase = .shutDown
        failAll(.shutDown)
        link?.close()
    }

    /// Gives up the present connection; all that is in flight fails with `error`.
    func fail(_ error: PeerError) {
        guard let link = currentLink else { return }
        phase = .idle
        link.close()
        ended(error)
    }

    // MARK: Connecting

    private var currentLink: (any Link)? {
        switch phase {
        case .negotiating(let link, _), .open(let link, _): link
        case .idle, .connecting, .resting, .shutDown: nil
        }
    }

    private func connect() {
        phase = .connecting
        let attempt = PeerAttempt(self)
        network.connect(
            to: endpoint, on: loop, timeoutMilliseconds: limits.connectTimeoutMilliseconds,
            frameLimitBytes: limits.frameBytesMax, handler: attempt
        ) { result in
            self.connected(result, attempt)
        }
    }

    private func connected(_ result: Result<any Link, ConnectError>, _ attempt: PeerAttempt) {
        switch (result, phase) {
        case (.success(let link), .connecting):
            attempt.link = link
            negotiate(link, version: ApiVersionsRequest.versions.upperBound)
        case (.success(let link), _): link.close()
        case (.failure(let error), .connecting): rest(after: PeerError(error))
        case (.failure, _): break
        }
    }

    private func negotiate(_ link: any Link, version: Int16) {
        phase = .negotiating(link, version: version)
        var request = ApiVersionsRequest()
        request.clientSoftwareName = ApiVersionsHandler.ownSoftwareName
        request.clientSoftwareVersion = "1"
        let deadline = clock.now.advanced(byMilliseconds: limits.connectTimeoutMilliseconds)
        negotiationDeadline = deadline
        setAlarm(deadline)
        let frame = WireFrame.request(
            request, version: version, correlationID: CorrelationID(0), clientID: clientID)
        link.send([.bytes(frame)])
    }

    /// A connection could not be made: what waits fails, and the next attempt waits longer each time.
    private func rest(after error: PeerError) {
        phase = .resting
        let range = limits.backoffMilliseconds
        let delay = min(range.lowerBound << Int64(min(failedAttempts, 16)), range.upperBound)
        failedAttempts += 1
        loop.schedule(afterMilliseconds: delay) {
            guard case .resting = self.phase else { return }
            self.phase = .idle
            if !self.waiting.isEmpty { self.connect() }
        }
        failAll(error)
        whenEnded(error)
    }

    // MARK: What the present connection says

    func received(_ frame: Bytes, on link: (any Link)?) {
        // What an old connection still brings has been given up.
        guard link === currentLink else { return }
        do throws(WireError) {
            switch phase {
            case .negotiating(let link, let version): try agree(on: frame, link, version)
            case .open: try answer(frame)
            case .idle, .connecting, .resting, .shutDown: break
            }
        } catch {
            fail(.malformed(error))
        }
    }

    private func agree(on frame: Bytes, _ link: any Link, _ version: Int16) throws(WireError) {
        // Header version 0 always: the body starts behind the correlation id, with the error code.
        guard frame.count >= 6 else { throw .truncated(needed: 6, remaining: frame.count) }
        let body = frame[4..<frame.count]
        if ErrorCode(body.bigEndian(Int16.self, at: 0)) == .unsupportedVersion, version > 0 {
            // KIP-511: the answer is in version 0, which every peer speaks.
            return negotiate(link, version: 0)
        }
        let response = try ApiVersionsResponse.decode(body, version: version)
        guard response.errorCode == .noError else { return fail(.unsupported) }
        let versions = PeerVersions(response)
        phase = .open(link, versions)
        negotiationDeadline = nil
        failedAttempts = 0
        sendWaiting(link, versions)
    }

    private func answer(_ frame: Bytes) throws(WireError) {
        guard frame.count >= 4 else { throw .truncated(needed: 4, remaining: frame.count) }
        let correlationID = CorrelationID(frame.bigEndian(Int32.self, at: 0))
        guard !inFlight.isEmpty, inFlight[0].correlationID == correlationID else {
            return fail(.closed(.badFrame))
        }
        let first = inFlight.removeFirst()
        do throws(WireError) {
            try first.request.finish(with: frame, version: first.version)
        } catch {
            first.request.finish(.failure(.malformed(error)))
            throw error
        }
    }

    func linkEnded(_ link: any Link, _ end: LinkEnd) {
        guard currentLink === link else { return }
        let wasOpen = negotiationDeadline == nil
        phase = .idle
        if wasOpen { ended(.closed(end)) } else { rest(after: .closed(end)) }
    }

    /// An open connection is gone: the next request connects at once.
    private func ended(_ error: PeerError) {
        negotiationDeadline = nil
        failAll(error)
        whenEnded(error)
    }

    private func failAll(_ error: PeerError) {
        let failed = inFlight.map(\.request) + waiting
        inFlight.removeAll()
        waiting.removeAll()
        for request in failed { request.finish(.failure(error)) }
    }

    // MARK: Time

    private func setAlarm(_ instant: MonotonicInstant) {
        if let alarmAt, alarmAt <= instant { return }
        alarmAt = instant
        let delay = max(instant.milliseconds(since: clock.now) + 1, 1)
        loop.schedule(afterMilliseconds: delay) { [weak self] in self?.alarm(instant) }
    }

    private func alarm(_ instant: MonotonicInstant) {
        guard alarmAt == instant else { return }
        alarmAt = nil
        let now = clock.now
        expireWaiting(now)
        let isStalled = negotiationDeadline.map { $0 <= now } ?? false
        if isStalled || inFlight.contains(where: { $0.request.deadline <= now }) { return fail(.timedOut) }
        let deadlines = waiting.map(\.deadline) + inFlight.map(\.request.deadline)
        if let next = (deadlines + [negotiationDeadline].compactMap { $0 }).min() { setAlarm(next) }
    }

    private func expireWaiting(_ now: MonotonicInstant) {
        let expired = waiting.filter { $0.deadline <= now }
        if expired.isEmpty { return }
        waiting.removeAll { $0.deadline <= now }
        for request in expired { request.finish(.failure(.timedOut)) }
    }
}
