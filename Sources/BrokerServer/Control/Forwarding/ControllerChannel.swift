package import Primitives
package import WireProtocol
package import World

/// Requests of this node to whichever node is the active controller: it follows the leader and asks again where one has
/// gone, until the request's time is over.
///
/// `@unchecked Sendable`: touched on the control loop only; `send` goes there first.
package final class ControllerChannel: LeaderFollower, @unchecked Sendable {
    /// Wait before a request is sent again.
    private static let retryMilliseconds: Int64 = 20
    /// Longest wait for one answer, where nothing else is said: a connection that died unnoticed does not hold a
    /// request for its whole time.
    package static let attemptMilliseconds: Int64 = 2_000

    private let clientID: String
    private let world: World
    /// Where a controller can be reached; asked on the control loop.
    private let addresses: @Sendable (BrokerID) -> Endpoint?
    private var leader = QuorumLeader(id: nil, epoch: .zero)
    private var connection: PeerConnection?
    private var isShutDown = false

    package init(clientID: String, world: World, addresses: @escaping @Sendable (BrokerID) -> Endpoint?) {
        self.clientID = clientID
        self.world = world
        self.addresses = addresses
    }

    /// Sends a request and, as long as there is time, sends it again where no active controller answered.
    ///
    /// A request whose answer was lost may be executed twice. May be called from any thread; `completion` runs on the
    /// control loop.
    /// - Parameter attemptMilliseconds: longest wait for one answer; the whole time for a request that takes long and
    ///   does harm when it is executed twice. It is sent again anyway when another node leads.
    /// - Parameter isRefusedByStandby: whether a response says that the sender is not the active controller.
    package func send<Request: WireRequest>(
        _ request: Request, timeoutMilliseconds: Int64,
        attemptMilliseconds: Int64 = ControllerChannel.attemptMilliseconds,
        isRefusedByStandby: @escaping @Sendable (Request.Response) -> Bool,
        completion: @escaping @Sendable (Result<Request.Response, PeerError>) -> Void
    ) {
        let deadline = world.clock.now.advanced(byMilliseconds: timeoutMilliseconds)
        onLoop {
            self.attempt(request, deadline, attemptMilliseconds, isRefusedByStandby, completion)
        }
    }

    /// The node that is asked now; on the control loop.
    package var presentLeader: BrokerID? { leader.id }

    /// Fails what is in flight and sends nothing more.
    package func shutDown() {
        onLoop {
            self.isShutDown = true
            self.connection?.shutDown()
            self.connection = nil
        }
    }

    package func leaderChanged(_ leader: QuorumLeader) {
        guard leader != self.leader else { return }
        let isSameNode = leader.id == self.leader.id
        self.leader = leader
        if isSameNode { return }
        // What is in flight fails with `shutDown` and is sent to the new leader.
        connection?.shutDown()
        connection = nil
    }

    private func attempt<Request: WireRequest>(
        _ request: Request, _ deadline: MonotonicInstant, _ attemptMilliseconds: Int64,
        _ isRefusedByStandby: @escaping @Sendable (Request.Response) -> Bool,
        _ completion: @escaping @Sendable (Result<Request.Response, PeerError>) -> Void
    ) {
        if isShutDown { return completion(.failure(.shutDown)) }
        let left = deadline.milliseconds(since: world.clock.now)
        guard left > 0 else { return completion(.failure(.timedOut)) }
        let again: @Sendable () -> Void = {
            self.world.controlLoop.schedule(afterMilliseconds: ControllerChannel.retryMilliseconds) {
                self.attempt(request, deadline, attemptMilliseconds, isRefusedByStandby, completion)
            }
        }
        guard let connection = openConnection() else { return again() }
        let wait = min(left, attemptMilliseconds)
        connection.send(request, timeoutMilliseconds: wait) { result in
            switch result {
            case .success(let response) where isRefusedByStandby(response): again()
            case .success(let response): completion(.success(response))
            case .failure(.unsupported): completion(.failure(.unsupported))
            case .failure(.malformed(let error)): completion(.failure(.malformed(error)))
            case .failure: again()
            }
        }
    }

    private func openConnection() -> PeerConnection? {
        guard let id = leader.id, let endpoint = addresses(id) else { return connection }
        if let connection {
            if connection.endpoint == endpoint { return connection }
            // The controller has come back at another address.
            connection.shutDown()
        }
        var limits = PeerLimits()
        limits.backoffMilliseconds = 10...100
        let made = PeerConnection(
            to: endpoint, clientID: clientID, network: world.network, clock: world.clock, loop: world.controlLoop,
            limits: limits)
        connection = made
        return made
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        if world.controlLoop.isCurrent { return work() }
        world.controlLoop.execute(work)
    }
}
