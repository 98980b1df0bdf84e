import BrokerServer
import Controller
import Metadata
import Primitives
import WireMessages

extension ClusterSimulation {
    /// The longest that a process is gone, or stands still: some sessions.
    static let outageMillisecondsMax: Int64 = 6_000

    /// Load, and a fault now and then, as the plan says.
    func runFaults() throws(SimulationFailure) {
        let end = time.now.advanced(byMilliseconds: plan.loadMilliseconds)
        while time.now < end {
            let interval = plan.faults.isEmpty ? plan.loadMilliseconds : plan.faultIntervalMilliseconds
            let wait = 1 + Int64(generator.next() % UInt64(2 * interval))
            try run(until: min(end, time.now.advanced(byMilliseconds: wait)))
            if time.now < end { injectOne() }
            if let violation = truth.violation { throw failure(violation) }
        }
    }

    private func injectOne() {
        guard !plan.faults.isEmpty, !mustReturnSoon, time.now >= faults.quietUntil else { return }
        inject(plan.faults[Int(generator.next() % UInt64(plan.faults.count))])
    }

    private func inject(_ kind: ClusterPlan.FaultKind) {
        let machine = machines[Int(generator.next() % UInt64(machines.count))]
        switch kind {
        case .kill: outage(of: machine) { $0.kill() }
        case .powerLoss: losePower(of: machine)
        case .blackout: strike()
        case .cleanRestart: outage(of: machine) { $0.stop() }
        case .pause: pause(machine)
        case .partition: partition()
        case .oneWayCut: cutOneWay()
        case .brokenLinks: network.breakLinks(between: machine.number, and: other(than: machine).number)
        case .badWeather: badWeather()
        case .slowDisk: slow(machine)
        case .clockJump: jump(machine)
        case .wipe: onceWhole { self.wipe(machine) }
        case .rollback: onceWhole { self.rollBack(machine) }
        case .reassignment: reassign()
        case .election: elect()
        case .configChange: changeConfig()
        case .topicChurn: churn()
        case .randomFencing: fence(machine)
        case .fullDisk: fill(machine)
        case .failingDisk: failDisk(of: machine)
        case .rottenIndex: rot(machine)
        case .rottenLog: onceWhole { self.rotLog(machine) }
        case .cutLogs: dieTogether()
        case .unregistration: unregister(machine)
        case .uncleanElection: electUnclean()
        case .voterChange: changeVoters(machine)
        }
    }

    private func other(than machine: SimulatedMachine) -> SimulatedMachine {
        let others = machines.filter { $0.number != machine.number }
        return others[Int(generator.next() % UInt64(others.count))]
    }

