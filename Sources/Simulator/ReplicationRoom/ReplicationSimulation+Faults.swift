import Controller
import Metadata
import Primitives
import Replication
import WireMessages

/// What goes wrong, and how it is healed.
extension ReplicationSimulation {
    mutating func scheduleFault() {
        guard plan.faultIntervalMicroseconds < .max else { return }
        let interval = UInt64(plan.faultIntervalMicroseconds)
        heap.schedule(.fault, afterMicroseconds: Int64(interval / 2 + generator.next() % interval))
    }

    mutating func start(_ index: Int) {
        guard !truth.nodes[index].isUp else { return }
        truth.nodes[index].disk.recover()
        truth.nodes[index].isUp = true
        truth.nodes[index].appliedImages = 0
        // The first lives are registered when the run begins.
        let isFirst = truth.nodes[index].life == 0
        truth.nodes[index].brokerEpoch = isFirst ? truth.controller.image.brokers[truth.nodes[index].id]?.epoch : nil
        let node = truth.nodes[index]
        note("\(node.id) starts with a log that ends at \(node.disk.end)")
        let delay = Int64(generator.next() % 20_000)
        let first =
            isFirst ? ReplicationEvent.heartbeat(node: index, life: node.life) : .register(node: index, life: node.life)
        heap.schedule(first, afterMicroseconds: delay)
        heap.schedule(.lagCheck(node: index, life: node.life), afterMicroseconds: 250_000)
        heap.schedule(.metadata(node: index, life: node.life), afterMicroseconds: Int64(generator.next() % 50_000))
    }

    /// Not while another's disk is lost and not yet filled again: who restarts unclean is in doubt, and where everybody
    /// is, the lost one is waited for until an operator decides (design 1.4).
    private mutating func crash(_ index: Int) {
        guard end(index) else { return }
        startLater(index)
    }

    mutating func startLater(_ index: Int) {
        heap.schedule(.start(node: index), afterMicroseconds: 20_000 + Int64(generator.next() % 2_000_000))
    }

    /// A process ends without order; false where it may not.
    mutating func end(_ index: Int) -> Bool {
        guard truth.nodes[index].isUp, lossy == nil || lossy == index || isFilledAgain() else { return false }
        note("\(truth.nodes[index].id) crashes")
        if generator.chance(1, in: 2) {
            truth.nodes[index].disk.checkpointedHighWatermark = truth.nodes[index].highWatermark
        }
        truth.nodes[index].disk.cleanEpoch = nil
        truth.nodes[index].isUp = false
        truth.nodes[index].isPaused = false
        truth.nodes[index].life += 1
        keepFetches(of: index)
        truth.nodes[index].role = .idle
        truth.nodes[index].held = []
        truth.nodes[index].waiting = []
        truth.nodes[index].isFlushing = false
        truth.nodes[index].fetchInFlight = nil
        // Without flush.on.ack an acknowledgement promises nothing against a loss of power.
        if plan.losesPower, settings.flushesOnAck, generator.chance(2, in: 3) {
            truth.nodes[index].disk.losePower(using: &generator)
        }
        return true
    }

    /// Whether every broker runs, and every replica is in sync.
    var isWhole: Bool {
        let partition = truth.partition
        return truth.nodes.allSatisfy { $0.isUp && !$0.isPaused } && partition.isr.count == partition.replicas.count
            && partition.replicas.count >= ReplicationSimulation.replicaCount
    }

    /// Whether the disk that was lost has all again.
    mutating func isFilledAgain() -> Bool {
        guard let lossy, isWhole, truth.isRunning(truth.nodes[lossy]) else { return false }
        self.lossy = nil
        return true
    }

    /// An empty disk, one at a time: while all others have everything.
    mutating func wipe(_ index: Int) {
        guard isWhole, truth.nodes[index].isUp, lossy == nil || isFilledAgain() else { return }
        note("\(truth.nodes[index].id) gets an empty disk")
        crash(index)
        truth.nodes[index].disk.wipe()
        lossy = index
    }

    mutating func pause(_ index: Int) {
        guard truth.nodes[index].isUp, !truth.nodes[index].isPaused else { return }
        note("\(truth.nodes[index].id) is paused")
        truth.nodes[index].isPaused = true
        heap.schedule(.resume(node: index), afterMicroseconds: 50_000 + Int64(generator.next() % 2_500_000))
    }

