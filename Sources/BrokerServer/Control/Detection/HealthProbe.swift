import Primitives
package import World
import WireMessages

/// One question to a running node, from another process of the same machine: does it serve?
package struct HealthProbe: Sendable {
    /// What was found.
    package enum Verdict: Hashable, Sendable {
        case healthy
        /// The sentence says what is wrong.
        case unhealthy(String)
    }

    private let configuration: NodeConfiguration
    private let world: World

    package init(_ configuration: NodeConfiguration, world: World) {
        self.configuration = configuration
        self.world = world
    }

    /// Asks once; `completion` runs on the control loop.
    ///
    /// A broker is healthy when it answers and sees itself let in by the controller; a controller when it answers and
    /// knows who leads the quorum.
    package func run(timeoutMilliseconds: Int64, completion: @escaping @Sendable (Verdict) -> Void) {
        guard let endpoint else { return completion(.unhealthy("the node has no listener")) }
        var limits = PeerLimits()
        limits.connectTimeoutMilliseconds = timeoutMilliseconds
        limits.requestsMax = 1
        let connection = PeerConnection(
            to: endpoint, clientID: "health", network: world.network, clock: world.clock, loop: world.controlLoop,
            limits: limits)
        var request = DescribeClusterRequest()
        request.endpointType = configuration.isBroker ? 1 : 2
        request.includeFencedBrokers = configuration.isBroker
        connection.send(request, timeoutMilliseconds: timeoutMilliseconds) { [configuration] result in
            connection.shutDown()
            switch result {
            case .failure(let error): completion(.unhealthy("no answer at \(endpoint): \(error)"))
            case .success(let response): completion(HealthProbe.judge(response, of: configuration))
            }
        }
    }

    /// Where the node answers, seen from its own machine.
    private var endpoint: Endpoint? {
        let listeners = configuration.isBroker ? configuration.clientListeners : configuration.controllerListeners
        guard let first = listeners.first?.endpoint else { return nil }
        return ["", "0.0.0.0", "::"].contains(first.host) ? Endpoint(host: "127.0.0.1", port: first.port) : first
    }

    static func judge(_ response: DescribeClusterResponse, of configuration: NodeConfiguration) -> Verdict {
        guard response.errorCode == .noError else { return .unhealthy("the node answers \(response.errorCode)") }
        if configuration.isBroker {
            let isServing = response.brokers.contains { $0.brokerID == configuration.nodeID && !$0.isFenced }
            return isServing ? .healthy : .unhealthy("the controller has not let broker \(configuration.nodeID) in")
        }
        return response.controllerID.value >= 0 ? .healthy : .unhealthy("the quorum has no leader")
    }
}
