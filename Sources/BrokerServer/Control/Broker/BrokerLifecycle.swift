package import Controller
package import Logging
package import Metadata
package import Primitives
import Synchronization
import WireMessages
package import World

/// A broker's life as the controller sees it: it registers, catches up, is let in, sends heartbeats, and asks to leave.
///
/// `@unchecked Sendable`: touched on the control loop only, but for what stands behind the mutex.
package final class BrokerLifecycle: MetadataSubscriber, @unchecked Sendable {
    private enum State: Hashable {
        case notRegistered
        /// Registered; not yet caught up, or fenced.
        case fenced
        case running
        /// Waits until its leaderships are elsewhere.
        case leaving
        case stopped
    }

    /// How long things take.
    package struct Timing: Hashable, Sendable {
        package var heartbeatMilliseconds: Int64 = 100
        /// Longest silence of all controllers before a registration is tried anew.
        package var registrationMilliseconds: Int64 = 60_000
        /// Longest time to leave in order; then the broker leaves anyway.
        package var leavingMilliseconds: Int64 = 10_000
        /// After a silence of all controllers this long the broker may have been fenced without knowing it.
        package var sessionMilliseconds: Int64 = 3_000

        package init() {}
    }

    private struct Shared {
        var epoch: BrokerEpoch?
        var offlineDirectories: Set<DirectoryID> = []
    }

    /// Wait before a refused registration is tried again.
    private static let registrationRetryMilliseconds: Int64 = 100

    private let identity: BrokerIdentity
    private let timing: Timing
    private let channel: ControllerChannel
    private let cache: MetadataCache
    private let world: World
    private let log: Logger
    private let fatal: @Sendable (String) -> Void
    private let shared = Mutex(Shared())
    /// When a controller last answered.
    package let contact: ControllerContact

    private var state = State.notRegistered
    private var fencedSince: MonotonicInstant?
    private var isHeartbeatInFlight = false
    private var heartbeatTimer: (any Timer)?
    private var recoveryReports: @Sendable ([TopicPartitionID]) -> [RecoveryReport] = { _ in [] }
    /// The partitions whose recovery this broker witnesses.
    private var recoveries: Set<TopicPartitionID> = []
    private var turns = RecoveryTurns()
    private var vitals: @Sendable () -> BrokerVitals? = { nil }
    private var whenAskedToLook: @Sendable ([BrokerID]) -> Void = { _ in }
    private var whenRunning: (@Sendable () -> Void)?
    private var whenLeft: (@Sendable () -> Void)?

    /// - Parameter channel: of its own, so that a heartbeat never waits for another request.
    /// - Parameter fatal: Called when the controller says that this broker has no place in the cluster.
    package init(
        identity: BrokerIdentity, timing: Timing, channel: ControllerChannel, cache: MetadataCache, world: World,
        log: Logger, fatal: @escaping @Sendable (String) -> Void
    ) {
        self.identity = identity
        self.timing = timing
        contact = ControllerContact(sessionMilliseconds: timing.sessionMilliseconds)
        self.channel = channel
        self.cache = cache
        self.world = world
        self.log = log
        self.fatal = fatal
    }

    /// The epoch of this life; nil before the controller gave one. From any thread.
    package var epoch: BrokerEpoch? { shared.withLock { $0.epoch } }

    /// When a controller last answered; nil before the first time. From any thread.
    package var lastContact: MonotonicInstant? { contact.lastHeard }

    /// Why clients are not served now, in words; nil while the controller lets this broker in. On the control loop.
    package var hindrance: String? {
        switch state {
        case .notRegistered: return "the broker is not registered with the controller"
        case .fenced: return "the broker is fenced: it catches up, or the controller took it for dead"
        case .leaving, .stopped: return "the broker is stopping"
        case .running:
            guard let lastContact else { return "no controller has answered yet" }
            let silence = world.clock.now.milliseconds(since: lastContact)
            return silence < timing.sessionMilliseconds ? nil : "no controller has answered for \(silence) ms"
        }
    }

    /// Kafka's number of the state (`BrokerState`). On the control loop.
    var stateNumber: Int {
        switch state {
        case .notRegistered: 1
        case .fenced: 2
        case .running: 3
        case .leaving: 6
        case .stopped: 7
        }
    }

    /// Notes that a log directory failed, and tells the controller. From any thread.
    package func directoryFailed(_ directory: DirectoryID) {
        shared.withLock { _ = $0.offlineDirectories.insert(directory) }
        world.controlLoop.execute { self.sendHeartbeat() }
    }

    /// Sets who says what this broker's logs hold, for the partitions whose recovery it witnesses: those whose
    /// log recovery is not over are left out. Called on the control loop.
    package func reportRecovery(_ source: @escaping @Sendable ([TopicPartitionID]) -> [RecoveryReport]) {
        recoveryReports = source
    }

    /// Sets who says how this broker is and what it sees of its peers, and who looks at those that the controller asks
    /// about. Called on the control loop.
    package func tell(
        _ vitals: @escaping @Sendable () -> BrokerVitals?, whenAskedToLook: @escaping @Sendable ([BrokerID]) -> Void
    ) {
        self.vitals = vitals
        self.whenAskedToLook = whenAskedToLook
    }

    /// Tells what was just seen of a peer, without waiting for the next heartbeat's time. On the control loop.
    func tellNow() {
        if state == .running || state == .fenced { sendHeartbeat() }
    }

    /// Registers and begins to send heartbeats; `whenRunning` is called once, when the controller lets the broker in.
    package func start(whenRunning: @escaping @Sendable () -> Void) {
        onLoop {
            self.whenRunning = whenRunning
            self.register()
        }
    }

    /// Asks the controller to move all leaderships away; `whenLeft` is called when the broker may stop, or when the
    /// time for it is over.
    package func leave(whenLeft: @escaping @Sendable () -> Void) {
        onLoop {
            guard self.state == .running || self.state == .fenced else {
                self.state = .stopped
                return whenLeft()
            }
            self.state = .leaving
            self.whenLeft = whenLeft
            self.sendHeartbeat()
            self.world.controlLoop.schedule(afterMilliseconds: self.timing.leavingMilliseconds) { self.left() }
        }
    }

    /// Sends nothing more.
    package func stop() {
        onLoop {
            self.state = .stopped
            self.heartbeatTimer?.cancel()
            self.channel.shutDown()
        }
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        for partition in delta.changedPartitions {
            if image.topics[partition]?.recoveryWitnesses.contains(identity.id) ?? false {
                recoveries.insert(partition)
            } else {
                recoveries.remove(partition)
            }
        }
        for topic in delta.deletedTopics { recoveries = recoveries.filter { $0.topic != topic.id } }
        // A fenced broker is let in when it is seen to have caught up, a leaving one let go; a witness is to be
        // heard.
        if state == .fenced || state == .leaving || !recoveries.isEmpty { sendHeartbeat() }
    }

    // MARK: Registration

    private func register() {
        guard state == .notRegistered else { return }
        channel.send(
            BrokerRegistrationRequest(identity), timeoutMilliseconds: timing.registrationMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            switch result {
            case .success(let response): self.registered(response)
            case .failure(let error):
                self.log.warning("no controller registers this broker", metadata: ["error": "\(error)"])
                self.registerLater()
            }
        }
    }

    private func registered(_ response: BrokerRegistrationResponse) {
        guard state == .notRegistered else { return }
        switch response.errorCode {
        case .noError:
            shared.withLock { $0.epoch = response.brokerEpoch }
            contact.heard(at: world.clock.now)
            state = .fenced
            log.info("registered with the controller", metadata: ["epoch": "\(response.brokerEpoch)"])
            sendHeartbeat()
        case .inconsistentClusterID:
            fatal("the cluster has another id than this node's \(identity.clusterID)")
        case .unsupportedVersion:
            fatal("the cluster uses a feature level that this release does not support")
        default:
            log.warning("registration refused; it is tried again", metadata: ["error": "\(response.errorCode)"])
            registerLater()
        }
    }

    private func registerLater() {
        world.controlLoop.schedule(afterMilliseconds: BrokerLifecycle.registrationRetryMilliseconds) { [weak self] in
            self?.register()
        }
    }

    // MARK: Heartbeats

    /// Sends a heartbeat now, unless one is on its way.
    private func sendHeartbeat() {
        guard let epoch, state != .stopped, state != .notRegistered, !isHeartbeatInFlight else { return }
        isHeartbeatInFlight = true
        heartbeatTimer?.cancel()
        var request = BrokerHeartbeatRequest()
        request.brokerID = identity.id
        request.brokerEpoch = epoch
        // The wire's offset is that of the last record applied; ours is the end behind it.
        request.currentMetadataOffset = Offset(cache.current.provenance.end.value - 1)
        request.wantShutDown = state == .leaving
        request.offlineLogDirs = shared.withLock { $0.offlineDirectories.sorted() }
        let share = turns.next(of: recoveries, metadataEnd: cache.current.provenance.end)
        request.recoveredReplicas =
            share.partitions.isEmpty
            ? [] : recoveryReports(share.partitions).map(BrokerHeartbeatRequest.RecoveredReplica.init)
        request.recoveriesToldEnd = share.toldEnd
        vitals()?.write(into: &request)
        let sentAt = world.clock.now
        channel.send(
            request, timeoutMilliseconds: timing.registrationMilliseconds,
            attemptMilliseconds: max(timing.sessionMilliseconds / 3, timing.heartbeatMilliseconds),
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            self.isHeartbeatInFlight = false
            if case .success(let response) = result { self.answered(response, sentAt: sentAt) }
            self.scheduleHeartbeat(after: sentAt)
        }
    }

    private func scheduleHeartbeat(after sentAt: MonotonicInstant) {
        guard state != .stopped, state != .notRegistered, !isHeartbeatInFlight else { return }
        let passed = world.clock.now.milliseconds(since: sentAt)
        heartbeatTimer?.cancel()
        heartbeatTimer = world.controlLoop.schedule(afterMilliseconds: max(1, timing.heartbeatMilliseconds - passed)) {
            [weak self] in self?.sendHeartbeat()
        }
    }

    private func answered(_ response: BrokerHeartbeatResponse, sentAt: MonotonicInstant) {
        // The controller counts the session from when it came, not from when the answer did.
        contact.heard(at: sentAt)
        if !response.suspects.isEmpty { whenAskedToLook(response.suspects) }
        switch response.errorCode {
        case .noError: turns.heard()
        case .brokerIDNotRegistered:
            if state == .leaving { return left() }
            log.warning("the controller does not know this broker any more; it registers again")
            state = .notRegistered
            return register()
        default:
            log.warning("heartbeat refused", metadata: ["error": "\(response.errorCode)"])
            return
        }
        switch state {
        case .leaving: if response.shouldShutDown { left() }
        case .fenced, .running:
            noteFencing(response.isFenced)
            state = response.isFenced ? .fenced : .running
            if state == .running, let ready = whenRunning {
                whenRunning = nil
                ready()
            }
        case .notRegistered, .stopped: break
        }
    }

    /// Says once that this broker was fenced, and once that it is let in again.
    private func noteFencing(_ isFenced: Bool) {
        if isFenced, state == .running {
            fencedSince = world.clock.now
            log.warning("the controller fenced this broker", metadata: ["epoch": "\(epoch?.value ?? -1)"])
        } else if !isFenced, state == .fenced, let since = fencedSince {
            fencedSince = nil
            let passed = world.clock.now.milliseconds(since: since)
            log.info("the controller let this broker in again", metadata: ["fencedForMilliseconds": "\(passed)"])
        }
    }

    private func left() {
        guard state == .leaving else { return }
        state = .stopped
        heartbeatTimer?.cancel()
        let done = whenLeft
        whenLeft = nil
        done?()
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        if world.controlLoop.isCurrent { return work() }
        world.controlLoop.execute(work)
    }
}