    /// A paused process finds all its timers and messages at once. Which thread runs first nobody knows: what followers
    /// asked long ago may be read after the metadata of all that came since.
    mutating func resume(_ index: Int) {
        guard truth.nodes[index].isPaused else { return }
        truth.nodes[index].isPaused = false
        let held = truth.nodes[index].held
        truth.nodes[index].held = []
        let isMetadataFirst = generator.chance(1, in: 2)
        for event in held where isMetadataFirst && event.isMetadata { heap.schedule(event, at: now) }
        for event in held where !isMetadataFirst || !event.isMetadata { heap.schedule(event, at: now) }
    }

    private mutating func partition() {
        if mustReturnSoon() { return }
        let count = truth.nodes.count + 1
        if plan.oneWayCuts, generator.chance(1, in: 2) {
            let from = Int(generator.next() % UInt64(count))
            network.cut(from: from, to: (from + 1 + Int(generator.next() % UInt64(count - 1))) % count)
        } else {
            network.isolate((0..<count).filter { _ in generator.chance(1, in: 2) })
        }
        note("a partition begins")
        heap.schedule(.endPartition, afterMicroseconds: 100_000 + Int64(generator.next() % 3_000_000))
    }

    mutating func injectFault() {
        guard !isHealed else { return }
        scheduleFault()
        guard now >= quietUntil else { return }
        let index = anyNode(generator.next())
        if cutsLogs, generator.chance(1, in: 4) { return dieTogether() }
        switch generator.next() % (reassigns ? 12 : 9) {
        case 0 where plan.crashes, 1 where plan.crashes: crash(index)
        case 2 where plan.pauses: pause(index)
        case 3 where plan.partitions || plan.oneWayCuts: partition()
        case 4, 5: fence(index)
        case 6 where plan.handovers: changeController()
        case 7: elect()
        case 8 where plan.wipes: wipeSoonOrLater(index)
        case 9, 10, 11: reassign()
        default: break
        }
    }

    /// A wrong guess of a failure detector: may cost availability, never a record.
    private mutating func fence(_ index: Int) {
        let id = truth.nodes[index].id
        guard let epoch = truth.controller.image.brokers[id]?.epoch else { return }
        if commit(truth.controller.fence(id, epoch: epoch)) { note("\(id) is fenced by a guess") }
    }

    /// The partition is to move to other brokers, or back. A new target may replace one that is not reached yet.
    private mutating func reassign() {
        if mustReturnSoon() { return }
        var data = AlterPartitionReassignmentsRequest.ReassignablePartition()
        data.partitionIndex = truth.partitionID.index
        if !generator.chance(1, in: 4) {
            var brokers = truth.nodes.map(\.id)
            for place in brokers.indices.dropLast() {
                brokers.swapAt(place, place + Int(generator.next() % UInt64(brokers.count - place)))
            }
            data.replicas = Array(brokers.prefix(2 + Int(generator.next() % 3)))
        }
        var topic = AlterPartitionReassignmentsRequest.ReassignableTopic()
        topic.name = ReplicationSimulation.topicName
        topic.partitions = [data]
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [topic]
        note(data.replicas.map { "the partition is to move to \($0)" } ?? "the reassignment is cancelled")
        let answer = commit(truth.controller.alterPartitionReassignments(request)).responses[0].partitions[0]
        let allowed: [ErrorCode] = [.noError, .noReassignmentInProgress, .invalidReplicaAssignment]
        if !allowed.contains(answer.errorCode) { fail("a reassignment is refused: \(answer.errorCode)") }
    }

    /// Whoever leads is fenced.
    mutating func fenceLeader() {
        if !isHealed, let leader = truth.partition.leader { fence(Int(leader.value) - 1) }
    }

    /// Another controller becomes active on the same committed metadata: sessions and reports start afresh.
    private mutating func changeController() {
        note("another controller becomes active")
        truth.controller = ClusterController(
            configuration: truth.controller.configuration, image: truth.controller.image, now: now)
    }

    private func anyNode(_ draw: UInt64) -> Int {
        // Leaders are worth more trouble than the others.
        if draw % 2 == 0, let leader = truth.nodes.firstIndex(where: { $0.leader != nil }) { return leader }
        return Int(draw / 2 % UInt64(truth.nodes.count))
    }

    mutating func heal() {
        isHealed = true
        note("everything heals")
        network.heal()
        network.plan = .calm
        for index in truth.nodes.indices {
            resume(index)
            heap.schedule(.start(node: index), afterMicroseconds: Int64(generator.next() % 100_000))
        }
    }
}
