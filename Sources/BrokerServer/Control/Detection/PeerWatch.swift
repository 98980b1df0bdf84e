import Controller
package import Primitives
package import World

/// What a broker tells the controller of itself and its peers with each heartbeat, and how it comes to know: it asks
/// those for a sign of life from whom it misses something, or whom the controller misses (E1, E4).
///
/// `@unchecked Sendable`: touched on the control loop only.
package final class PeerWatch: @unchecked Sendable {
    /// What the watch reads of the rest of the broker.
    package struct Sources: Sendable {
        /// The leaders that do not answer fetches, and since when.
        package var unreachedLeaders: @Sendable (MonotonicInstant) -> [BrokerID: MonotonicInstant] = { _ in [:] }
        /// How long flushes take in each log directory, at the 99th percentile.
        package var flushMilliseconds: @Sendable (MonotonicInstant) -> [DirectoryID: Int64] = { _ in [:] }

        package init() {}
    }

    private let lifecycle: BrokerLifecycle
    private let channel: ControllerChannel
    private let suspected: SuspectedBrokers
    private let sources: Sources
    private let world: World
    /// A peer that answers this much later than it should is asked for a sign of life.
    private let lateMilliseconds: Int64
    private let heartbeatMilliseconds: Int64
    private let heldUpMilliseconds: Int64
    private var meter: LoopLagMeter?
    private var controller: BrokerID?

    /// - Parameter channel: that of the lifecycle's heartbeats.
    /// - Parameter lateMilliseconds: `replica.fetch.late.ms`.
    /// - Parameter heldUpMilliseconds: `broker.silence.own.lag.ms`.
    package init(
        _ lifecycle: BrokerLifecycle, channel: ControllerChannel, suspected: SuspectedBrokers, sources: Sources,
        lateMilliseconds: Int64 = 300, heartbeatMilliseconds: Int64 = 100, heldUpMilliseconds: Int64 = 100, world: World
    ) {
        self.lifecycle = lifecycle
        self.channel = channel
        self.suspected = suspected
        self.sources = sources
        self.lateMilliseconds = lateMilliseconds
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.heldUpMilliseconds = heldUpMilliseconds
        self.world = world
    }

    /// Begins to measure, and to say with each heartbeat what is seen. On the control loop, before the lifecycle
    /// starts.
    package func start() {
        let meter = LoopLagMeter(world, heldUpMilliseconds: heldUpMilliseconds) { [weak self] now in self?.look(now) }
        self.meter = meter
        lifecycle.tell { [weak self] in
            self?.vitals()
        } whenAskedToLook: { [suspected, clock = world.clock] brokers in
            for broker in brokers { suspected.isLate(broker, since: clock.now) }
        }
        suspected.whenSighted { [weak lifecycle] in lifecycle?.tellNow() }
        meter.start()
    }

    /// Measures no more.
    package func stop() { meter?.stop() }

    private func vitals() -> BrokerVitals {
        let now = world.clock.now
        var vitals = BrokerVitals()
        vitals.lagMilliseconds = meter?.milliseconds ?? 0
        vitals.wellMilliseconds = meter?.wellMilliseconds
        vitals.flushMilliseconds = sources.flushMilliseconds(now)
        vitals.unfetchable = sources.unreachedLeaders(now).mapValues { now.milliseconds(since: $0) }
        vitals.sightings = suspected.reports(now: now)
        return vitals
    }

    private func look(_ now: MonotonicInstant) {
        let unreached = sources.unreachedLeaders(now).sorted { $0.key < $1.key }
        for (leader, since) in unreached where now.milliseconds(since: since) >= lateMilliseconds {
            suspected.isLate(leader, since: since)
        }
        // Who follows knows at once when the controller is replaced; until then the silent one is remembered.
        controller = channel.presentLeader ?? controller
        guard let controller, let heard = lifecycle.lastContact else { return }
        if now.milliseconds(since: heard) >= max(lateMilliseconds, 3 * heartbeatMilliseconds) {
            suspected.isLate(controller, since: heard)
        }
    }
}
