import Controller
package import Metadata
package import Primitives
import Synchronization
package import World

/// Brokers that this node takes for dead or silent before the controller has said so.
///
/// Metadata for partitions they lead is answered with LEADER_NOT_AVAILABLE until a probe finds them alive, the new
/// image comes, or a session has passed in which the controller did not fence them: a client that is sent to a dead
/// leader loses more time than one that asks again. What is found is told to the controller with the next heartbeat
/// (E4).
package final class SuspectedBrokers: MetadataSubscriber, Sendable {
    /// The wait between two probes of a broker that neither answers nor refuses, and for an answer.
    private static let retryMilliseconds: Int64 = 15
    private static let answerMilliseconds: Int64 = 250

    private let world: World
    private let cache: MetadataCache
    private let listenerName: String
    private let hidingMilliseconds: Int64
    private let sightings = Mutex(PeerSightings())
    /// Called on the control loop when a broker is found not to answer.
    private let sighted = Mutex(Sighted(tell: {}))

    /// In a struct: a closure that stands in a `Mutex` itself is wrapped once more each time it is read, for good, and
    /// a probe of a dead peer reads it many times a second.
    private struct Sighted: Sendable {
        let tell: @Sendable () -> Void
    }

    /// Those whom the controller has fenced a moment ago.
    let departed: DepartedBrokers

    /// - Parameter hidingMilliseconds: for how long clients are not sent to a silent broker that the controller does
    ///   not fence: the session of a broker.
    package init(cache: MetadataCache, listenerName: String, hidingMilliseconds: Int64 = 3_000, world: World) {
        self.cache = cache
        self.listenerName = listenerName
        self.hidingMilliseconds = hidingMilliseconds
        self.world = world
        departed = DepartedBrokers(clock: world.clock)
    }

    /// The brokers that are suspected; usually none.
    package var all: Set<BrokerID> {
        let now = world.clock.now
        return sightings.withLock { $0.suspected(now: now, hidingMilliseconds: hidingMilliseconds) }
    }

    /// What the controller is to be told.
    func reports(now: MonotonicInstant) -> [PeerSighting] { sightings.withLock { $0.reports(now: now) } }

    /// Sets who is called, on the control loop, when there is something new to tell.
    func whenSighted(_ work: @escaping @Sendable () -> Void) { sighted.withLock { $0 = Sighted(tell: work) } }

    /// A connection to a broker ended, or could not be made: from any thread.
    package func connectionEnded(to broker: BrokerID) {
        doubt(broker, .connectionLost, since: world.clock.now)
    }

    /// A broker is late with something: from any thread.
    ///
    /// - Parameter since: when it was last heard, as far as is known.
    func isLate(_ broker: BrokerID, since: MonotonicInstant) { doubt(broker, .silence, since: since) }

    private func doubt(_ broker: BrokerID, _ cause: PeerSightings.Cause, since: MonotonicInstant) {
        guard let registration = cache.current.brokers[broker], !registration.isFenced,
            let listener = registration.listener(named: listenerName)
        else { return }
        let now = world.clock.now
        let asks = sightings.withLock { $0.doubt(broker, epoch: registration.epoch, cause, since: since, now: now) }
        guard asks else { return }
        let endpoint = Endpoint(host: listener.host, port: Int(listener.port))
        world.controlLoop.execute { self.ask(registration, endpoint) }
    }

    private func ask(_ broker: BrokerRegistration, _ endpoint: Endpoint) {
        let probe = LifeProbe(endpoint, world: world)
        probe.run(timeoutMilliseconds: SuspectedBrokers.answerMilliseconds) { found in
            let finding: PeerSightings.Finding
            switch found {
            case .refused: finding = .gone
            case .answered(let node, let incarnation):
                finding = node == broker.id && incarnation == broker.incarnationID ? .answered : .gone
            case .answeredByStranger: finding = .answered
            case .silent: finding = .silent
            }
            let now = self.world.clock.now
            let asksAgain = self.sightings.withLock {
                $0.found(finding, of: broker.id, epoch: broker.epoch, now: now)
            }
            if finding != .answered { self.sighted.withLock { $0 }.tell() }
            guard asksAgain else { return }
            self.world.controlLoop.schedule(afterMilliseconds: SuspectedBrokers.retryMilliseconds) {
                self.ask(broker, endpoint)
            }
        }
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let changed = delta.changedBrokers
        if changed.isEmpty { return }
        departed.brokersChanged(changed, in: image)
        // Fenced, gone, or another life: what the image says is now as new as what was seen here.
        sightings.withLock { sightings in
            for broker in changed {
                let registration = image.brokers[broker]
                sightings.changed(
                    broker, unfencedEpoch: registration.flatMap { $0.isFenced ? nil : $0.epoch })
            }
        }
    }
}
