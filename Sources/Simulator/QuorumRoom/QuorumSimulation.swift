import Primitives
import Quorum

/// The first room of the simulator: a quorum of three to five cores on one event heap, from one seed. With dynamic
/// voters there are up to three nodes more, and an operator who adds and removes voters, disks being replaced.
///
/// Permitted faults: those of `FaultPlan`, until the run is half over. Then everything heals, and within
/// `convergenceMilliseconds` there must be one leader, and every node must know all that it wrote to be committed.
package struct QuorumSimulation {
    static let faultMilliseconds: Int64 = 12_000
    static let convergenceMilliseconds: Int64 = 8_000
    static let requestTimeoutMicroseconds: Int64 = 500_000
    static let entriesPerFetchMax: UInt64 = 24
    static let snapshotPieceBytes = 640

    package let seed: UInt64
    package internal(set) var truth: QuorumTruth
    package internal(set) var steps = 0
    /// One line for each change of state; only what `isTraced` asks for.
    package internal(set) var trace: [String] = []
    /// A number over all that happened: equal runs have equal ones.
    package internal(set) var fingerprint: UInt64 = 0

    var heap = EventHeap<QuorumEvent>()
    var generator: SeededGenerator
    var network: SimNetwork
    let plan: FaultPlan
    /// The static voters; none where they are dynamic.
    let configured: VoterSet
    let settings: QuorumSettings
    let isTraced: Bool
    private var invariants = QuorumInvariants()
    var isHealed = false
    var isProducing = true
    var nextValue: UInt64 = 1
    /// What the values of control records stand for, from `firstChangeValue` on.
    var changes: [UInt64: QuorumChange.Content] = [:]
    static let firstChangeValue: UInt64 = 1 << 40
    var produceIntervalMicroseconds: Int64
    private var broken: String?
    /// Changes of the voters that the operator was told to be done.
    package internal(set) var operationsDone = 0
    /// The nodes at which the present event did anything.
    var touched: [Int] = []

    package init(seed: UInt64, isTraced: Bool = false) { self.init(seed: seed, isTraced: isTraced, isDynamic: false) }

    /// - Parameter isDynamic: whether voters come and go.
    package init(seed: UInt64, isTraced: Bool, isDynamic: Bool) {
        self.seed = seed
        self.isTraced = isTraced
        generator = SeededGenerator(seed: seed)
        let count = generator.chance(1, in: 3) ? 5 : 3
        plan = FaultPlan(drawnFrom: &generator)
        let isStandalone = isDynamic ? generator.chance(1, in: 5) : false
        let founders = isStandalone ? 1 : count
        let all = isDynamic ? min(founders + 2 + Int(generator.next() % 2), 6) : count
        network = SimNetwork(count: all, plan: plan)
        produceIntervalMicroseconds = [5_000, 25_000, 100_000][Int(generator.next() % 3)]
        let voters = VoterSet(
            members: (1...founders).map { QuorumSimulation.voter(node: $0, disk: 1, isDynamic: isDynamic) })
        let nodes = (1...all).map { number -> QuorumNode in
            QuorumNode(
                id: BrokerID(Int32(number)),
                disk: QuorumDisk(
                    directoryID: isDynamic ? QuorumSimulation.directory(node: number, disk: 1) : nil,
                    founding: isDynamic && number <= founders ? voters : nil))
        }
        truth = QuorumTruth(nodes: nodes, committedVoters: [voters], isDynamic: isDynamic)
        configured = isDynamic ? .none : voters
        var settings = QuorumSettings()
        if isDynamic {
            settings.bootstrap = (1...all).map { QuorumAddress(host: "node", port: UInt16($0)) }
            settings.joinsByItself = generator.chance(1, in: 3)
        }
        self.settings = settings
    }

    static func directory(node: Int, disk: UInt64) -> DirectoryID { DirectoryID(high: UInt64(node), low: disk) }

    static func voter(node: Int, disk: UInt64, isDynamic: Bool) -> Voter {
        let key = ReplicaKey(
            id: BrokerID(Int32(node)), directoryID: isDynamic ? directory(node: node, disk: disk) : nil)
        let endpoint = VoterEndpoint(listenerName: "CONTROLLER", host: "node", port: UInt16(node))
        return Voter(key: key, endpoints: isDynamic ? [endpoint] : [])
    }

    var now: MonotonicInstant { heap.now }

    /// Runs the whole plan.
    ///
    /// - Throws: the first violation, or that the quorum did not come back after the faults.
    package mutating func run() throws(SimulationFailure) {
        for index in truth.nodes.indices {
            heap.schedule(.start(index), afterMicroseconds: Int64(generator.next() % 200_000))
        }
        heap.schedule(.produce, afterMicroseconds: produceIntervalMicroseconds)
        heap.schedule(.snapshot, afterMicroseconds: 700_000)
        if truth.isDynamic { heap.schedule(.operate, afterMicroseconds: 1_500_000) }
        scheduleFault()
        heap.schedule(.heal, at: MonotonicInstant(0).advanced(byMilliseconds: QuorumSimulation.faultMilliseconds))
        try runUntil(milliseconds: QuorumSimulation.faultMilliseconds + QuorumSimulation.convergenceMilliseconds / 2)
        let before = truth.committed.count
        isProducing = false
        try runUntil(milliseconds: QuorumSimulation.faultMilliseconds + QuorumSimulation.convergenceMilliseconds)
        if let reason = stuck(before) { throw failure(reason) }
    }

    private mutating func runUntil(milliseconds: Int64) throws(SimulationFailure) {
        let limit = MonotonicInstant(0).advanced(byMilliseconds: milliseconds)
        while let event = heap.next(before: limit) {
            steps += 1
            truth.now = now
            touched.removeAll(keepingCapacity: true)
            handle(event)
            for index in touched {
                if let reason = broken ?? invariants.violation(in: truth, at: truth.nodes[index]) {
                    throw failure(reason)
                }
            }
        }
    }

    private func failure(_ reason: String) -> SimulationFailure {
        SimulationFailure(
            seed: seed, step: steps, atMicroseconds: now.value / 1_000, reason: reason,
            option: truth.isDynamic ? "--room membership " : "")
    }

    /// Liveness: why the quorum has not come back; nil when it has.
    private func stuck(_ committedBefore: Int) -> String? {
        let leaders = truth.nodes.filter { $0.replica?.role.leading != nil }
        guard leaders.count == 1, let leader = leaders.first?.replica else {
            let roles = truth.nodes.map { "\($0.id) \($0.replica?.role.name ?? "down")" }.joined(separator: ", ")
            return "after the faults there are \(leaders.count) leaders: \(roles)"
        }
        guard leader.isVoter else { return "leader \(leader.me) has no vote" }
        guard leader.highWatermark == leader.log.end, truth.committed.count >= committedBefore, committedBefore > 0
        else { return "leader \(leader.me.id) could not commit its log" }
        for node in truth.nodes where node.replica?.highWatermark != leader.highWatermark {
            return "node \(node.id) did not catch up with leader \(leader.me.id)"
        }
        return nil
    }

    mutating func note(_ line: String) {
        guard isTraced else { return }
        let milliseconds = now.value / 1_000_000
        let micros = now.value / 1_000 % 1_000
        let fraction = String(repeating: "0", count: 3 - String(micros).count) + String(micros)
        trace.append("\(milliseconds).\(fraction) ms  \(line)")
    }

    mutating func fail(_ reason: String) { broken = broken ?? reason }

    // MARK: Events

    private mutating func handle(_ event: QuorumEvent) {
        if let (node, life) = event.process {
            guard truth.nodes[node].life == life, truth.nodes[node].replica != nil else { return }
            if truth.nodes[node].isPaused {
                truth.nodes[node].held.append(event)
                return
            }
        }
        switch event {
        case .request(let request, let id, let from, let life, let to):
            receive(request, id: id, from: from, life: life, to: to, event)
        case .reply(let reply, let id, let node, _): step(node, .replied(id, reply))
        case .failure(let failure, let id, let node, _): step(node, .failed(id, failure))
        case .tick(let node, _):
            truth.nodes[node].tickAt = nil
            step(node, .tick)
        case .flushed(let ticket, let end, let generation, let node, _):
            if truth.nodes[node].disk.generation == generation { truth.nodes[node].disk.flushed(end) }
            step(node, .flushed(ticket))
        case .produce: produce()
        case .operate: operate()
        case .snapshot: takeSnapshot()
        case .fault: injectFault()
        case .start(let node): start(node)
        case .resume(let node): resume(node)
        case .endPartition:
            if !isHealed {
                network.heal()
                note("the partition ends")
            }
        case .heal: heal()
        }
    }

    private mutating func receive(
        _ request: QuorumRequest, id: RequestID, from: Int, life: Int, to: Int, _ event: QuorumEvent
    ) {
        guard truth.nodes[to].replica != nil else {
            guard network.reaches(from: to, to: from) else { return }
            return heap.schedule(.failure(.refused, id: id, to: from, life: life), afterMicroseconds: 100)
        }
        guard !truth.nodes[to].isPaused else {
            truth.nodes[to].held.append(event)
            return
        }
        if case .supportedKraftVersions = request {
            for delay in network.arrivals(from: to, to: from, using: &generator) {
                heap.schedule(
                    .reply(.supportedKraftVersions(Voter.builtKraftVersions), id: id, to: from, life: life),
                    afterMicroseconds: delay)
            }
            return
        }
        truth.nodes[to].lastToken += 1
        let token = RequestToken(truth.nodes[to].lastToken)
        truth.nodes[to].askers[token] = QuorumNode.Asker(node: from, life: life, request: id)
        step(to, .asked(token, request))
    }

    /// Every node that believes to lead is given something to write.
    private mutating func produce() {
        heap.schedule(.produce, afterMicroseconds: produceIntervalMicroseconds)
        guard isProducing else { return }
        for index in truth.nodes.indices {
            guard let epoch = truth.nodes[index].replica?.role.leading?.epoch, !truth.nodes[index].isPaused else {
                continue
            }
            let count = 1 + generator.next() % 3
            let values = Array(nextValue..<nextValue + count)
            nextValue += count
            truth.nodes[index].lastTicket += 1
            let ticket = AppendTicket(truth.nodes[index].lastTicket)
            truth.nodes[index].staged[ticket] = values
            step(index, .append(ticket, recordCount: Int64(count), expecting: epoch))
        }
    }

    private mutating func takeSnapshot() {
        heap.schedule(.snapshot, afterMicroseconds: 200_000 + Int64(generator.next() % 2_000_000))
        let index = Int(generator.next() % UInt64(truth.nodes.count))
        guard let replica = truth.nodes[index].replica, !truth.nodes[index].isPaused,
            let end = replica.highWatermark, end > replica.log.latestSnapshot?.endOffset ?? .zero
        else { return }
        let before = replica.log.latestSnapshot
        let id = truth.nodes[index].disk.takeSnapshot(end: end)
        note("node \(replica.me.id) writes a snapshot at \(end)")
        step(index, .snapshotTaken(id))
        let drop = generator.chance(1, in: 2) ? id : before
        guard let drop, truth.nodes[index].replica != nil, drop.endOffset > replica.log.start else { return }
        truth.nodes[index].disk.dropPrefix(upTo: drop)
        step(index, .prefixDropped(drop))
    }
}
