import ClientCore
import Primitives
import Synchronization
import WireMessages
import WireProtocol
import World

/// One connection to one broker: asks for its versions first, then sends what it is given and pairs the answers.
///
/// It is not made again after it ended: whoever wants another makes one. A call that times out ends the connection, as
/// nothing is known of what follows.
final class BrokerConnection: LinkHandler {
    /// Calls that wait or are under way; a caller that exceeds it gets an error at once.
    static let callsMax = 10_000
    /// The largest answer.
    static let frameBytesMax = 256 << 20

    private enum Phase {
        case idle
        case connecting
        case askingVersions(any Link)
        case open(any Link, VersionTable)
        case ended(ClientError)
    }

    private struct State {
        var phase = Phase.idle
        var waiting: [any ConnectionCall] = []
        var unanswered: [Int32: (call: any ConnectionCall, timer: any Timer)] = [:]
        var nextCorrelation: Int32 = 0
    }

    let endpoint: Endpoint
    private let configuration: ClientConfiguration
    private let runtime: ClientRuntime
    private let state = Mutex(State())

    init(to endpoint: Endpoint, _ configuration: ClientConfiguration, _ runtime: ClientRuntime) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.runtime = runtime
    }

    /// True once the connection can't be used any more.
    var hasEnded: Bool { state.withLock { if case .ended = $0.phase { true } else { false } } }

    /// Sends a request; `completion` runs on the loop.
    ///
    /// - Parameter handedOver: given for a request that no answer comes to: it runs on the loop when the request is
    ///   with the link, and `completion` only if that fails.
    func send<Request: WireRequest>(
        _ request: Request, upTo versionLimit: Int16? = nil, timeoutMilliseconds: Int64,
        handedOver: (@Sendable () -> Void)? = nil, completion: @escaping TypedCall<Request>.Completion
    ) {
        let call = TypedCall(
            request, upTo: versionLimit, timeoutMilliseconds: timeoutMilliseconds, handedOver: handedOver,
            completion: completion)
        runtime.loop.execute { self.take(call) }
    }

    /// Ends the connection; what waits fails.
    func close() { runtime.loop.execute { self.end(ClientError(.closed, "The client was closed")) } }

    // MARK: on the loop

    private func take(_ call: any ConnectionCall) {
        enum Next { case connect, wait, send(any Link, VersionTable), fail(ClientError) }
        let next: Next = state.withLock { state in
            if state.waiting.count + state.unanswered.count >= BrokerConnection.callsMax {
                return .fail(ClientError(.connection, "Too many requests wait for \(endpoint)"))
            }
            switch state.phase {
            case .idle:
                state.phase = .connecting
                state.waiting.append(call)
                return .connect
            case .connecting, .askingVersions:
                state.waiting.append(call)
                return .wait
            case .open(let link, let versions): return .send(link, versions)
            case .ended(let error): return .fail(error)
            }
        }
        switch next {
        case .connect: connect()
        case .wait: break
        case .send(let link, let versions): transmit(call, link, versions)
        case .fail(let error): call.fail(error)
        }
    }

    private func connect() {
        runtime.network.connect(
            to: endpoint, on: runtime.loop, timeoutMilliseconds: configuration.connectTimeoutMilliseconds,
            frameLimitBytes: BrokerConnection.frameBytesMax, handler: self
        ) { [self] result in
            switch result {
            case .success(let link):
                state.withLock { $0.phase = .askingVersions(link) }
                askVersions(link, version: ApiVersionsRequest.versions.upperBound)
            case .failure(let error): end(BrokerConnection.explain(error, endpoint))
            }
        }
    }

    /// The first request; a broker that is older answers in version 0 with what it has.
    private func askVersions(_ link: any Link, version: Int16) {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "martlet"
        request.clientSoftwareVersion = "0.1.0"
        var known = ApiVersionsResponse.ApiVersion()
        known.apiKey = ApiVersionsRequest.key.value
        known.minVersion = 0
        known.maxVersion = version
        var all = ApiVersionsResponse()
        all.apiKeys = [known]
        let call = TypedCall(
            request, upTo: version, timeoutMilliseconds: configuration.connectTimeoutMilliseconds
        ) { [self] result in versionsAnswered(link, asked: version, result) }
        transmit(call, link, VersionTable(all))
    }

    private func versionsAnswered(
        _ link: any Link, asked: Int16, _ result: Result<ApiVersionsResponse, ClientError>
    ) {
        switch result {
        case .success(let response) where response.errorCode == .unsupportedVersion && asked > 0:
            askVersions(link, version: 0)
        case .success(let response) where response.errorCode == .noError:
            let versions = VersionTable(response)
            let waiting = state.withLock { state in
                state.phase = .open(link, versions)
                defer { state.waiting = [] }
                return state.waiting
            }
            for call in waiting { transmit(call, link, versions) }
        case .success(let response): end(ClientError(code: response.errorCode))
        case .failure(let error) where error.kind == .timeout:
            // The machine takes connections and the broker does not speak. Nothing that waits was sent, so it may be
            // asked of another broker.
            end(ClientError(.connection, error.description))
        case .failure(let error):
            if asked > 0, error.kind == .connection, !hasEnded { askVersions(link, version: 0) } else { end(error) }
        }
    }

    private func transmit(_ call: any ConnectionCall, _ link: any Link, _ versions: VersionTable) {
        let correlation = state.withLock { state in
            defer { state.nextCorrelation = state.nextCorrelation &+ 1 }
            return state.nextCorrelation
        }
        do throws(ClientError) {
            let frame = try call.frame(versions, CorrelationID(correlation), clientID: configuration.clientID)
            if call.isAnswered {
                let timer = runtime.loop.schedule(afterMilliseconds: call.timeoutMilliseconds) { [self] in
                    timedOut(correlation)
                }
                state.withLock { $0.unanswered[correlation] = (call, timer) }
            }
            link.send([.bytes(frame)])
            if !call.isAnswered { call.handedOver() }
        } catch {
            call.fail(error)
        }
    }

    private func timedOut(_ correlation: Int32) {
        guard let entry = state.withLock({ $0.unanswered.removeValue(forKey: correlation) }) else { return }
        let text = "No answer from \(endpoint) within \(entry.call.timeoutMilliseconds) ms"
        entry.call.fail(ClientError(.timeout, text))
        end(ClientError(.timeout, text))
    }

    private func end(_ error: ClientError) {
        let (link, calls): ((any Link)?, [any ConnectionCall]) = state.withLock { state in
            var link: (any Link)?
            switch state.phase {
            case .askingVersions(let open), .open(let open, _): link = open
            case .idle, .connecting: break
            case .ended: return (nil, [])
            }
            state.phase = .ended(error)
            for entry in state.unanswered.values { entry.timer.cancel() }
            let unanswered = state.unanswered.sorted { $0.key < $1.key }.map(\.value.call)
            let calls = unanswered + state.waiting
            state.unanswered = [:]
            state.waiting = []
            return (link, calls)
        }
        link?.close()
        for call in calls { call.fail(error) }
    }

    func frameReceived(_ frame: Bytes) {
        guard frame.count >= 4 else {
            return end(ClientError(.connection, "\(endpoint) sent a frame without a header"))
        }
        let correlation = frame.bigEndian(Int32.self, at: 0)
        guard let entry = state.withLock({ $0.unanswered.removeValue(forKey: correlation) }) else {
            return end(ClientError(.connection, "\(endpoint) answered what nobody asked"))
        }
        entry.timer.cancel()
        entry.call.complete(frame)
    }

    func roundReceived() {}

    func queueDrained() {}

    func linkEnded(_ end: LinkEnd) {
        self.end(ClientError(.connection, "The connection to \(endpoint) ended: \(end)"))
    }

    private static func explain(_ error: ConnectError, _ endpoint: Endpoint) -> ClientError {
        switch error {
        case .refused: ClientError(.connection, "Connection to \(endpoint) refused: no broker listens there")
        case .unreachable(let reason): ClientError(.connection, "\(endpoint) can't be reached: \(reason)")
        case .unknownHost(let host):
            ClientError(.connection, "Couldn't resolve server \(endpoint): unknown host \(host)")
        }
    }
}
