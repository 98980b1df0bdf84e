import Controller
import Metadata
import Primitives
import Replication
import WireMessages

/// The second room of the simulator: one partition with three replicas, the replication cores and the real controller
/// core on one event heap, from one seed. In every third seed there are five brokers, and the partition moves between
/// them.
///
/// Permitted faults: those of `FaultPlan`, all replicas dead at nearly the same time with all logs but one cut short,
/// random fencing in the place of a failure detector (no timer value may hurt),
/// elections of the preferred leader, and changes of the controller, until the run is half over. Then everything heals,
/// and within `convergenceMilliseconds` all replicas must be in sync, every reassignment be over and all that is in the
/// log committed.
package struct ReplicationSimulation {
    static let faultMilliseconds: Int64 = 10_000
    static let convergenceMilliseconds: Int64 = 10_000
    static let replicaCount = 3
    private static let entriesPerFetchUsualMax = 400

    package let seed: UInt64
    package internal(set) var truth: ReplicationTruth
    package internal(set) var steps = 0
    /// One line for each change of state; only what `isTraced` asks for.
    package internal(set) var trace: [String] = []
    /// A number over all that happened: equal runs have equal ones.
    package internal(set) var fingerprint: UInt64 = 0

    var heap = EventHeap<ReplicationEvent>()
    var generator: SeededGenerator
    var network: SimNetwork
    let plan: FaultPlan
    /// Whether the partition is reassigned now and then.
    package let reassigns: Bool
    /// Whether all die together now and then, and only one log stays whole.
    let cutsLogs: Bool
    let settings: LeaderReplica.Settings
    /// What an answer may carry until all is healed: with little, who has lost its log is behind for long.
    private let entriesPerFetchInTroubleMax: Int
    let isTraced: Bool
    let produceIntervalMicroseconds: Int64
    private var invariants = ReplicationInvariants()
    var isHealed = false
    /// The place of the broker whose disk was lost, until it has all again.
    var lossy: Int?
    /// The place of the only broker whose log was not cut, until all have everything again.
    var survivor: Int?
    var isProducing = true
    /// Until then producers have nothing to write.
    var silentUntil = MonotonicInstant(0)
    /// The last fetch that each broker was sent by each other one: in the present lives and epochs, and in those
    /// before.
    var asked: [[ReplicationEvent.Fetch?]]
    var formerlyAsked: [[ReplicationEvent.Fetch?]]
    /// Until then nothing else goes wrong.
    var quietUntil = MonotonicInstant(0)
    var nextValue: UInt64 = 1
    private var broken: String?

    package init(seed: UInt64, isTraced: Bool = false) {
        self.seed = seed
        self.isTraced = isTraced
        generator = SeededGenerator(seed: seed)
        plan = FaultPlan(drawnFrom: &generator)
        reassigns = generator.chance(1, in: 3)
        let nodeCount = ReplicationSimulation.replicaCount + (reassigns ? 2 : 0)
        asked = Array(repeating: Array(repeating: nil, count: nodeCount), count: nodeCount)
        formerlyAsked = asked
        // The controller is one more place on the network.
        network = SimNetwork(count: nodeCount + 1, plan: plan)
        produceIntervalMicroseconds = [2_000, 15_000, 80_000][Int(generator.next() % 3)]
        settings = LeaderReplica.Settings(
            minInSyncReplicas: 2, replicaLagMaxMilliseconds: 500, flushesOnAck: !generator.chance(1, in: 4))
        cutsLogs = generator.chance(1, in: 3)
        entriesPerFetchInTroubleMax = generator.chance(1, in: 2) ? ReplicationSimulation.entriesPerFetchUsualMax : 16
        truth = ReplicationSimulation.start(&generator, settings, nodeCount: nodeCount)
    }

    var now: MonotonicInstant { heap.now }
    var entriesPerFetchMax: Int {
        isHealed ? ReplicationSimulation.entriesPerFetchUsualMax : entriesPerFetchInTroubleMax
    }
    var controllerPlace: Int { truth.nodes.count }

    /// Runs the whole plan.
    ///
    /// - Throws: the first violation, or that the partition did not come back after the faults.
    package mutating func run() throws(SimulationFailure) {
        for index in truth.nodes.indices { heap.schedule(.start(node: index), afterMicroseconds: 0) }
        heap.schedule(.produce, afterMicroseconds: produceIntervalMicroseconds)
        heap.schedule(.sessions, afterMicroseconds: 100_000)
        scheduleFault()
        heap.schedule(.heal, at: MonotonicInstant(0).advanced(byMilliseconds: ReplicationSimulation.faultMilliseconds))
        let end = ReplicationSimulation.faultMilliseconds + ReplicationSimulation.convergenceMilliseconds
        try runUntil(milliseconds: end - ReplicationSimulation.convergenceMilliseconds / 2)
        let before = truth.committed.count
        isProducing = false
        try runUntil(milliseconds: end)
        if let reason = stuck(before) { throw failure(reason) }
    }

    private mutating func runUntil(milliseconds: Int64) throws(SimulationFailure) {
        let limit = MonotonicInstant(0).advanced(byMilliseconds: milliseconds)
        while let event = heap.next(before: limit) {
            steps += 1
            handle(event)
            fingerprint = fingerprint &* 1_099_511_628_211 ^ UInt64(truth.committed.count) ^ UInt64(now.value)
            if let reason = broken ?? invariants.violation(in: truth) { throw failure(reason) }
        }
    }

    private func failure(_ reason: String) -> SimulationFailure {
        SimulationFailure(
            seed: seed, step: steps, atMicroseconds: now.value / 1_000, reason: reason, option: "--room replication ")
    }

    /// Liveness: why the partition has not come back; nil when it has.
    private func stuck(_ committedBefore: Int) -> String? {
        let partition = truth.partition
        guard let leader = truth.nodes.first(where: { truth.isCurrentLeader($0) }) else {
            return "after the faults nobody leads: \(partition)"
        }
        guard partition.addingReplicas.isEmpty, partition.removingReplicas.isEmpty else {
            return "the reassignment is not over: \(partition)"
        }
        guard partition.isr.count == partition.replicas.count else { return "the ISR is still \(partition.isr)" }
        guard truth.committed.count >= committedBefore, !truth.committed.isEmpty,
            leader.highWatermark == leader.disk.end
        else { return "leader \(leader.id) could not commit its log" }
        for node in truth.nodes.filter({ partition.replicas.contains($0.id) })
        where node.disk.end != leader.disk.end
            || node.disk.chain(below: node.disk.end)
                != leader.disk.chain(below: leader.disk.end)
        {
            return "\(node.id) did not catch up with leader \(leader.id)"
        }
        return nil
    }

    mutating func note(_ line: String) {
        guard isTraced else { return }
        let micros = String(now.value / 1_000 % 1_000)
        let fraction = String(repeating: "0", count: 3 - micros.count) + micros
        trace.append("\(now.value / 1_000_000).\(fraction) ms  \(line)")
    }

    mutating func fail(_ reason: String) { broken = broken ?? reason }

    private mutating func handle(_ event: ReplicationEvent) {
        if let (node, life) = event.process {
            guard truth.nodes[node].life == life, truth.nodes[node].isUp else { return }
            if truth.nodes[node].isPaused {
                truth.nodes[node].held.append(event)
                return
            }
        }
        switch event {
        case .produce: produce()
        case .fetchDue(let node, _): sendFetch(node)
        case .fetchTimeout(let node, _, let number): fetchTimedOut(node, number)
        case .fetch(let fetch, let to): answerFetch(fetch, at: to, event)
        case .fetched(let reply, let node, _): fetched(reply, at: node)
        case .flushed(let end, let generation, let node, _): flushed(end, generation, at: node)
        case .alter(let proposal, let epoch, let node, let life): alter(proposal, epoch, from: node, life: life)
        case .altered(let proposal, let answer, let node, _): altered(proposal, answer, at: node)
        case .sendAgain(let proposal, let node, _): send(proposal, from: node)
        case .metadata(let node, _): applyMetadata(node)
        case .register(let node, _): register(node)
        case .heartbeat(let node, _): heartbeat(node)
        case .lagCheck(let node, _): checkLag(node)
        case .sessions: checkSessions()
        case .fault: injectFault()
        case .fenceLeader: fenceLeader()
        case .elect: electNow()
        case .wipeOnceWhole: wipeOnceWhole()
        case .start(let node): start(node)
        case .resume(let node): resume(node)
        case .death(let node): die(node)
        case .cutLogs: cutLogs()
        case .endPartition: if !isHealed { network.heal() }
        case .heal: heal()
        }
    }

    /// A cluster of registered brokers, and the topic on the first of them.
    private static func start(
        _ generator: inout SeededGenerator, _ settings: LeaderReplica.Settings, nodeCount: Int
    ) -> ReplicationTruth {
        var configuration = ControllerConfiguration(clusterID: clusterID)
        configuration.defaultMinInSyncReplicas = settings.minInSyncReplicas
        configuration.sessionTimeoutMilliseconds = 1_000
        var controller = ClusterController(
            configuration: configuration, image: MetadataImage(), now: MonotonicInstant(0))
        for record in controller.decideBootstrap().records { controller.replay(record) }
        let nodes = (1...nodeCount).map { ReplicaNode(id: BrokerID(Int32($0))) }
        for node in nodes { letIn(node, &controller) }
        var topic = TopicRecord()
        topic.name = topicName
        topic.topicID = TopicID.random(using: &generator)
        controller.replay(.topic(topic))
        let replicas = nodes.prefix(replicaCount).map(\.id)
        let partition = PartitionRegistration(
            replicas: replicas, isr: replicas, leader: replicas[0], leaderEpoch: .zero)
        let id = TopicPartitionID(topic.topicID, PartitionIndex(0))
        controller.replay(.partition(partition.record(topic: id.topic, index: id.index)))
        return ReplicationTruth(
            nodes: nodes, controller: controller, images: [controller.image], partitionID: id,
            flushesOnAck: settings.flushesOnAck)
    }

    /// Registers and unfences the first life of a broker.
    private static func letIn(_ node: ReplicaNode, _ controller: inout ClusterController) {
        let offset = Offset(Int64(node.id.value))
        let registered = controller.registerBroker(
            registration(of: node), nextOffset: offset, now: MonotonicInstant(0))
        for record in registered.records { controller.replay(record) }
        controller.sessions.start(node.id, epoch: registered.reply.brokerEpoch, now: MonotonicInstant(0))
        var beat = BrokerHeartbeatRequest()
        beat.brokerID = node.id
        beat.brokerEpoch = registered.reply.brokerEpoch
        beat.currentMetadataOffset = offset
        let unfenced = controller.heartbeat(beat, nextOffset: offset, now: MonotonicInstant(0))
        for record in unfenced.records { controller.replay(record) }
    }

    static let clusterID = "simulated-cluster"
    static let topicName = "simulated"
}
