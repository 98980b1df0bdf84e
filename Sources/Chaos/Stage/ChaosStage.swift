import LocalCluster
import MartletClient
import Primitives
import Synchronization
package import World

/// What a row acts on: the nodes, what is seen of them, and the load that goes on meanwhile.
package final class ChaosStage: Sendable {
    private struct State {
        /// Nodes that are down because the row wants it.
        var down: Set<Int> = []
        var faults: [MonotonicInstant] = []
        var problems: [String] = []
        var remarks: [String] = []
        var generator: SeededGenerator
    }

    /// How long a cluster may take to be whole again once all faults are gone (C9).
    static let healMillisecondsMax: Int64 = 60_000
    /// Acknowledged writes that must come during a fault that leaves a majority (C8).
    static let writesDuringFaultMin = 100
    private static let pollMilliseconds: Int64 = 50
    private static let patience: Int64 = 3

    let processes: NodeProcesses
    let topic: LoadTopic
    let recorder: HistoryRecorder
    let timeline: Timeline
    let watch: ClusterWatch
    let check: ServiceCheck
    /// The library of each node; empty where the row needs none.
    let shims: [Int: NodeShim]
    /// Between the nodes; nil where the row needs none.
    let proxy: LinkProxy?
    let admin: Admin
    package let clock: any Clock
    /// How long a fault lasts where the row leaves it open; nil for the row's own choice.
    let wantedFaultMilliseconds: Int64?
    /// The `martlet` of another release; nil where the row needs none.
    private let otherProgram: String?
    private let state: Mutex<State>

    init(
        processes: NodeProcesses, topic: LoadTopic, recorder: HistoryRecorder, timeline: Timeline,
        watch: ClusterWatch, check: ServiceCheck, machinery: Machinery, admin: Admin, clock: any Clock,
        otherProgram: String?, wantedFaultMilliseconds: Int64?, seed: UInt64
    ) {
        self.otherProgram = otherProgram
        shims = machinery.shims
        proxy = machinery.proxy
        self.admin = admin
        self.processes = processes
        self.topic = topic
        self.recorder = recorder
        self.timeline = timeline
        self.watch = watch
        self.check = check
        self.clock = clock
        self.wantedFaultMilliseconds = wantedFaultMilliseconds
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    var nodes: [Int] { Array(processes.plan.nodes) }

    /// A number from the row's seed.
    func draw(_ range: ClosedRange<Int64>) -> Int64 {
        state.withLock { Int64.random(in: range, using: &$0.generator) }
    }

    /// All nodes in an order from the row's seed.
    func shuffledNodes() -> [Int] {
        state.withLock { state in nodes.shuffled(using: &state.generator) }
    }

    /// Puts a line into the timeline.
    func note(_ text: String) { timeline.note(text, at: clock.now) }

    /// A promise that was not kept.
    func problem(_ text: String) {
        note("PROBLEM: " + text)
        state.withLock { $0.problems.append(text) }
    }

    var problems: [String] { state.withLock { $0.problems } }

    /// A line for the report.
    func remark(_ text: String) {
        note(text)
        state.withLock { $0.remarks.append(text) }
    }

    var remarks: [String] { state.withLock { $0.remarks } }

    /// The moments at which faults began.
    var faults: [MonotonicInstant] { state.withLock { $0.faults } }

    /// A fault that is no signal begins.
    func beginFault(_ text: String) {
        note(text)
        beginFault()
    }

    private func beginFault() { state.withLock { $0.faults.append(clock.now) } }

    // MARK: what is seen

    /// The node that leads a partition; waits for one.
    func leader(of partition: Int32) async throws -> Int {
        try await wait("no leader of \(topic.key(partition)) is known") { watch.leader(of: partition) }
    }

    /// The node that is the active controller; waits for one.
    func controller() async throws -> Int {
        try await wait("no active controller is known") { watch.controller }
    }

    private func wait<Value>(_ complaint: String, _ look: () -> Value?) async throws -> Value {
        let end = clock.now.advanced(byMilliseconds: ChaosStage.healMillisecondsMax)
        while clock.now < end {
            if let value = look() { return value }
            await pass(ChaosStage.pollMilliseconds)
        }
        throw ChaosError(complaint)
    }

    // MARK: faults by signal

    private func described(_ node: Int) -> String {
        let led = watch.partitions(ledBy: node).map(String.init).joined(separator: ",")
        return "node \(node) (leads partitions \(led.isEmpty ? "none" : led)"
            + (watch.controller == node ? ", active controller)" : ")")
    }

    func kill(_ node: Int) async throws {
        note("kill -9 " + described(node))
        state.withLock { _ = $0.down.insert(node) }
        beginFault()
        try await processes.kill(node)
    }

    /// Ends a node when the row is over.
    func end(_ node: Int) async throws {
        state.withLock { _ = $0.down.insert(node) }
        try await processes.kill(node)
    }

    func pause(_ node: Int) throws {
        note("SIGSTOP " + described(node))
        beginFault()
        try processes.pause(node)
    }

    func resume(_ node: Int) throws {
        note("SIGCONT node \(node)")
        try processes.resume(node)
    }

    /// Stops a node in order and waits for its end.
    func stop(_ node: Int) async throws {
        note("SIGTERM " + described(node))
        state.withLock { _ = $0.down.insert(node) }
        beginFault()
        let process = try processes.requestStop(node)
        try await processes.waitForStop(node, process)
        note("node \(node) has ended")
    }

    /// From now on the row allows the node to end by itself.
    func allowEnd(of node: Int) { state.withLock { _ = $0.down.insert(node) } }

    /// It may not end by itself any more.
    func forbidEnd(of node: Int) { state.withLock { _ = $0.down.remove(node) } }

    /// Whether a node's process runs.
    func isAlive(_ node: Int) throws -> Bool {
        switch try processes.state(of: node) {
        case .running, .paused: true
        case .crashed, .stopped: false
        }
    }

    func start(_ node: Int, ofOtherRelease isOther: Bool = false) throws {
        note("start node \(node)" + (isOther ? " of the other release" : ""))
        _ = try processes.start(
            node, program: isOther ? otherProgram : nil, environment: shims[node]?.environment ?? [])
        state.withLock { _ = $0.down.remove(node) }
    }

    // MARK: time

    /// Lets time pass.
    func pass(_ milliseconds: Int64) async { try? await Task.sleep(for: .milliseconds(milliseconds)) }

    /// Lets the fault last, and sees that writes are acknowledged meanwhile where a majority lives (C8). On a machine
    /// that is so busy that they come late, the fault goes on for up to as long again, three times.
    func last(_ usualMilliseconds: Int64, servesMeanwhile: Bool = true) async {
        let before = recorder.acknowledged
        let begin = clock.now
        let milliseconds = wantedFaultMilliseconds ?? usualMilliseconds
        let end = begin.advanced(byMilliseconds: milliseconds * (1 + ChaosStage.patience))
        await pass(milliseconds)
        while servesMeanwhile, recorder.acknowledged - before < ChaosStage.writesDuringFaultMin, clock.now < end {
            await pass(ChaosStage.pollMilliseconds)
        }
        let count = recorder.acknowledged - before
        note("\(count) writes acknowledged during the fault, in \(clock.now.milliseconds(since: begin)) ms")
        if servesMeanwhile, count < ChaosStage.writesDuringFaultMin {
            problem("C8: only \(count) writes were acknowledged during the fault, though a majority lives")
        }
    }

    /// Waits until the service is whole again (C9).
    ///
    /// - Errors: a cluster that does not heal: the row can't go on.
    func awaitHealed(withinMilliseconds limit: Int64 = ChaosStage.healMillisecondsMax) async throws {
        let start = clock.now
        let end = start.advanced(byMilliseconds: limit)
        var missing = "nobody was asked"
        while clock.now < end {
            try checkAlive()
            guard let found = await check.whatIsMissing() else {
                note("whole again after \(clock.now.milliseconds(since: start)) ms")
                return
            }
            missing = found
            await pass(ChaosStage.pollMilliseconds)
        }
        throw ChaosError("C9: not whole again after \(limit) ms: \(missing)")
    }

    /// No node may have ended by itself (C7).
    func checkAlive() throws {
        let down = state.withLock { $0.down }
        for node in nodes where !down.contains(node) {
            guard try processes.state(of: node) == .crashed else { continue }
            let tail = processes.directory.logTail(node, lines: 8)
            throw ChaosError("C7: node \(node) ended by itself. Its last words:\n\(tail)")
        }
    }
}
