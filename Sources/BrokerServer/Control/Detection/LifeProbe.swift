import Primitives
import World
import WireMessages

/// One question to an address: does a process answer there, and which one?
struct LifeProbe: Sendable {
    /// What one attempt found.
    enum Finding: Hashable, Sendable {
        /// Nothing listens there.
        case refused
        /// A Martlet node answered.
        case answered(node: BrokerID, incarnation: UUID128)
        /// A node of another make answered: something lives there, and it does not say what.
        case answeredByStranger
        /// None of these: accepted without an answer, broken off, or unreachable.
        case silent
    }

    private let endpoint: Endpoint
    private let world: World

    init(_ endpoint: Endpoint, world: World) {
        self.endpoint = endpoint
        self.world = world
    }

    /// Asks once; `completion` runs on the control loop.
    func run(timeoutMilliseconds: Int64, completion: @escaping @Sendable (Finding) -> Void) {
        var limits = PeerLimits()
        limits.connectTimeoutMilliseconds = timeoutMilliseconds
        limits.requestsMax = 1
        let connection = PeerConnection(
            to: endpoint, clientID: "life-probe", network: world.network, clock: world.clock, loop: world.controlLoop,
            limits: limits)
        var request = DescribeClusterRequest()
        request.asksForLife = true
        connection.send(request, timeoutMilliseconds: timeoutMilliseconds) { result in
            connection.shutDown()
            switch result {
            case .success(let response):
                let isMartlet = response.answeringIncarnationID != .zero
                completion(
                    isMartlet
                        ? .answered(node: response.answeringNodeID, incarnation: response.answeringIncarnationID)
                        : .answeredByStranger)
            case .failure(.refused): completion(.refused)
            case .failure: completion(.silent)
            }
        }
    }
}
