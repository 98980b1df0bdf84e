package import Controller
package import Logging
import Metadata
package import Primitives
import WireMessages
package import World

#if MUTANTS
    import Mutants
#endif

/// Runs the controller where this node leads the quorum: decide, append, replay at once, answer when committed.
///
/// `@unchecked Sendable`: touched on the control loop only.
package final class ControllerHost: @unchecked Sendable {
    enum Role {
        case standby
        /// Leads, but has not seen all that is committed applied yet (rule 19): it decides nothing.
        case claiming(epoch: LeaderEpoch, start: Offset)
        case active(epoch: LeaderEpoch)
    }

    /// Wait between two looks at sessions and idleness.
    private static let tickMilliseconds: Int64 = 50
    /// A look that comes later than this is this process's own pause: no broker is to blame for what it did not say.
    private static let latenessMilliseconds: Int64 = 250
    /// How long a new controller waits for heartbeats before it believes that a broker is gone.
    static let listeningMilliseconds: Int64 = 200
    /// Most leaderships that are moved back to preferred replicas at once; the rest follows in the next look.
    private static let rebalanceCountMax = 1_000
    /// Wait between two looks for partitions without a leader that may have one by now.
    private static let missingLeadersMilliseconds: Int64 = 5_000
    /// Most of them that get one at once.
    private static let missingLeadersCountMax = 1_000

    private let configuration: ControllerConfiguration
    private let metadataLog: any MetadataLog
    private let publisher: MetadataPublisher
    let world: World
    let log: Logger
    let detector: FailureDetector

    private(set) var role = Role.standby
    /// Exists exactly while the role is active.
    private(set) var controller: ClusterController?
    private var parked = ParkedAnswers()
    private var drift: DriftWatch
    /// The offset up to which settings were compared.
    private var driftEnd = Offset.zero
    /// The exclusive end of what is appended, where this node appends.
    private var appendedEnd = Offset.zero
    private var committedEnd = Offset.zero
    private var lastAppendAt: MonotonicInstant
    private var lastRebalanceAt: MonotonicInstant
    private var lastMissingLeadersAt: MonotonicInstant
    private var lastTickAt: MonotonicInstant
    private(set) var activeSince: MonotonicInstant
    /// By how much this loop was held up of late.
    private var lag: LagWindow
    /// How often each rule took a broker's place, since the process began.
    var detections: [DetectionRule: UInt64] = [:]
    private var generator: SeededGenerator
    /// How often this node became active.
    package private(set) var activations: UInt64 = 0

    package init(
        configuration: ControllerConfiguration, metadataLog: any MetadataLog, publisher: MetadataPublisher,
        detector: FailureDetector, world: World, log: Logger
    ) {
        self.configuration = configuration
        self.metadataLog = metadataLog
        self.publisher = publisher
        self.detector = detector
        self.world = world
        self.log = log
        drift = DriftWatch(log: log)
        lastAppendAt = world.clock.now
        lastRebalanceAt = world.clock.now
        lastMissingLeadersAt = world.clock.now
        lastTickAt = world.clock.now
        activeSince = world.clock.now
        lag = LagWindow(now: world.clock.now)
        generator = SeededGenerator(seed: world.randomness.next())
    }

    /// Whether this node decides now.
    package var isActive: Bool { controller != nil }

    /// Decides on a request and answers it when the decision, and every earlier one, is committed.
    ///
    /// - Parameter decide: gets the controller, the offset of the first record it decides on, and the time.
    /// - Parameter answer: gets nil where this node is not, or ceased to be, the active controller.
    /// - Returns: whether the decision stands, as far as this node knows. An active controller whose quorum is silent
    ///   after a pause of its own has time left to hear of it, and writes nothing meanwhile.
    @discardableResult
    package func decide<Reply: Sendable>(
        _ decide: (inout ClusterController, Offset, MonotonicInstant) -> Decision<Reply>,
        answer: @escaping @Sendable (Reply?) -> Void
    ) -> Bool {
        precondition(world.controlLoop.isCurrent, "the controller lives on the control loop")
        guard case .active(let epoch) = role, controller != nil else {
            answer(nil)
            return false
        }
        let next = max(appendedEnd, metadataLog.logEndOffset)
        let decision = decide(&controller!, next, world.clock.now)
        if !decision.records.isEmpty {
            guard append(decision.records, at: next, epoch) else {
                answer(nil)
                return false
            }
        }
        if decision.records.isEmpty, committedEnd >= appendedEnd {
            // No commit tells whether another controller is active by now: one that was held up is not sure of it, and
            // a broker that it calls well would not know that it is cut off.
            answer(metadataLog.hasLostQuorum ? nil : decision.reply)
            return true
        }
        let reply = decision.reply
        #if MUTANTS
            if Mutant.controllerAnswersAtOnce.isOn {
                answer(reply)
                return true
            }
        #endif
        parked.park(until: appendedEnd) { isCommitted in answer(isCommitted ? reply : nil) }
        return true
    }

    /// A generator of ids for decisions.
    package func withGenerator<Result>(_ body: (inout SeededGenerator) -> Result) -> Result { body(&generator) }

    private func append(_ records: [MetadataRecord], at next: Offset, _ epoch: LeaderEpoch) -> Bool {
        // A batch that changes the level is read before it counts, and so is written at the level before.
        let level = controller?.image.features.recordLevel ?? MetadataRecordFrame.eligibleReplicasLevel
        let encoded = records.map { MetadataRecordFrame.encode($0, at: level) }
        guard let last = metadataLog.append(encoded, expecting: epoch) else { return false }
        // A broker's epoch is the offset of its record: a wrong guess would give two lives one epoch.
        precondition(last + 1 == next + Int64(records.count), "records were appended elsewhere than decided")
        // The append may have told that leadership is lost: then the records' fate is the next leader's to decide.
        guard controller != nil else { return false }
        for record in records {
            logIfUnclean(record)
            controller!.replay(record)
        }
        appendedEnd = last + 1
        lastAppendAt = world.clock.now
        return true
    }

    /// The receipt of an election that may have cost committed records.
    private func logIfUnclean(_ record: MetadataRecord) {
        guard case .partitionChange(let change) = record, let topic = controller?.image.topics[change.topicID] else {
            return
        }
        let former = controller?.image.topics[TopicPartitionID(change.topicID, change.partitionID)]
        // Whose partition was lost before does not lose that state by another such election.
        let isLostAgain =
            former.map { former in
                former.recoveryState == .recovering && change.leader.value >= 0
                    && !(former.isr + former.eligibleLeaderReplicas).contains(change.leader)
            } ?? false
        guard isLostAgain || change.leaderRecoveryState == LeaderRecoveryState.recovering.rawValue else { return }
        log.warning(
            "unclean election: committed records may be lost",
            metadata: ["partition": "\(topic.name)-\(change.partitionID)", "leader": "\(change.leader)"])
    }

    // MARK: Leadership

    func becameLeader(epoch: LeaderEpoch, startOffset: Offset) {
        stepDown()
        role = .claiming(epoch: epoch, start: startOffset)
        activateIfReady()
    }

    func lostLeadership(epoch: LeaderEpoch) {
        log.info("no longer the active controller", metadata: ["epoch": "\(epoch)"])
        stepDown()
    }

    func committed(upTo end: Offset) {
        committedEnd = end
        activateIfReady()
        for answer in parked.release(upTo: end) { answer(true) }
    }

    private func activateIfReady() {
        guard case .claiming(let epoch, let start) = role, committedEnd > start else { return }
        role = .active(epoch: epoch)
        activations += 1
        let now = world.clock.now
        controller = ClusterController(configuration: configuration, image: publisher.image, now: now)
        appendedEnd = committedEnd
        lastAppendAt = now
        lastRebalanceAt = now
        lastMissingLeadersAt = now
        lastTickAt = now
        lag = LagWindow(now: now)
        log.info("this node is the active controller", metadata: ["epoch": "\(epoch)"])
        decide({ controller, _, _ in controller.decideBootstrap() }, answer: { _ in })
        // Who died together with the last controller is found now, not a session later (R7).
        activeSince = now
        detector.start { [weak self] proof in self?.provedDead(proof) }
        for broker in publisher.image.brokers.sorted where !broker.isFenced { detector.probe(broker) }
        scheduleTick(epoch)
    }

    private func stepDown() {
        role = .standby
        controller = nil
        detector.stop()
        drift.forget()
        driftEnd = .zero
        for answer in parked.takeAll() { answer(false) }
    }

    // MARK: Liveness

    private func scheduleTick(_ epoch: LeaderEpoch) {
        world.controlLoop.schedule(afterMilliseconds: ControllerHost.tickMilliseconds) { [weak self] in
            self?.tick(epoch)
        }
    }

    private func tick(_ epoch: LeaderEpoch) {
        guard case .active(epoch) = role else { return }
        let now = world.clock.now
        let lateness = now.milliseconds(since: lastTickAt) - ControllerHost.tickMilliseconds
        lastTickAt = now
        lag.note(lateMilliseconds: lateness, now: now)
        if lateness > ControllerHost.latenessMilliseconds {
            log.warning("the control loop was held up", metadata: ["milliseconds": "\(lateness)"])
            controller?.sessions.extend(byMilliseconds: lateness)
        }
        fenceSilentBrokers()
        judgeBrokers(ownLagMilliseconds: lag.milliseconds(now: now))
        rebalanceIfDue(now)
        compareSettings()
        electMissingLeadersIfDue(now)
        let idle = configuration.idleIntervalMilliseconds
        if idle > 0, now.milliseconds(since: lastAppendAt) >= idle {
            decide({ _, _, _ in Decision([.noOp(NoOpRecord())], reply: ()) }, answer: { _ in })
        }
        scheduleTick(epoch)
    }

    /// Looks at the brokers' settings where something was committed since the last look.
    private func compareSettings() {
        guard let controller, committedEnd > driftEnd else { return }
        driftEnd = committedEnd
        drift.look(controller)
    }

    private func rebalanceIfDue(_ now: MonotonicInstant) {
        guard let interval = configuration.rebalanceIntervalMilliseconds,
            now.milliseconds(since: lastRebalanceAt) >= interval
        else { return }
        var moved = 0
        let stands = decide(
            { controller, _, _ in
                let decision = controller.rebalanceLeaders(countMax: ControllerHost.rebalanceCountMax)
                moved = decision.reply
                return decision
            }, answer: { _ in })
        if moved < ControllerHost.rebalanceCountMax { lastRebalanceAt = now }
        if stands, moved > 0 {
            log.info("leaderships return to preferred replicas", metadata: ["partitions": "\(moved)"])
        }
    }

    private func electMissingLeadersIfDue(_ now: MonotonicInstant) {
        guard now.milliseconds(since: lastMissingLeadersAt) >= ControllerHost.missingLeadersMilliseconds else { return }
        lastMissingLeadersAt = now
        decide(
            { controller, _, _ in controller.electMissingLeaders(countMax: ControllerHost.missingLeadersCountMax) },
            answer: { _ in })
    }
}
