import Metadata
import Primitives
import World

/// What one dial to an advertised address found.
enum DialFinding: Hashable, Sendable {
    case answered(BrokerID)
    /// Something answers, but not as a node of ours does.
    case foreign
    case refused
    /// The name is not known, there is no route, or nothing comes back in time.
    case unreachable(String)
}

/// One address that a broker tells others to connect to.
struct AdvertisedAddress: Hashable, Sendable {
    let broker: BrokerID
    let epoch: BrokerEpoch
    let listener: String
    let endpoint: Endpoint

    init(_ broker: BrokerRegistration, _ listener: RegisteredListener) {
        self.broker = broker.id
        epoch = broker.epoch
        self.listener = listener.name
        endpoint = Endpoint(host: listener.host, port: Int(listener.port))
    }

    /// Whether the address leads to whatever machine it is used on.
    var isLocal: Bool { endpoint.host == "localhost" || endpoint.host.hasPrefix("127.") || endpoint.host == "::1" }
}

/// What is wrong with the addresses that brokers advertise, in sentences for the log; free of effects.
enum ListenerDiagnosis {
    /// The addresses of a broker that should answer when this node dials them.
    ///
    /// An address of the machine itself is meant for clients there, but on the listener that brokers use.
    static func dialled(_ broker: BrokerRegistration, interBroker: String) -> [AdvertisedAddress] {
        broker.listeners.filter { $0.name != OutsideClients.listenerName }.map { AdvertisedAddress(broker, $0) }
            .filter { !$0.isLocal || $0.listener == interBroker }
    }

    /// What a dial says of an address; nil when it is as it should be.
    static func complaint(_ address: AdvertisedAddress, _ finding: DialFinding, me: BrokerID) -> String? {
        let whose = address.broker == me ? "this node" : "broker \(address.broker)"
        let subject = "listener \(address.listener) of \(whose) is advertised as \(address.endpoint), "
        switch finding {
        case .answered(let node) where node == address.broker: return nil
        case .answered(let node) where node == me && address.isLocal:
            return subject + "which leads every machine to itself: set advertised.listeners of \(whose) to a name that "
                + "the others can resolve"
        case .answered(let node):
            return subject + "but broker \(node) answers there: set advertised.listeners of \(whose) to its own address"
        case .foreign:
            return subject + "but what answers there is not a node: look for another program at that port, or a proxy"
        case .refused:
            return subject
                + "but nothing listens there: check the port in advertised.listeners, and that listeners has "
                + "it on an address that \(address.endpoint.host) leads to"
        case .unreachable(let reason):
            return subject + "but can't be reached from here (\(reason)): check the name in advertised.listeners, the "
                + "network between the nodes, and firewalls"
        }
    }

    /// What the addresses say of each other: one address for two brokers, a listener that only some advertise.
    static func conflicts(_ brokers: [BrokerRegistration]) -> [String] {
        var sentences: [String] = []
        for name in Set(brokers.flatMap { $0.listeners.map(\.name) }).sorted() {
            let having = brokers.filter { $0.listener(named: name) != nil }
            if having.count < brokers.count {
                let lacking = brokers.filter { $0.listener(named: name) == nil }.map { "\($0.id)" }
                sentences.append(
                    "listener \(name) is not advertised by broker \(lacking.joined(separator: ", ")): clients of that "
                        + "listener can't reach what is led there")
            }
            var owners: [Endpoint: BrokerID] = [:]
            for broker in having {
                let address = AdvertisedAddress(broker, broker.listener(named: name)!)
                if let other = owners[address.endpoint] {
                    sentences.append(
                        "brokers \(other) and \(broker.id) both advertise \(address.endpoint) for listener \(name): "
                            + "clients reach only one of them. Give each its own advertised.listeners")
                } else {
                    owners[address.endpoint] = broker.id
                }
            }
        }
        return sentences
    }
}
