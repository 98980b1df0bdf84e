package import Metadata
package import Primitives
import Synchronization
package import World

/// Brokers that this node knows to be dead before the controller has said so.
///
/// Metadata for partitions they lead is answered with LEADER_NOT_AVAILABLE until the new image comes: a client that is
/// sent to a dead leader loses more time than one that asks again.
package final class SuspectedBrokers: MetadataSubscriber, Sendable {
    /// Attempts of one probe, and the wait between them.
    private static let attemptsMax = 20
    private static let retryMilliseconds: Int64 = 15
    private static let answerMilliseconds: Int64 = 250

    private struct State {
        var suspected: [BrokerID: BrokerEpoch] = [:]
        var probing: Set<BrokerID> = []
    }

    private let world: World
    private let cache: MetadataCache
    private let listenerName: String
    private let state = Mutex(State())

    package init(cache: MetadataCache, listenerName: String, world: World) {
        self.cache = cache
        self.listenerName = listenerName
        self.world = world
    }

    /// Whether a broker is known to be dead.
    package func contains(_ broker: BrokerID) -> Bool { state.withLock { $0.suspected[broker] != nil } }

    /// The brokers that are known to be dead; usually none.
    package var all: Set<BrokerID> { state.withLock { Set($0.suspected.keys) } }

    /// A connection to a broker ended, or could not be made: from any thread.
    package func connectionEnded(to broker: BrokerID) {
        guard let registration = cache.current.brokers[broker], !registration.isFenced,
            let listener = registration.listener(named: listenerName)
        else { return }
        guard state.withLock({ $0.probing.insert(broker).inserted }) else { return }
        let endpoint = Endpoint(host: listener.host, port: Int(listener.port))
        world.controlLoop.execute { self.attempt(registration, endpoint, number: 1) }
    }

    private func attempt(_ broker: BrokerRegistration, _ endpoint: Endpoint, number: Int) {
        let probe = LifeProbe(endpoint, world: world)
        probe.run(timeoutMilliseconds: SuspectedBrokers.answerMilliseconds) { finding in
            switch finding {
            case .refused: self.conclude(broker, isDead: true)
            case .answered(_, let incarnation):
                self.conclude(broker, isDead: incarnation.map { $0 != broker.incarnationID } ?? false)
            case .silent:
                guard number < SuspectedBrokers.attemptsMax else { return self.conclude(broker, isDead: false) }
                self.world.controlLoop.schedule(afterMilliseconds: SuspectedBrokers.retryMilliseconds) {
                    self.attempt(broker, endpoint, number: number + 1)
                }
            }
        }
    }

    private func conclude(_ broker: BrokerRegistration, isDead: Bool) {
        state.withLock { state in
            state.probing.remove(broker.id)
            if isDead { state.suspected[broker.id] = broker.epoch }
        }
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let changed = delta.changedBrokers
        if changed.isEmpty { return }
        // Fenced, gone, or another life: what the image says is now as new as what was seen here.
        state.withLock { state in
            for broker in changed {
                guard let epoch = state.suspected[broker] else { continue }
                let registration = image.brokers[broker]
                if registration == nil || registration!.isFenced || registration!.epoch != epoch {
                    state.suspected[broker] = nil
                }
            }
        }
    }
}
