import BrokerServer
import ClientCore
import Metadata
import Primitives
import World

/// A whole cluster in one thread from one seed: the nodes as `martlet server` runs them, on virtual disks, clocks and
/// wires; producers and consumers; faults; and the rules of the cluster, judged after every event of a node.
///
/// A run has four parts: the cluster starts, there is load and there are faults, all is healed and has to come to rest
/// in bounded time, and what was acknowledged is read back.
///
/// `@unchecked Sendable`: a simulation has one thread.
package final class ClusterSimulation: SeededSimulation, @unchecked Sendable {
    package let plan: ClusterPlan
    package let truth: ClusterTruth
    let time: VirtualTime
    let network: VirtualNetwork
    let machines: [SimulatedMachine]
    let log: ClusterTrace
    let admin: SimulatedAdmin
    let history: ClientHistory
    private let seed: UInt64
    /// What the plan's faults are drawn from.
    var generator: SeededGenerator
    private(set) var producers: [SimulatedProducer] = []
    private(set) var consumers: [SimulatedConsumer] = []
    /// Nil where nobody writes in transactions.
    var transactions: TransactionalLoad?
    /// Nil where nobody reads in groups.
    var groups: GroupLoad?
    private var clientCount = 0
    /// What the faults remember of each machine.
    var faults = FaultState()

    /// Numbers of clients in the network start here.
    private static let firstClient = 100
    static let topic = "orders"
    /// What each part of a run may take, in virtual time.
    private static let startMillisecondsMax: Int64 = 30_000
    private static let restMillisecondsMax: Int64 = 60_000
    private static let readMillisecondsMax: Int64 = 20_000
    /// When a process that ended itself is started again.
    private static let restartMilliseconds: Int64 = 500
    /// How often it is looked whether a part is over.
    private static let lookMilliseconds: Int64 = 20

    package convenience init(seed: UInt64, isTraced: Bool) {
        var generator = SeededGenerator(seed: seed)
        let plan = ClusterPlan(drawnFrom: &generator)
        self.init(seed: seed, plan: plan, generator: generator, isTraced: isTraced)
    }

    /// A run with a plan of its own.
    package convenience init(seed: UInt64, plan: ClusterPlan, isTraced: Bool = false) {
        self.init(seed: seed, plan: plan, generator: SeededGenerator(seed: seed), isTraced: isTraced)
    }

    private init(seed: UInt64, plan: ClusterPlan, generator: SeededGenerator, isTraced: Bool) {
        var generator = generator
        self.seed = seed
        self.plan = plan
        let time = VirtualTime(seed: generator.next())
        let network = VirtualNetwork(time: time, delayMicrosecondsMax: plan.delayMicrosecondsMax)
        let log = ClusterTrace(time: time, isKept: isTraced)
        do {
            machines = try (1...plan.nodeCount).map {
                try SimulatedMachine($0, plan: plan, time: time, network: network, trace: log)
            }
        } catch {
            preconditionFailure("the simulator's own configuration is wrong: \(error)")
        }
        truth = ClusterTruth(
            machines: machines, flushesOnAck: plan.flushesOnAck,
            founders: ClusterSimulation.founders(machines, plan), trace: log)
        (self.time, self.network, self.log, self.generator) = (time, network, log, generator)
        history = ClientHistory(time)
        admin = SimulatedAdmin(
            SimulatedClient(
                ClusterSimulation.firstClient - 1, bootstrap: ClusterSimulation.bootstrap(plan), network: network,
                time: time))
    }

    private static func bootstrap(_ plan: ClusterPlan) -> [Endpoint] {
        (1...plan.nodeCount).map { Endpoint(host: "node-\($0)", port: SimulatedMachine.clientPort($0)) }
    }

    package var steps: Int { time.eventCount }
    package var trace: [String] { log.lines }
    package var fingerprint: UInt64 { time.fingerprint }
    /// Virtual time that has passed.
    package var elapsedMilliseconds: Int64 { time.now.milliseconds(since: MonotonicInstant(0)) }

    // MARK: the parts of a run

    package func run() throws(SimulationFailure) {
        defer { tearDown() }
        log.add(0, "seed \(seed): \(plan)")
        if plan.hasDynamicVoters { foundQuorum() }
        listenToFailing()
        for machine in machines { machine.start() }
        try goOn("the brokers are not let in", within: ClusterSimulation.startMillisecondsMax) { self.areAllReady }
        admin.createTopic(
            ClusterSimulation.topic, partitions: plan.partitionCount, replicas: plan.replicationFactor)
        try goOn("the topic is not there", within: ClusterSimulation.startMillisecondsMax) { self.areAllLed }
        startClients()
        if plan.hasDynamicVoters { operateQuorum() }
        log.add(0, "load and faults begin")
        try runFaults()
        heal()
        for producer in producers { producer.stop() }
        transactions?.stop()
        groups?.heal()
        try goOn(unrest ?? "", within: ClusterSimulation.restMillisecondsMax) { self.unrest == nil }
        // A leader whose clock has gone back by an hour refuses what is later (message.timestamp.after.max.ms).
        if truth.acknowledgedCount == 0, truth.reached["produce: \(ErrorCode.invalidTimestamp)"] == nil {
            throw failure("nothing was acknowledged in the whole run")
        }
        log.add(0, "at rest: \(truth.acknowledgedCount) records acknowledged, \(truth.consumedCount) consumed")
        try ageOffsets()
        try readTransactionsBack()
        try readBack()
    }

    var places: [TopicPartition] {
        (0..<plan.partitionCount).map { TopicPartition(ClusterSimulation.topic, PartitionIndex(Int32($0))) }
    }

    func client() -> SimulatedClient {
        clientCount += 1
        return SimulatedClient(
            ClusterSimulation.firstClient + clientCount - 1, bootstrap: ClusterSimulation.bootstrap(plan),
            network: network, time: time)
    }

    /// One more consumer reads all from the start.
    func readAnew(readsCommittedFor ledger: TransactionLedger? = nil) {
        let consumer = SimulatedConsumer(
            client(), places: places, truth: truth, history: history, readsCommittedFor: ledger)
        consumers.append(consumer)
        consumer.start()
    }

    private func startClients() {
        for _ in 0..<plan.producerCount {
            producers.append(
                SimulatedProducer(client(), places: places, plan: plan, truth: truth, history: history))
        }
        for _ in 0..<plan.consumerCount {
            consumers.append(SimulatedConsumer(client(), places: places, truth: truth, history: history))
        }
        for producer in producers { producer.start() }
        for consumer in consumers { consumer.start() }
        startTransactions()
        startGroups()
    }

    private func tearDown() {
        for producer in producers { producer.client.close() }
        for consumer in consumers { consumer.client.close() }
        transactions?.close()
        groups?.close()
        admin.client.close()
        network.watch(nil)
        for machine in machines { machine.tearDown() }
        time.clear()
    }

    // MARK: going on

    /// Runs all events before an instant, and judges after each.
    ///
    /// - Throws: the first rule that is broken.
    func run(until limit: MonotonicInstant) throws(SimulationFailure) {
        while let owner = time.runNextOwned(before: limit) {
            if owner > 0, owner <= machines.count {
                truth.observe(owner)
                if faults.strikesBehind != nil { strikeIfCommitted() }
                if let failure = machines[owner - 1].takeFailure() { ended(machines[owner - 1], failure) }
            }
            if let violation = truth.violation { throw failure(violation) }
        }
        time.pass(to: limit)
    }

    /// A process ended itself: because its disk fails, or against the rules.
    private func ended(_ machine: SimulatedMachine, _ failure: String) {
        guard faults.mayFail(machine) else {
            return truth.violated("node \(machine.number) ended itself: \(failure)")
        }
        truth.reach("a process ended for its disk")
        if faults.spoke?.node == machine.number, faults.spoke?.event == time.eventCount {
            truth.reach("a process spoke in the event that ended it")
        }
        time.schedule(afterMicroseconds: ClusterSimulation.restartMilliseconds * 1_000) {
            if machine.condition == .down { machine.start() }
        }
    }

    /// Goes on until something is so; that it never becomes so is a failure, too.
    private func goOn(
        _ complaint: @autoclosure () -> String, within milliseconds: Int64, _ isDone: () -> Bool
    ) throws(SimulationFailure) {
        let end = time.now.advanced(byMilliseconds: milliseconds)
        while !isDone() {
            guard time.now < end else { throw failure("no progress in \(milliseconds) ms: \(complaint())") }
            try run(until: time.now.advanced(byMilliseconds: ClusterSimulation.lookMilliseconds))
        }
    }

    func failure(_ reason: String) -> SimulationFailure {
        SimulationFailure(
            seed: seed, step: steps, atMicroseconds: time.now.value / 1_000, reason: reason, option: "--cluster ")
    }

    // MARK: what is so

    private var areAllReady: Bool { machines.allSatisfy(\.isReady) }

    private var areAllLed: Bool {
        guard let topic = truth.image.topics[name: ClusterSimulation.topic] else { return false }
        return topic.partitions.allSatisfy { $0.leader != nil }
    }

    /// What still moves, or does not, long after all is healed; nil when all is as it should be.
    private var unrest: String? {
        if let machine = machines.first(where: { !$0.isReady }) { return "node \(machine.number) does not serve" }
        for broker in truth.image.brokers.sorted where !broker.isActive { return "broker \(broker.id) is fenced" }
        if let producer = producers.first(where: { !$0.isIdle }) {
            return "client \(producer.client.number) still waits for answers"
        }
        if let reason = unrestOfVoters ?? transactions?.unrest ?? groups?.unrest { return reason }
        for id in truth.partitionIDs {
            guard let partition = truth.partitions[id], let registration = partition.registration else { continue }
            if let reason = unrest(of: partition, registration) { return "\(partition.name) \(reason)" }
        }
        if let (name, node) = truth.rotten { return "\(name) is rotten at \(node)" }
        for place in places {
            guard let id = truth.image.topics[name: place.topic]?.id,
                let partition = truth.partitions[TopicPartitionID(id, place.partition)]
            else { return "\(place) is unknown" }
            for consumer in consumers
            where (consumer.position(place) ?? .zero) < partition.committed.end && !consumer.mayBeKeptBack {
                return "client \(consumer.client.number) has read \(place) up to \(consumer.position(place) ?? .zero) "
                    + "of \(partition.committed.end)"
            }
        }
        return nil
    }

    private func unrest(of partition: PartitionTruth, _ registration: PartitionRegistration) -> String? {
        if registration.leader == nil { return "has no leader" }
        if !registration.addingReplicas.isEmpty || !registration.removingReplicas.isEmpty { return "is being moved" }
        if Set(registration.isr) != Set(registration.replicas) {
            return "has the ISR \(registration.isr) of \(registration.replicas)"
        }
        for id in registration.replicas {
            guard let witness = partition.replicas[Int(id.value)]?.witness else { return "is not open at \(id)" }
            if witness.highWatermark != partition.committed.end || witness.logEnd != partition.committed.end {
                return "ends at \(witness.logEnd), watermark \(witness.highWatermark), at \(id); "
                    + "\(partition.committed.end) is committed"
            }
        }
        return nil
    }

    // MARK: reading back

    /// A fresh consumer reads all from the start: each acknowledged record is there, once, where it was said to be.
    private func readBack() throws(SimulationFailure) {
        let reader = SimulatedConsumer(
            client(), places: places, truth: truth, history: history, keepsValues: true)
        reader.start()
        try awaitReading(by: reader)
        for producer in producers {
            for (number, fate) in producer.fates.enumerated() {
                if let reason = missing(producer, number, fate, reader) { throw failure(reason) }
            }
        }
        reader.client.close()
        history.drained(places, by: reader.client.number)
        if !truth.isLossy, let anomaly = history.anomaly() { throw failure(anomaly) }
    }

    /// A reader gets as far as everything that is committed.
    func awaitReading(by reader: SimulatedConsumer) throws(SimulationFailure) {
        let ends = truth.partitionIDs.compactMap { id in truth.partitions[id].map { ($0, $0.committed.end) } }
        func isRead(_ place: TopicPartition) -> Bool {
            ends.allSatisfy { partition, end in
                partition.registration == nil || partition.topicName != place.topic
                    || partition.id.index != place.partition || reader.position(place) == end
            }
        }
        try goOn("not all can be read back", within: ClusterSimulation.readMillisecondsMax) {
            self.places.allSatisfy(isRead)
        }
    }

    private func missing(
        _ producer: SimulatedProducer, _ number: Int, _ fate: SimulatedProducer.Fate, _ reader: SimulatedConsumer
    ) -> String? {
        guard case .acknowledged(let id, let offset?) = fate, let partition = truth.partitions[id],
            partition.registration != nil, partition.uncleanEpoch == nil
        else { return nil }
        let value = producer.value(number)
        guard let found = reader.values[id]?[offset], found.starts(with: value) else {
            return "P1: record \(String(decoding: value, as: UTF8.self)) was acknowledged at \(offset) of \(id) and is "
                + "not there"
        }
        return nil
    }
}
