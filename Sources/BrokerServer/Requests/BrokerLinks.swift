import Metadata
import Primitives
import Synchronization
import World

/// Connections to the other brokers of the cluster, one for each, made when it is first needed.
package final class BrokerLinks: Sendable {
    private struct Made {
        let endpoint: Endpoint
        let connection: PeerConnection
    }

    let loop: any Loop
    private let clientID: String
    private let listener: String
    private let image: @Sendable () -> MetadataImage
    private let limits: PeerLimits
    private let world: World
    private let made = Mutex<[BrokerID: Made]>([:])

    /// - Parameter listener: `inter.broker.listener.name`.
    init(
        clientID: String, listener: String, limits: PeerLimits = PeerLimits(), world: World, loop: any Loop,
        image: @escaping @Sendable () -> MetadataImage
    ) {
        self.clientID = clientID
        self.listener = listener
        self.limits = limits
        self.world = world
        self.loop = loop
        self.image = image
    }

    /// The connection to a broker; nil where nobody knows its address.
    func connection(to broker: BrokerID) -> PeerConnection? {
        guard let told = image().brokers[broker]?.listener(named: listener) else { return nil }
        let endpoint = Endpoint(host: told.host, port: Int(told.port))
        return made.withLock { made in
            if let known = made[broker], known.endpoint == endpoint { return known.connection }
            made[broker]?.connection.shutDown()
            let connection = PeerConnection(
                to: endpoint, clientID: clientID, network: world.network, clock: world.clock, loop: loop,
                limits: limits)
            made[broker] = Made(endpoint: endpoint, connection: connection)
            return connection
        }
    }

    func shutDown() {
        let all = made.withLock { made in
            defer { made = [:] }
            return made.values.map(\.connection)
        }
        for connection in all { connection.shutDown() }
    }
}
