import Logging
import Primitives
import World

/// One connection to the admin port: requests one after the other, each with a deadline, answers within a bound.
///
/// `@unchecked Sendable`: touched on the link's loop only; answers from other threads go there first.
final class AdminConnection: LinkHandler, @unchecked Sendable {
    /// Time for a request to arrive whole, from its first byte on; and for the answer to be taken.
    static let requestMilliseconds: Int64 = 5_000
    static let answerTakenMilliseconds: Int64 = 30_000
    /// Time for an answer to be made.
    static let answerMilliseconds: Int64 = 10_000
    /// How long a connection may stay open between two requests.
    static let idleMilliseconds: Int64 = 120_000

    private enum Phase: Hashable {
        /// Between two requests.
        case idle
        case reading
        case answering
        /// The answer leaves; `isLast` if the connection ends with it.
        case sending(isLast: Bool)
        case ended
    }

    private let link: any Link
    private let pages: AdminPages
    private let counts: AdminCounts
    private let refusals: RefusalLog
    private let whenEnded: @Sendable () -> Void
    private var reader = HTTPRequestReader()
    private var phase = Phase.idle
    /// Counts phases: a timer of an earlier one is void.
    private var step = 0

    init(
        link: any Link, pages: AdminPages, counts: AdminCounts, refusals: RefusalLog,
        whenEnded: @escaping @Sendable () -> Void
    ) {
        self.link = link
        self.pages = pages
        self.counts = counts
        self.refusals = refusals
        self.whenEnded = whenEnded
        // The first request has to come as soon as a request has to.
        enter(.reading, AdminConnection.requestMilliseconds)
    }

    // MARK: What arrives

    func frameReceived(_ frame: Bytes) {
        guard phase == .idle || phase == .reading else { return }
        reader.append(frame)
        if phase == .idle { enter(.reading, AdminConnection.requestMilliseconds) }
        readOn()
    }

    func roundReceived() {}

    func queueDrained() {}

    func linkEnded(_ end: LinkEnd) {
        enter(.ended, nil)
        whenEnded()
    }

    private func readOn() {
        do throws(HTTPRefusal) {
            guard let request = try reader.next() else { return }
            answer(request)
        } catch {
            refuse(error)
        }
    }

    // MARK: What leaves

    private func answer(_ request: HTTPRequest) {
        enter(.answering, AdminConnection.answerMilliseconds)
        // What comes meanwhile waits in the socket.
        link.setReading(false)
        let asked = step
        pages.answer(request, from: link.remote) { [weak self] response in
            guard let self else { return }
            self.link.loop.execute {
                guard self.step == asked else { return }
                self.send(response, keepsAlive: request.keepsAlive, isHead: request.method == .head)
            }
        }
    }

    private func send(_ response: HTTPResponse, keepsAlive: Bool, isHead: Bool) {
        counts.answered(response.status)
        link.send([.bytes(response.bytes(keepsAlive: keepsAlive, isHead: isHead))])
        enter(.sending(isLast: !keepsAlive), nil)
        awaitTaken(until: AdminConnection.answerTakenMilliseconds)
    }

    /// Goes on with the next request when the peer has taken the answer; one that takes none is cut off.
    private func awaitTaken(until left: Int64) {
        guard case .sending(let isLast) = phase else { return }
        if isLast {
            enter(.ended, nil)
            return link.close()
        }
        let asked = step
        link.loop.atEndOfRound { [weak self] in
            guard let self, self.step == asked else { return }
            if self.link.queuedBytes < LinkQueue.lowBytes { return self.goOn() }
            guard left > 0 else { return self.close(.requestTimeout) }
            self.link.loop.schedule(afterMilliseconds: AdminConnection.drainLookMilliseconds) { [weak self] in
                guard let self, self.step == asked else { return }
                self.awaitTaken(until: left - AdminConnection.drainLookMilliseconds)
            }
        }
    }

    private static let drainLookMilliseconds: Int64 = 100

    private func goOn() {
        link.setReading(true)
        if reader.hasBegun {
            enter(.reading, AdminConnection.requestMilliseconds)
            readOn()
        } else {
            enter(.idle, AdminConnection.idleMilliseconds)
        }
    }

    // MARK: How it ends

    private func refuse(_ refusal: HTTPRefusal) {
        refusals.say(
            .info, "admin request refused, connection closed",
            ["peer": "\(link.remote)", "status": "\(refusal.status.rawValue)", "reason": "\(refusal.reason)"])
        counts.answered(refusal.status)
        link.send([.bytes(HTTPResponse(refusal.status, refusal.reason).bytes(keepsAlive: false, isHead: false))])
        enter(.ended, nil)
        link.close()
    }

    private func close(_ status: HTTPStatus) {
        counts.answered(status)
        enter(.ended, nil)
        link.close()
    }

    private func enter(_ next: Phase, _ deadlineMilliseconds: Int64?) {
        phase = next
        step += 1
        guard let deadlineMilliseconds else { return }
        let asked = step
        link.loop.schedule(afterMilliseconds: deadlineMilliseconds) { [weak self] in
            guard let self, self.step == asked else { return }
            self.deadlinePassed()
        }
    }

    private func deadlinePassed() {
        switch phase {
        case .idle: close(.requestTimeout)
        case .reading:
            reader.hasBegun
                ? refuse(HTTPRefusal(.requestTimeout, "the request did not arrive")) : close(.requestTimeout)
        case .answering:
            send(HTTPResponse(.unavailable, "the answer could not be made in time"), keepsAlive: false, isHead: false)
        case .sending, .ended: break
        }
    }
}
