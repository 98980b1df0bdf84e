import Glibc
import NIOCore
import World

/// One connection that is being made: to the first of a name's addresses that answers.
///
/// An address that does not answer at once holds up the next one no longer than `headStartMilliseconds` (RFC 8305); the
/// first connection that stands is taken, and the others are given up.
///
/// `@unchecked Sendable`: touched on its loop only.
final class Dialling: @unchecked Sendable {
    static let headStartMilliseconds: Int64 = 250

    private let loop: NetworkLoop
    private let endpoint: Endpoint
    private let prepare: (Int32) -> Void
    private var whenOver: ((Result<Int32, ConnectError>) -> Void)?
    private var waiting: [SocketAddress] = []
    private var attempts: [Attempt] = []
    private var errors: [Int32] = []
    private var isRemembered = false
    private var timeout: (any Timer)?

    /// - Parameter prepare: sets the options of a socket before it connects.
    /// - Parameter whenOver: gets a connected socket, which is the caller's from then on, or the reason that there is
    ///   none. On the loop.
    init(
        to endpoint: Endpoint, on loop: NetworkLoop, prepare: @escaping (Int32) -> Void,
        whenOver: @escaping (Result<Int32, ConnectError>) -> Void
    ) {
        self.endpoint = endpoint
        self.loop = loop
        self.prepare = prepare
        self.whenOver = whenOver
    }

    /// Begins; on the loop.
    func begin(timeoutMilliseconds: Int64, names: HostNames = .shared) {
        timeout = loop.schedule(afterMilliseconds: timeoutMilliseconds) {
            self.end(.failure(.unreachable(reason: "no answer within \(timeoutMilliseconds) ms")))
        }
        if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
            waiting = [address]
            return startNext()
        }
        names.find(endpoint.host, on: loop) { found in self.located(found) }
    }

    private func located(_ found: Result<HostNames.Found, HostNames.UnknownName>) {
        guard whenOver != nil else { return }
        guard case .success(let found) = found else { return end(.failure(.unknownHost(endpoint.host))) }
        isRemembered = found.isRemembered
        waiting = found.addresses.compactMap { try? SocketAddress(ipAddress: $0, port: endpoint.port) }
        if waiting.isEmpty { return end(.failure(.unknownHost(endpoint.host))) }
        startNext()
    }

    private func startNext() {
        while whenOver != nil, !waiting.isEmpty {
            let address = waiting.removeFirst()
            guard let attempt = Attempt(to: address, on: loop, prepare) else {
                errors.append(errno)
                continue
            }
            attempts.append(attempt)
            attempt.begin { error in self.ended(attempt, error) }
            if !waiting.isEmpty {
                loop.schedule(afterMilliseconds: Dialling.headStartMilliseconds) { self.startNext() }
            }
            return
        }
        failIfNoneIsLeft()
    }

    private func ended(_ attempt: Attempt, _ error: Int32) {
        guard whenOver != nil else { return }
        attempts.removeAll { $0 === attempt }
        if error == 0, let socket = attempt.takeSocket() { return end(.success(socket)) }
        attempt.giveUp()
        errors.append(error)
        startNext()
    }

    private func failIfNoneIsLeft() {
        guard whenOver != nil, attempts.isEmpty, waiting.isEmpty else { return }
        end(.failure(ConnectError(errors, isRemembered: isRemembered)))
    }

    private func end(_ result: Result<Int32, ConnectError>) {
        guard let whenOver else { return }
        self.whenOver = nil
        timeout?.cancel()
        for attempt in attempts { attempt.giveUp() }
        (attempts, waiting) = ([], [])
        whenOver(result)
    }
}

extension Dialling {
    /// One address that is being connected to.
    ///
    /// `@unchecked Sendable`: touched on its loop only.
    private final class Attempt: PolledSocket, @unchecked Sendable {
        private let loop: NetworkLoop
        private let address: SocketAddress
        private var socket: Int32?
        private var place: Poller.Place?
        private var whenOver: (Int32) -> Void = { _ in }

        /// Nil, with `errno`, where there is no socket to be had.
        init?(to address: SocketAddress, on loop: NetworkLoop, _ prepare: (Int32) -> Void) {
            let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
            let made = Glibc.socket(address.protocol.rawValue, kind, 0)
            guard made >= 0 else { return nil }
            self.loop = loop
            self.address = address
            socket = made
            SameMachine.stopPacing(made)
            prepare(made)
        }

        /// - Parameter whenOver: gets 0 or an error number; not before this returns.
        func begin(_ whenOver: @escaping (Int32) -> Void) {
            self.whenOver = whenOver
            guard let socket else { return }
            let result = unsafe address.withSockAddr { unsafe connect(socket, $0, socklen_t($1)) }
            let error = result == 0 ? 0 : errno
            if error == EINPROGRESS || error == EINTR {
                place = loop.poller.add(socket, self, .writable)
                if place != nil { return }
            }
            let told = result == 0 ? 0 : error
            loop.atEndOfRound { self.whenOver(told) }
        }

        func ready(_ readiness: Readiness) {
            guard let socket else { return }
            forgetPlace()
            whenOver(SocketOption.takeError(of: socket))
        }

        func loopEnded() { giveUp() }

        func takeSocket() -> Int32? {
            forgetPlace()
            whenOver = { _ in }
            return socket.take()
        }

        func giveUp() {
            forgetPlace()
            whenOver = { _ in }
            if let socket { _ = Glibc.close(socket) }
            socket = nil
        }

        private func forgetPlace() {
            if let socket, let place { loop.poller.remove(place, of: socket) }
            place = nil
        }
    }
}

/// What failed connections prove: a refusal is proof that no process listens; all else is silence.
extension ConnectError {
    /// - Parameter errors: the error numbers of all addresses that were tried. A name may stand for several: refused
    ///   only where all of them refused.
    /// - Parameter isRemembered: The addresses were those that the name had earlier: somebody else may have them now,
    ///   and what he refuses proves nothing.
    init(_ errors: [Int32], isRemembered: Bool) {
        guard let first = errors.first(where: { $0 != ECONNREFUSED }) else {
            self = isRemembered ? .unreachable(reason: "refused at a remembered address") : .refused
            return
        }
        self = .unreachable(reason: unsafe String(cString: strerror(first)))
    }
}
