import ClientCore
import Primitives
import Synchronization
import WireMessages
import WireProtocol

/// A request that waits for its connection, or for its answer.
protocol ConnectionCall: AnyObject, Sendable {
    var timeoutMilliseconds: Int64 { get }
    /// False for the one request that no answer comes to: Produce with acks=0.
    var isAnswered: Bool { get }
    /// The frame in the greatest version that both sides speak; fails where there is none.
    func frame(_ versions: VersionTable, _ correlationID: CorrelationID, clientID: String) throws(ClientError) -> Bytes
    /// The frame of a request that no answer comes to is with the link.
    func handedOver()
    /// The answer's frame has come.
    func complete(_ frame: Bytes)
    /// There will be no answer.
    func fail(_ error: ClientError)
}

/// One request of a certain type with what to do with its answer. Completes once, whatever comes first.
final class TypedCall<Request: WireRequest>: ConnectionCall {
    typealias Completion = @Sendable (Result<Request.Response, ClientError>) -> Void

    let timeoutMilliseconds: Int64
    let isAnswered: Bool
    private let request: Request
    private let versionLimit: Int16?
    private let version = Mutex<Int16>(0)
    private let completion: Mutex<Completion?>
    private let onHandedOver: (@Sendable () -> Void)?

    /// - Parameter handedOver: called instead of `completion` for a request that no answer comes to.
    init(
        _ request: Request, upTo versionLimit: Int16?, timeoutMilliseconds: Int64,
        handedOver: (@Sendable () -> Void)? = nil, completion: @escaping Completion
    ) {
        self.request = request
        self.versionLimit = versionLimit
        onHandedOver = handedOver
        isAnswered = handedOver == nil
        self.timeoutMilliseconds = timeoutMilliseconds
        self.completion = Mutex(completion)
    }

    func frame(
        _ versions: VersionTable, _ correlationID: CorrelationID, clientID: String
    ) throws(ClientError) -> Bytes {
        guard let chosen = versions.version(of: Request.self, upTo: versionLimit) else {
            throw ClientError(.unsupported, "The broker does not support \(Request.self)")
        }
        version.withLock { $0 = chosen }
        return WireFrame.request(request, version: chosen, correlationID: correlationID, clientID: clientID)
    }

    func handedOver() {
        completion.withLock { $0 = nil }
        onHandedOver?()
    }

    func complete(_ frame: Bytes) {
        let chosen = version.withLock { $0 }
        let headerVersion = ResponseHeader.headerVersion(
            key: Request.key, version: chosen, firstFlexible: Request.firstFlexible)
        do throws(WireError) {
            var reader = WireReader(frame)
            _ = try ResponseHeader(from: &reader, headerVersion: headerVersion)
            finish(.success(try Request.Response(from: &reader, version: chosen)))
        } catch {
            finish(.failure(ClientError(.connection, "The broker's answer to \(Request.self) can't be read: \(error)")))
        }
    }

    func fail(_ error: ClientError) { finish(.failure(error)) }

    private func finish(_ result: Result<Request.Response, ClientError>) {
        let waiting = completion.withLock { slot in
            defer { slot = nil }
            return slot
        }
        waiting?(result)
    }
}
