import Logging
import Metadata
import Primitives
import Synchronization
import WireMessages
import World

/// Dials what this node and the others advertise, each time one of them registers, and says in the log what can't be
/// reached and why: before a client finds out.
final class ListenerDoctor: MetadataSubscriber, Sendable {
    private struct State {
        /// One dial at a time; at most one entry for each address of each registered broker.
        var waiting: [AdvertisedAddress] = []
        var isDialling = false
        var isStopped = false
        /// What was said already of the present registrations.
        var said: Set<String> = []
    }

    private static let dialMilliseconds: Int64 = 3_000
    private static let dialsMax = 3
    /// Pause before another try: a node that has just registered may still become known by its name.
    private static let pauseMilliseconds: Int64 = 1_000

    /// How many sentences are remembered, so as not to say them again.
    private static let sentencesMax = 256

    private let me: BrokerID
    private let interBroker: String
    private let cache: MetadataCache
    private let world: World
    private let log: Logger
    private let state = Mutex(State())

    init(_ configuration: NodeConfiguration, cache: MetadataCache, world: World, log: Logger) {
        me = configuration.nodeID
        interBroker = configuration.interBrokerListenerName
        self.cache = cache
        self.world = world
        self.log = log
    }

    /// Dials nobody any more.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.waiting = []
        }
    }

    func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        if delta.changedBrokers.isEmpty { return }
        let serving = image.brokers.sorted.filter { !$0.isFenced }
        // A node that is not let in yet can't tell a wrong address from one that isn't open yet.
        guard serving.contains(where: { $0.id == me }) else { return }
        let changed = Set(delta.changedBrokers)
        let comesIn = changed.contains(me)
        let examined = serving.filter { comesIn || changed.contains($0.id) }
        let addresses = examined.flatMap { ListenerDiagnosis.dialled($0, interBroker: interBroker) }
        let isIdle = state.withLock { state in
            guard !state.isStopped else { return false }
            for address in addresses where !state.waiting.contains(address) { state.waiting.append(address) }
            defer { state.isDialling = true }
            return !state.isDialling
        }
        for sentence in ListenerDiagnosis.conflicts(serving) { say(sentence) }
        if isIdle { next() }
    }

    private func next() {
        let address = state.withLock { state -> AdvertisedAddress? in
            guard !state.waiting.isEmpty else {
                state.isDialling = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        if let address { dial(address, triesLeft: ListenerDoctor.dialsMax - 1) }
    }

    private func dial(_ address: AdvertisedAddress, triesLeft: Int) {
        guard isCurrent(address) else { return next() }
        ask(address.endpoint) { [self] finding in
            guard isCurrent(address), let complaint = ListenerDiagnosis.complaint(address, finding, me: me) else {
                return next()
            }
            if triesLeft == 0 {
                say(complaint)
                return next()
            }
            world.controlLoop.schedule(afterMilliseconds: ListenerDoctor.pauseMilliseconds) {
                self.dial(address, triesLeft: triesLeft - 1)
            }
        }
    }

    /// A broker that has left or come again since has nothing wrong with its old address.
    private func isCurrent(_ address: AdvertisedAddress) -> Bool {
        if state.withLock({ $0.isStopped }) { return false }
        guard let broker = cache.current.brokers[address.broker] else { return false }
        return !broker.isFenced && broker.epoch == address.epoch
    }

    private func say(_ sentence: String) {
        let isNews = state.withLock { state in
            if state.said.count >= ListenerDoctor.sentencesMax { state.said = [] }
            return state.said.insert(sentence).inserted
        }
        if isNews { log.warning("\(sentence)") }
    }

    private func ask(_ endpoint: Endpoint, completion: @escaping @Sendable (DialFinding) -> Void) {
        var limits = PeerLimits()
        limits.connectTimeoutMilliseconds = ListenerDoctor.dialMilliseconds
        limits.requestsMax = 1
        let connection = PeerConnection(
            to: endpoint, clientID: "listener-doctor", network: world.network, clock: world.clock,
            loop: world.controlLoop, limits: limits)
        var request = DescribeClusterRequest()
        request.asksForLife = true
        connection.send(request, timeoutMilliseconds: ListenerDoctor.dialMilliseconds) { result in
            connection.shutDown()
            switch result {
            case .success(let response):
                let isOurs = response.answeringIncarnationID != .zero
                completion(isOurs ? .answered(response.answeringNodeID) : .foreign)
            case .failure(.refused): completion(.refused)
            case .failure(.unreachable(let reason)): completion(.unreachable(reason))
            case .failure(.timedOut): completion(.unreachable("no answer"))
            case .failure(.closed(let end)): completion(.unreachable("connection \(end)"))
            case .failure: completion(.foreign)
            }
        }
    }
}
