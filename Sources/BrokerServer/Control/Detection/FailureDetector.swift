package import Logging
import Metadata
import Primitives
package import World
import WireMessages

/// Asks brokers that look dead whether they are: only a refused connection, or another process that answers in their
/// place, is proof (R1). An unreachable host is silence, and left to the session.
///
/// The probe is a DescribeCluster request, which a Martlet node answers with the incarnation id of its process in a
/// tagged field. A successful connect alone proves nothing: a dying process's backlog accepts for a while, and a
/// stopped one accepts for ever; so the probe is repeated until one of the two is certain.
///
/// `@unchecked Sendable`: touched on the control loop only.
package final class FailureDetector: @unchecked Sendable {
    /// Attempts of one probe, and the wait between them: together about the time that a large process takes to die.
    private static let attemptsMax = 40
    private static let retryMilliseconds: Int64 = 15
    /// Time for an answer of a process that lives.
    private static let answerMilliseconds: Int64 = 250

    /// That a life of a broker is over.
    struct Proof: Hashable, Sendable {
        let broker: BrokerID
        let epoch: BrokerEpoch
        /// When the question arose: a heartbeat that came later disproves it.
        let askedAt: MonotonicInstant
    }

    private struct Target: Hashable {
        let broker: BrokerID
        let epoch: BrokerEpoch
    }

    private let world: World
    private let listenerName: String
    private let log: Logger
    private var dead: (@Sendable (Proof) -> Void)?
    private struct Question {
        let askedAt: MonotonicInstant
        /// At least one attempt brought neither an answer nor a refusal.
        var isUnanswered = false
    }

    private var probing: [Target: Question] = [:]
    /// Counts starts and stops: what an earlier reign began is void.
    private var reign = 0

    /// - Parameter listenerName: the listener on which brokers talk to each other; the first one is used where a broker
    ///   has none of that name.
    package init(listenerName: String, world: World, log: Logger) {
        self.listenerName = listenerName
        self.world = world
        self.log = log
    }

    /// Begins; `dead` is called on the control loop for each life of a broker that is proved to be over.
    func start(_ dead: @escaping @Sendable (Proof) -> Void) {
        reign += 1
        self.dead = dead
    }

    func stop() {
        reign += 1
        dead = nil
        probing.removeAll()
    }

    /// Finds out whether a broker's process is gone. A second probe of the same life joins the first.
    func probe(_ broker: BrokerRegistration) {
        guard dead != nil, let listener = broker.listener(named: listenerName) ?? broker.listeners.first else { return }
        let target = Target(broker: broker.id, epoch: broker.epoch)
        guard probing[target] == nil else { return }
        probing[target] = Question(askedAt: world.clock.now)
        attempt(broker, Endpoint(host: listener.host, port: Int(listener.port)), number: 1, reign)
    }

    /// Two peers were refused by a broker: proof enough where this node's own probe gets neither word nor refusal.
    func peersWereRefused(by broker: BrokerRegistration) {
        let target = Target(broker: broker.id, epoch: broker.epoch)
        if probing[target]?.isUnanswered ?? false { conclude(broker, isDead: true) }
    }

    private func attempt(_ broker: BrokerRegistration, _ endpoint: Endpoint, number: Int, _ reign: Int) {
        let probe = LifeProbe(endpoint, world: world)
        probe.run(timeoutMilliseconds: FailureDetector.answerMilliseconds) { [weak self] finding in
            self?.found(finding, about: broker, endpoint, number: number, reign)
        }
    }

    private func found(
        _ finding: LifeProbe.Finding, about broker: BrokerRegistration, _ endpoint: Endpoint, number: Int, _ reign: Int
    ) {
        guard reign == self.reign else { return }
        switch finding {
        case .refused:
            conclude(broker, isDead: true)
        case .answered(let node, let incarnation):
            conclude(broker, isDead: node != broker.id || incarnation != broker.incarnationID)
        case .answeredByStranger: conclude(broker, isDead: false)
        case .silent:
            probing[Target(broker: broker.id, epoch: broker.epoch)]?.isUnanswered = true
            guard number < FailureDetector.attemptsMax else { return conclude(broker, isDead: false) }
            world.controlLoop.schedule(afterMilliseconds: FailureDetector.retryMilliseconds) { [weak self] in
                guard let self, reign == self.reign else { return }
                self.attempt(broker, endpoint, number: number + 1, reign)
            }
        }
    }

    private func conclude(_ broker: BrokerRegistration, isDead: Bool) {
        let question = probing.removeValue(forKey: Target(broker: broker.id, epoch: broker.epoch))
        guard isDead, let question else { return }
        dead?(Proof(broker: broker.id, epoch: broker.epoch, askedAt: question.askedAt))
    }
}
