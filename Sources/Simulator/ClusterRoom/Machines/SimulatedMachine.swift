package import BrokerServer
package import Primitives
import World

/// A machine of a simulated cluster: a disk and a clock that outlive the processes that run on it.
///
/// `@unchecked Sendable`: a simulation has one thread.
package final class SimulatedMachine: @unchecked Sendable {
    /// What a machine does.
    package enum Condition: Hashable, Sendable {
        case down
        case running
        case paused
        /// On its way out in order.
        case stopping
    }

    package let id: BrokerID
    let files: VirtualFiles
    let clock: VirtualClock
    private let configuration: NodeConfiguration
    let time: VirtualTime
    private let network: VirtualNetwork
    private let trace: ClusterTrace
    private let plan: ClusterPlan
    /// The present process; nil while there is none.
    package private(set) var node: Node?
    package private(set) var condition = Condition.down
    /// Whether the present process has reported that it serves.
    private(set) var isReady = false
    /// Why a process ended itself, if one did.
    private var failure: String?
    /// How many processes were started.
    private(set) var lives: UInt64 = 0
    private var loops: [VirtualLoop] = []
    private var pool: VirtualPool?

    /// How often logs are read again: damage is found while a run lasts.
    private static let scrubMilliseconds = 5_000

    static let clusterID = "simulated-cluster-0001"
    static let metadataDirectory = "meta"
    static let dataDirectory = "data"

    static func clientPort(_ id: Int) -> Int { 9_200 + id }
    static func controllerPort(_ id: Int) -> Int { 9_300 + id }

    init(
        _ number: Int, plan: ClusterPlan, time: VirtualTime, network: VirtualNetwork, trace: ClusterTrace
    ) throws(ConfigurationError) {
        id = BrokerID(Int32(number))
        self.plan = plan
        self.time = time
        self.network = network
        self.trace = trace
        files = VirtualFiles(time: time)
        clock = VirtualClock(time: time)
        configuration = try NodeConfiguration(
            Settings(PropertiesFile(parsing: SimulatedMachine.properties(number, plan))))
    }

    var number: Int { Int(id.value) }
    var now: MonotonicInstant { time.now }

    private static func properties(_ number: Int, _ plan: ClusterPlan) -> String {
        let isController = plan.hasDynamicVoters || number <= plan.voterCount
        let controller = isController ? ",CONTROLLER://node-\(number):\(controllerPort(number))" : ""
        return """
            process.roles=broker\(isController ? ",controller" : "")
            node.id=\(number)
            cluster.id=\(clusterID)
            listeners=PLAINTEXT://node-\(number):\(clientPort(number))\(controller)
            controller.listener.names=CONTROLLER
            \(quorum(plan))
            metadata.log.dir=\(metadataDirectory)
            \(snapshots(plan))
            log.dirs=\(dataDirectory)
            default.replication.factor=\(plan.replicationFactor)
            min.insync.replicas=2
            offsets.topic.num.partitions=\(plan.groups?.logPartitionCount ?? 1)
            offsets.topic.replication.factor=3
            auto.create.topics.enable=false
            log.flush.on.ack=\(plan.flushesOnAck)
            log.segment.bytes=\(plan.segmentBytes)
            log.scrub.interval.ms=\(scrubMilliseconds)
            log.cleaner.enable=\(!plan.hasCoordinators)
            \(plan.transactions?.properties ?? "")
            \(plan.groups?.properties ?? "")
            \(plan.forgetsOffsets ? GroupPlan.forgettingProperties : "")
            """
    }

    private static func snapshots(_ plan: ClusterPlan) -> String {
        guard let bytes = plan.snapshotBytes else { return "" }
        return "metadata.log.max.record.bytes.between.snapshots=\(bytes)\nmetadata.log.segment.bytes=\(2 * bytes)"
    }

    /// Who votes, or where to ask for it.
    private static func quorum(_ plan: ClusterPlan) -> String {
        if plan.hasDynamicVoters {
            let all = (1...plan.nodeCount).map { "node-\($0):\(controllerPort($0))" }
            return "controller.quorum.bootstrap.servers=\(all.joined(separator: ","))"
        }
        let voters = (1...plan.voterCount).map { "\($0)@node-\($0):\(controllerPort($0))" }
        return "controller.quorum.voters=\(voters.joined(separator: ","))"
    }

    // MARK: life

    /// Starts a process.
    func start() {
        precondition(condition == .down, "a machine runs one process")
        lives += 1
        isReady = false
        condition = .running
        network.comeBack(number)
        let loops = [VirtualLoop(time: time, owner: number), VirtualLoop(time: time, owner: number, place: 0)]
        let pool = VirtualPool(time: time, owner: number, latencyMicrosecondsMax: plan.diskMicrosecondsMax)
        self.loops = loops
        self.pool = pool
        let world = World(
            clock: clock, randomness: VirtualRandomness(time: time), files: files, network: network.view(of: number),
            loops: [loops[1]], controlLoop: loops[0], pool: pool)
        let node = Node(configuration: configuration, world: world, logger: trace.logger(of: number))
        self.node = node
        trace.add(number, "process \(lives) starts")
        let life = lives
        node.start { [weak self] failure in
            self?.failed(failure, life)
        } ready: { [weak self] in
            if let self, self.lives == life { self.isReady = true }
        }
    }

    private func failed(_ failure: NodeFailure, _ life: UInt64) {
        guard lives == life, condition != .down else { return }
        trace.add(number, "the process ends itself: \(failure)")
        self.failure = "\(failure)"
        end()
        files.endProcess()
        network.endProcess(of: number)
    }

    /// Why the process ended itself; told once.
    func takeFailure() -> String? { failure.take() }

    private func end() {
        condition = .down
        isReady = false
        for loop in loops { loop.crash() }
        pool?.crash()
        node = nil
    }

    /// `kill -9`: what was written stays.
    func kill() {
        guard condition != .down else { return }
        trace.add(number, "killed")
        end()
        files.endProcess()
        network.endProcess(of: number)
    }

    /// The machine is without power: what was not synchronised may be gone.
    func losePower() {
        trace.add(number, "loses power")
        end()
        files.losePower()
        network.goDark(number)
    }

    /// `SIGTERM`.
    func stop() {
        guard condition == .running, let node else { return }
        trace.add(number, "is told to stop")
        condition = .stopping
        let life = lives
        node.stop { [weak self] in
            guard let self, self.lives == life, self.condition == .stopping else { return }
            self.trace.add(self.number, "has stopped")
            self.end()
            self.files.endProcess()
            self.network.endProcess(of: self.number)
        }
    }

    /// `SIGSTOP`.
    func pause() {
        guard condition == .running else { return }
        trace.add(number, "stands still")
        condition = .paused
        for loop in loops { loop.pause() }
        pool?.pause()
    }

    /// `SIGCONT`.
    func resume() {
        guard condition == .paused else { return }
        trace.add(number, "goes on")
        condition = .running
        for loop in loops { loop.resume() }
        pool?.resume()
    }

    /// The disk takes up to so long for what it is asked; nil for what the plan says.
    func slowDisk(toMicroseconds latency: Int64?) { pool?.slow(toMicroseconds: latency ?? plan.diskMicrosecondsMax) }

    /// Writes to the partitions, or all writes, take so long from now on; nil for no time.
    func slowWrites(_ microseconds: ClosedRange<Int64>?, isAll: Bool = false) {
        files.slowWrites(below: isAll ? "" : SimulatedMachine.dataDirectory, microseconds: microseconds)
    }

    /// Lets go of the process at the end of a simulation.
    func tearDown() { if condition != .down { end() } }
}
