import Primitives
import Quorum

/// What goes wrong, and how it is healed.
extension QuorumSimulation {
    mutating func scheduleFault() {
        guard plan.faultIntervalMicroseconds < .max else { return }
        let interval = UInt64(plan.faultIntervalMicroseconds)
        heap.schedule(.fault, afterMicroseconds: Int64(interval / 2 + generator.next() % interval))
    }

    mutating func start(_ index: Int) {
        guard truth.nodes[index].replica == nil else { return }
        truth.nodes[index].disk.settle()
        let node = truth.nodes[index]
        truth.nodes[index].tickAt = nil
        truth.nodes[index].replica = QuorumReplica(
            QuorumSimulation.voter(node: index + 1, disk: node.disks, isDynamic: truth.isDynamic),
            history: node.disk.history(configured: configured), settings: settings, election: node.disk.election,
            log: node.disk.view, generator: SeededGenerator(seed: generator.next()))
        note("node \(node.id) starts with \(node.disk.entries.count) entries, \(node.disk.election.standing)")
        step(index, .started)
    }

    mutating func crash(_ index: Int) {
        guard truth.nodes[index].replica != nil else { return }
        note("node \(truth.nodes[index].id) crashes")
        touched.append(index)
        let askers = truth.nodes[index].askers.sorted { $0.key < $1.key }.map(\.value)
        truth.nodes[index].replica = nil
        truth.nodes[index].life += 1
        truth.nodes[index].isPaused = false
        truth.nodes[index].held = []
        truth.nodes[index].askers = [:]
        truth.nodes[index].staged = [:]
        truth.nodes[index].unacknowledged = []
        truth.nodes[index].operations = [:]
        truth.nodes[index].installed = nil
        if plan.losesPower, generator.chance(2, in: 3) { truth.nodes[index].disk.losePower(using: &generator) }
        for asker in askers {
            for delay in network.arrivals(from: index, to: asker.node, using: &generator).prefix(1) {
                heap.schedule(
                    .failure(.noAnswer, id: asker.request, to: asker.node, life: asker.life), afterMicroseconds: delay)
            }
        }
        heap.schedule(.start(index), afterMicroseconds: 20_000 + Int64(generator.next() % 2_000_000))
    }

    private mutating func pause(_ index: Int) {
        guard truth.nodes[index].replica != nil, !truth.nodes[index].isPaused else { return }
        note("node \(truth.nodes[index].id) is paused")
        truth.nodes[index].isPaused = true
        heap.schedule(.resume(index), afterMicroseconds: 50_000 + Int64(generator.next() % 2_000_000))
    }

    /// A paused process finds all its timers and messages at once.
    mutating func resume(_ index: Int) {
        guard truth.nodes[index].isPaused else { return }
        note("node \(truth.nodes[index].id) goes on")
        truth.nodes[index].isPaused = false
        let held = truth.nodes[index].held
        truth.nodes[index].held = []
        for event in held { heap.schedule(event, at: now) }
    }

    /// A new disk under the same node id. Static voters can't tell a lost vote from one not given, so the disk must
    /// not hold a vote in an epoch that nobody leads yet (KIP-853's directory ids are the cure), and the others must
    /// have entries: a voter that never had any can't tell a lost log from one that is new.
    private mutating func wipe(_ index: Int) {
        let node = truth.nodes[index]
        let latestLed = truth.leaders.keys.max() ?? .zero
        let others = truth.nodes.filter { $0.id != node.id }
        guard !node.isWiped, node.disk.durableEnd > 0, !truth.committed.isEmpty else { return }
        if truth.isDynamic {
            guard mayLoseDisk(node) else { return }
        } else {
            guard others.allSatisfy({ $0.disk.durableEnd > 0 && $0.disk.election.standing != .catchingUp }),
                node.disk.election.epoch <= latestLed
            else { return }
        }
        crash(index)
        note("node \(node.id) gets a new disk")
        let disks = node.disks + 1
        truth.nodes[index].disks = disks
        truth.nodes[index].disk =
            truth.isDynamic
            ? QuorumDisk(directoryID: QuorumSimulation.directory(node: index + 1, disk: disks)) : QuorumDisk()
        truth.nodes[index].isWiped = true
    }

    /// A majority must be left that has all: none of the voters has lost its disk before, there are three at least, and
    /// no change of them is under way.
    private func mayLoseDisk(_ node: QuorumNode) -> Bool {
        let voters = truth.committedVoters[truth.committedVoters.count - 1]
        guard truth.nodes.allSatisfy({ $0.disk.newestVoters ?? voters == voters }) else { return false }
        guard voters.contains(node.key) else { return true }
        let isEachWhole = voters.all.allSatisfy { voter in
            truth.nodes.contains { voter.admits($0.key) && $0.disk.durableEnd > 0 && !$0.isWiped }
        }
        return voters.members.count >= 3 && isEachWhole
    }

    private mutating func partition() {
        let count = truth.nodes.count
        if plan.oneWayCuts, generator.chance(1, in: 2) {
            let from = Int(generator.next() % UInt64(count))
            let to = (from + 1 + Int(generator.next() % UInt64(count - 1))) % count
            network.cut(from: from, to: to)
            note("nothing gets from node \(from + 1) to node \(to + 1)")
        } else {
            let group = (0..<count).filter { _ in generator.chance(1, in: 2) }
            network.isolate(group)
            note("partition: \(group.map { "\($0 + 1)" }.joined(separator: " ")) from the others")
        }
        heap.schedule(.endPartition, afterMicroseconds: 100_000 + Int64(generator.next() % 3_000_000))
    }

    private func anyNode(_ draw: UInt64) -> Int {
        // Leaders are worth more trouble than the others.
        if draw % 2 == 0, let leader = truth.nodes.firstIndex(where: { $0.replica?.role.leading != nil }) {
            return leader
        }
        return Int(draw / 2 % UInt64(truth.nodes.count))
    }

    mutating func injectFault() {
        guard !isHealed else { return }
        scheduleFault()
        let index = anyNode(generator.next())
        switch generator.next() % 6 {
        case 0 where plan.crashes, 1 where plan.crashes: crash(index)
        case 2 where plan.pauses: pause(index)
        case 3 where plan.partitions || plan.oneWayCuts: partition()
        case 4 where plan.wipes: wipe(index)
        case 5 where plan.handovers: handOver(index)
        default: break
        }
    }

    /// A leader gives up, and its process ends in order.
    private mutating func handOver(_ index: Int) {
        guard let epoch = truth.nodes[index].replica?.role.leading?.epoch, !truth.nodes[index].isPaused else { return }
        if generator.chance(1, in: 2) { return step(index, .resign(epoch)) }
        step(index, .shutDown)
        crash(index)
    }

    mutating func heal() {
        isHealed = true
        note("everything heals")
        network.heal()
        network.plan = .calm
        for index in truth.nodes.indices {
            resume(index)
            heap.schedule(.start(index), afterMicroseconds: Int64(generator.next() % 100_000))
        }
    }
}
