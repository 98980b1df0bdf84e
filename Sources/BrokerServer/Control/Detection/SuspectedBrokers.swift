package import Metadata
package import Primitives
import Synchronization
package import World

/// Brokers that this node takes for dead before the controller has said so.
///
/// Metadata for partitions they lead is answered with LEADER_NOT_AVAILABLE until a probe finds them alive or the new
/// image comes: a client that is sent to a dead leader loses more time than one that asks again.
package final class SuspectedBrokers: MetadataSubscriber, Sendable {
    /// How long a broker that neither answers nor refuses is suspected, and the wait between two probes.
    private static let probingMilliseconds: Int64 = 1_000
    private static let retryMilliseconds: Int64 = 15
    private static let answerMilliseconds: Int64 = 250

    private struct State {
        /// Proved to be dead.
        var dead: [BrokerID: BrokerEpoch] = [:]
        /// A connection to them ended, and a probe is under way.
        var probing: Set<BrokerID> = []
    }

    private let world: World
    private let cache: MetadataCache
    private let listenerName: String
    private let state = Mutex(State())
    /// Those whom the controller has fenced a moment ago.
    let departed: DepartedBrokers

    package init(cache: MetadataCache, listenerName: String, world: World) {
        self.cache = cache
        self.listenerName = listenerName
        self.world = world
        departed = DepartedBrokers(clock: world.clock)
    }

    /// The brokers that are suspected; usually none.
    package var all: Set<BrokerID> { state.withLock { $0.dead.isEmpty ? $0.probing : $0.probing.union($0.dead.keys) } }

    /// A connection to a broker ended, or could not be made: from any thread.
    package func connectionEnded(to broker: BrokerID) {
        guard let registration = cache.current.brokers[broker], !registration.isFenced,
            let listener = registration.listener(named: listenerName)
        else { return }
        let isNews = state.withLock { state in
            state.dead[broker] != registration.epoch && state.probing.insert(broker).inserted
        }
        guard isNews else { return }
        let endpoint = Endpoint(host: listener.host, port: Int(listener.port))
        let deadline = world.clock.now.advanced(byMilliseconds: SuspectedBrokers.probingMilliseconds)
        world.controlLoop.execute { self.attempt(registration, endpoint, until: deadline) }
    }

    private func attempt(_ broker: BrokerRegistration, _ endpoint: Endpoint, until deadline: MonotonicInstant) {
        let probe = LifeProbe(endpoint, world: world)
        probe.run(timeoutMilliseconds: SuspectedBrokers.answerMilliseconds) { finding in
            switch finding {
            case .refused: self.conclude(broker, isDead: true)
            case .answered(_, let incarnation):
                self.conclude(broker, isDead: incarnation.map { $0 != broker.incarnationID } ?? false)
            case .silent:
                guard self.world.clock.now < deadline else { return self.conclude(broker, isDead: false) }
                self.world.controlLoop.schedule(afterMilliseconds: SuspectedBrokers.retryMilliseconds) {
                    self.attempt(broker, endpoint, until: deadline)
                }
            }
        }
    }

    private func conclude(_ broker: BrokerRegistration, isDead: Bool) {
        let present = cache.current.brokers[broker.id]
        let isNewer = present.map { $0.isFenced || $0.epoch != broker.epoch } ?? true
        state.withLock { state in
            state.probing.remove(broker.id)
            if isDead, !isNewer { state.dead[broker.id] = broker.epoch }
        }
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let changed = delta.changedBrokers
        if changed.isEmpty { return }
        departed.brokersChanged(changed, in: image)
        // Fenced, gone, or another life: what the image says is now as new as what was seen here.
        state.withLock { state in
            for broker in changed {
                guard let epoch = state.dead[broker] else { continue }
                let registration = image.brokers[broker]
                if registration == nil || registration!.isFenced || registration!.epoch != epoch {
                    state.dead[broker] = nil
                }
            }
        }
    }
}