    func some(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(generator.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// Does something later, unless all was healed by then.
    func later(_ milliseconds: Int64, _ work: @escaping @Sendable () -> Void) {
        let generation = faults.generation
        time.schedule(afterMicroseconds: milliseconds * 1_000) { [self] in
            if faults.generation == generation { work() }
        }
    }

    // MARK: processes and machines

    /// Whether a machine may end without order. Not while another's disk is lost and not yet filled again: who restarts
    /// unclean is in doubt, and where everybody is, the lost one is waited for until an operator decides (design 1.4).
    func mayEndUnclean(_ machine: SimulatedMachine) -> Bool {
        faults.lossy == nil || faults.lossy == machine.number || isFilledAgain
    }

    func outage(of machine: SimulatedMachine, _ end: (SimulatedMachine) -> Void) {
        guard machine.condition == .running, mayEndUnclean(machine) else { return }
        end(machine)
        truth.observe(machine.number)
        startLater(machine)
    }

    func startLater(
        _ machine: SimulatedMachine, withinMilliseconds limit: Int64 = ClusterSimulation.outageMillisecondsMax
    ) {
        later(some(50...limit)) { [self] in
            if machine.condition == .down { machine.start() } else { startLater(machine) }
        }
    }

    /// Whether one more machine may lose what it did not flush: with flushing on acknowledgement always; else only
    /// while everybody else has all that is acknowledged.
    private var mayLoseUnflushed: Bool { plan.flushesOnAck || plan.breaksPromises || isWhole }

    /// Whether every machine is on, and every replica in sync.
    var isWhole: Bool {
        guard machines.allSatisfy({ $0.condition == .running && $0.isReady }) else { return false }
        return truth.partitionIDs.allSatisfy { id in
            guard let registration = truth.partitions[id]?.registration else { return true }
            return Set(registration.isr) == Set(registration.replicas)
        }
    }

    private func losePower(of machine: SimulatedMachine) {
        guard machine.condition != .down, mayLoseUnflushed, mayEndUnclean(machine) else { return }
        machine.losePower()
        truth.observe(machine.number)
        startLater(machine)
    }

    /// The power goes; every second time as something has just become committed, if anything does soon: when it hurts
    /// most that something counted before it was flushed.
    private func strike() {
        guard generator.chance(1, in: 2) else { return blackout() }
        faults.strikesBehind = truth.commitCount
        later(ClusterSimulation.strikeMilliseconds) { [self] in
            if faults.strikesBehind.take() != nil { blackout() }
        }
    }

    private static let strikeMilliseconds: Int64 = 1_000

    /// An event is over: something may have become committed by it.
    func strikeIfCommitted() {
        guard let before = faults.strikesBehind, truth.commitCount > before else { return }
        faults.strikesBehind = nil
        blackout()
    }

    /// Without flushing on acknowledgement, all that a blackout may take is processes.
    private func blackout() {
        guard !mustReturnSoon, faults.lossy == nil || isFilledAgain else { return }
        log.add(0, "blackout")
        for machine in machines where machine.condition != .down {
            if plan.flushesOnAck || plan.breaksPromises { machine.losePower() } else { machine.kill() }
            truth.observe(machine.number)
            startLater(machine)
        }
        truth.reach("blackout")
        for id in truth.partitionIDs where !truth.isSomewhere(id) {
            truth.violated("INV-5: \(id): no disk has all that is committed")
        }
    }

    private func pause(_ machine: SimulatedMachine) {
        guard machine.condition == .running else { return }
        machine.pause()
        later(some(100...ClusterSimulation.outageMillisecondsMax)) { machine.resume() }
    }

    private func jump(_ machine: SimulatedMachine) {
        let jump = [-3_600_000, -10_000, 10_000, 3_600_000, 90_000_000][Int(generator.next() % 5)] as Int64
        log.add(machine.number, "the time of day jumps by \(jump) ms")
        machine.clock.jump(byMilliseconds: jump)
    }

    // MARK: the network

    private func partition() {
        let size = 1 + Int(generator.next() % UInt64(max(1, machines.count / 2)))
        var group: Set<Int> = []
        while group.count < size { group.insert(1 + Int(generator.next() % UInt64(machines.count))) }
        log.add(0, "cut off: \(group.sorted())")
        for one in group.sorted() {
            for machine in machines where !group.contains(machine.number) {
                network.cut(from: one, to: machine.number)
                network.cut(from: machine.number, to: one)
            }
        }
        healLater()
    }

    private func cutOneWay() {
        let one = machines[Int(generator.next() % UInt64(machines.count))]
        let other = other(than: one)
        log.add(0, "cut: \(one.number) to \(other.number)")
        network.cut(from: one.number, to: other.number)
        healLater()
    }

    private func healLater() {
        let breaks = generator.chance(1, in: 2)
        later(some(200...8_000)) { [self] in
            log.add(0, "the network is whole again\(breaks ? ", old connections are broken" : "")")
            if breaks { breakAllLinks() }
            network.heal()
        }
    }

    private func breakAllLinks() {
        for one in machines {
            for other in machines where other.number != one.number {
                network.breakLinks(between: one.number, and: other.number)
            }
        }
    }

    private func badWeather() {
        let delay = [20_000, 100_000, 500_000][Int(generator.next() % 3)] as Int64
        let loss = [0, 2, 10][Int(generator.next() % 3)] as UInt64
        log.add(0, "delays up to \(delay) µs, \(loss) % are lost")
        network.weather(delayMicrosecondsMax: delay, lossPercent: loss)
        later(some(500...5_000)) { [self] in
            network.weather(delayMicrosecondsMax: plan.delayMicrosecondsMax, lossPercent: 0)
        }
    }

    // MARK: disks

    private func slow(_ machine: SimulatedMachine) {
        let latency = [100_000, 1_000_000][Int(generator.next() % 2)] as Int64
        let what = ["flushes", "writes to partitions", "all writes", "flushes and writes"][Int(generator.next() % 4)]
        log.add(machine.number, "the disk is slow: \(what)")
        if what.hasPrefix("flushes") { machine.slowDisk(toMicroseconds: latency) }
        if what != "flushes" { machine.slowWrites(1_000...latency / 2, isAll: what == "all writes") }
        later(some(500...5_000)) {
            machine.slowDisk(toMicroseconds: nil)
            machine.slowWrites(nil)
        }
    }

    /// Whether one disk may lose what it had flushed: while all others have everything, and one disk at a time.
    var mayLoseDisk: Bool {
        !mustReturnSoon && isWhole && faults.brokenDisks.isEmpty && !truth.isAnyRotten
            && (faults.lossy == nil || isFilledAgain) && time.now >= faults.unregisteringUntil
    }

    /// Whether the disk that was lost has all again.
    private var isFilledAgain: Bool {
        guard let lossy = faults.lossy, isWhole, !truth.isAnyRotten, machines[lossy - 1].lives > faults.lossyLife
        else { return false }
        faults.lossy = nil
        return true
    }

    private func wipe(_ machine: SimulatedMachine) {
        guard mayLoseDisk, mayLoseVoter(machine) else { return }
        faults.lossy = machine.number
        faults.lossyLife = machine.lives
        log.add(machine.number, "gets an empty disk")
        machine.losePower()
        machine.files.wipe()
        truth.wiped(machine.number)
        truth.reach("an empty disk")
        startLater(machine)
    }

    private func rollBack(_ machine: SimulatedMachine) {
        guard let copy = faults.copies[machine.number] else {
            faults.copies[machine.number] = machine.files.copy(below: SimulatedMachine.dataDirectory)
            return
        }
        guard mayLoseDisk else { return }
        faults.lossy = machine.number
        faults.lossyLife = machine.lives
        faults.copies[machine.number] = nil
        log.add(machine.number, "gets an old copy of its logs")
        machine.kill()
        machine.files.restore(copy, below: SimulatedMachine.dataDirectory)
        truth.observe(machine.number)
        truth.reach("an old copy of a disk")
        startLater(machine)
    }

    // MARK: operators

    var somePartition: (TopicPartitionID, PartitionRegistration)? {
        guard let topic = truth.image.topics[name: ClusterSimulation.topic], !topic.partitions.isEmpty else {
            return nil
        }
        let index = Int(generator.next() % UInt64(topic.partitions.count))
        return (TopicPartitionID(topic.id, PartitionIndex(Int32(index))), topic.partitions[index])
    }

    /// A partition of the topic or of a coordinators' log.
    private var movedPartition: (topic: String, index: PartitionIndex)? {
        var topics = [ClusterSimulation.topic]
        if plan.groups != nil { topics.append(GroupTruth.topicName) }
        if plan.transactions != nil { topics.append(TransactionTruth.topicName) }
        let name = topics.count == 1 ? topics[0] : topics[Int(generator.next() % UInt64(topics.count))]
        guard let count = truth.image.topics[name: name]?.partitions.count, count > 0 else { return nil }
        return (name, PartitionIndex(Int32(generator.next() % UInt64(count))))
    }

    private func reassign() {
        guard machines.count > plan.replicationFactor || generator.chance(1, in: 2), let (name, index) = movedPartition
        else { return }
        var left = machines.map(\.id)
        var target: [BrokerID] = []
        while target.count < plan.replicationFactor {
            target.append(left.remove(at: Int(generator.next() % UInt64(left.count))))
        }
        log.add(0, "\(name)-\(index) is to be on \(target)")
        if name != ClusterSimulation.topic { truth.reach("a coordinator's log was to be moved") }
        var partition = AlterPartitionReassignmentsRequest.ReassignablePartition()
        partition.partitionIndex = index
        partition.replicas = generator.chance(1, in: 8) ? nil : target
        var topic = AlterPartitionReassignmentsRequest.ReassignableTopic()
        topic.name = name
        topic.partitions = [partition]
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [topic]
        admin.insist(on: request, attempts: 3) { $0.errorCode == .noError }
    }

    private func elect() {
        log.add(0, "preferred leaders are to lead")
        var request = ElectLeadersRequest()
        request.electionType = 0
        request.topicPartitions = nil
        request.timeoutMilliseconds = 2_000
        admin.insist(on: request, attempts: 3) { $0.errorCode == .noError }
    }

    private func changeConfig() {
        var config = IncrementalAlterConfigsRequest.AlterableConfig()
        config.name = "segment.bytes"
        config.configOperation = 0
        config.value = ["2048", "16384", "1048576"][Int(generator.next() % 3)]
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 2
        resource.resourceName = ClusterSimulation.topic
        resource.configs = [config]
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        log.add(0, "segment.bytes is to be \(config.value ?? "")")
        admin.insist(on: request, attempts: 3) { $0.responses.first?.errorCode == .noError }
    }

    /// A topic that nobody writes to comes and goes: its name, its directories and its ids must not be mixed up.
    private func churn() {
        if truth.image.topics[name: ClusterSimulation.churnedTopic] == nil {
            return admin.createTopic(ClusterSimulation.churnedTopic, partitions: 2, replicas: plan.replicationFactor)
        }
        var topic = DeleteTopicsRequest.DeleteTopicState()
        topic.name = ClusterSimulation.churnedTopic
        var request = DeleteTopicsRequest()
        request.topics = [topic]
        request.topicNames = [ClusterSimulation.churnedTopic]
        request.timeoutMilliseconds = 2_000
        admin.insist(on: request, attempts: 3) { _ in true }
    }

    static let churnedTopic = "shifting"

    /// A detector that guesses: fences a broker that nothing is wrong with.
    private func fence(_ machine: SimulatedMachine) {
        let active = machines.first { $0.node?.isActiveController ?? false }
        guard let active, let epoch = truth.image.brokers[machine.id]?.epoch else { return }
        log.add(machine.number, "is fenced for nothing")
        truth.reach("fenced for nothing")
        active.node?.fence(machine.id, epoch: epoch)
    }

    /// An operator takes a broker for gone for good. One that is not registers again, and is in doubt as after a crash.
    private func unregister(_ machine: SimulatedMachine) {
        guard mayEndUnclean(machine) else { return }
        faults.unregisteringUntil = time.now.advanced(byMilliseconds: 10_000)
        log.add(machine.number, "is unregistered")
        truth.reach("a broker unregistered")
        var request = UnregisterBrokerRequest()
        request.brokerID = machine.id
        admin.insist(on: request, attempts: 3) { $0.errorCode == .noError || $0.errorCode == .brokerIDNotRegistered }
    }

    // MARK: healing

    /// All that was broken works again: machines are on, the network is whole, disks are fast.
    func heal() {
        log.add(0, "all is healed")
        faults.generation += 1
        faults.strikesBehind = nil
        network.heal()
        breakAllLinks()
        network.weather(delayMicrosecondsMax: min(plan.delayMicrosecondsMax, 2_000), lossPercent: 0)
        for machine in machines {
            machine.resume()
            machine.slowDisk(toMicroseconds: nil)
            machine.slowWrites(nil)
            repairDisk(of: machine)
            startOnceDown(machine)
        }
    }

    private func startOnceDown(_ machine: SimulatedMachine) {
        switch machine.condition {
        case .running, .paused: break
        case .down: machine.start()
        case .stopping:
            time.schedule(afterMicroseconds: 20_000) { self.startOnceDown(machine) }
        }
    }
}
