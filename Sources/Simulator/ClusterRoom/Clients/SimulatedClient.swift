import BrokerServer
import ClientCore
import Primitives
import WireMessages
import WireProtocol
import World

/// The connections of a simulated client and what it knows of the cluster. The client runs on a machine of its own.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedClient: @unchecked Sendable {
    /// Its number in the network.
    let number: Int
    let loop: VirtualLoop
    let clock: VirtualClock
    let time: VirtualTime
    private let network: VirtualNetwork
    private let bootstrap: [Endpoint]
    private var connections: [Endpoint: PeerConnection] = [:]
    private(set) var view = ClientCore.ClusterView()
    private var isRefreshing = false
    private var wanted: Set<String> = []
    private(set) var isClosed = false

    /// What a broker that forgets to answer costs.
    static let requestTimeoutMilliseconds: Int64 = 4_000
    /// Wait between two questions for metadata.
    private static let refreshWaitMilliseconds: Int64 = 50

    init(_ number: Int, bootstrap: [Endpoint], network: VirtualNetwork, time: VirtualTime) {
        self.number = number
        self.bootstrap = bootstrap
        self.network = network
        self.time = time
        loop = VirtualLoop(time: time, owner: number)
        clock = VirtualClock(time: time)
    }

    var now: MonotonicInstant { time.now }
    func generator() -> SeededGenerator { SeededGenerator(seed: time.draw()) }

    private func connection(to endpoint: Endpoint) -> PeerConnection {
        if let known = connections[endpoint] { return known }
        let made = PeerConnection(
            to: endpoint, clientID: "client-\(number)", network: network.view(of: number), clock: clock, loop: loop)
        connections[endpoint] = made
        return made
    }

    /// Asks a broker by its id, or any.
    func send<Request: WireRequest>(
        _ request: Request, to broker: BrokerID? = nil, maxVersion: Int16? = nil,
        timeoutMilliseconds: Int64 = SimulatedClient.requestTimeoutMilliseconds,
        _ completion: @escaping @Sendable (Result<Request.Response, PeerError>) -> Void
    ) {
        let endpoint = broker.map { view.brokers[$0] } ?? anyBroker
        send(
            request, at: endpoint, maxVersion: maxVersion, timeoutMilliseconds: timeoutMilliseconds, completion)
    }

    /// Asks whoever is at an address.
    func send<Request: WireRequest>(
        _ request: Request, at endpoint: Endpoint?, maxVersion: Int16? = nil,
        timeoutMilliseconds: Int64 = SimulatedClient.requestTimeoutMilliseconds,
        _ completion: @escaping @Sendable (Result<Request.Response, PeerError>) -> Void
    ) {
        guard let endpoint, !isClosed else { return loop.execute { completion(.failure(.shutDown)) } }
        connection(to: endpoint).send(
            request, maxVersion: maxVersion, timeoutMilliseconds: timeoutMilliseconds, completion: completion)
    }

    private var anyBroker: Endpoint { bootstrap[Int(time.draw() % UInt64(bootstrap.count))] }

    /// Asks for the newest metadata of topics; `done` comes whether or not there was an answer. Those who ask while a
    /// question is on its way are served by the next.
    func refresh(_ topics: [String], _ done: @escaping @Sendable () -> Void) {
        guard !isRefreshing, !isClosed else {
            wanted.formUnion(topics)
            return
        }
        isRefreshing = true
        var request = MetadataRequest()
        request.topics = Set(topics).union(wanted).sorted().map { name in
            var topic = MetadataRequest.MetadataRequestTopic()
            topic.name = name
            return topic
        }
        wanted = []
        request.allowAutoTopicCreation = false
        send(request, timeoutMilliseconds: 1_000) { [self] result in
            if case .success(let response) = result { view.apply(response, isComplete: false) }
            loop.schedule(afterMilliseconds: SimulatedClient.refreshWaitMilliseconds) { [self] in
                isRefreshing = false
                done()
                if !wanted.isEmpty { refresh([], done) }
            }
        }
    }

    func learnLeader(_ place: TopicPartition, _ leader: BrokerID?, _ epoch: LeaderEpoch?) {
        if let leader, let epoch { view.learnLeader(place, leader: leader, epoch: epoch) }
    }

    /// The id of a partition as this client knows it.
    func id(of place: TopicPartition) -> TopicID? { view.topics[place.topic]?.id }

    func close() {
        isClosed = true
        for endpoint in bootstrap { connections[endpoint]?.shutDown() }
        loop.crash()
    }
}
