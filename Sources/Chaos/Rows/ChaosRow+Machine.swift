import LiveWorld
import LocalCluster
import Primitives
import World

/// Faults of the machine below a node: disks that fail, are slow, full or forget, and clocks that jump.
extension ChaosRow {
    private static let faultMilliseconds: Int64 = 6_000
    private static let hourMilliseconds: Int64 = 3_600_000
    /// How long a node may take to end after its disk failed.
    private static let endMillisecondsMax: Int64 = 15_000

    private static let slowMilliseconds: Int64 = 200
    /// A loop pays for the first slow write: from then on nobody may notice.
    private static let noticeMilliseconds: Int64 = 1_000
    /// What a healthy directory may take is so many times what it took in the calm, or less than a slow write takes.
    private static let calmTimesMax: Int64 = 3

    private static var twentyPartitions: LoadTopic {
        var topic = LoadTopic()
        topic.partitionCount = 20
        return topic
    }

    static let machineRows: [ChaosRow] = [
        ChaosRow(
            id: "F13", fault: "no room on the disk of a leader, then of a follower, then of the active controller",
            promise: "refused, not corrupted; others lead; back when there is room", needs: [.shim]
        ) { stage, _ in
            let leader = try await stage.leader(of: 0)
            try await full(stage, leader)
            try await full(stage, stage.nodes.first { $0 != leader } ?? leader)
            try await full(stage, try await stage.controller())
        },
        ChaosRow(
            id: "F14", fault: "one flush fails: of a leader's log, then of the metadata log of the active controller",
            promise: "nothing is acknowledged on it; what was not flushed is gone with the power, and nothing is lost",
            needs: [.shim]
        ) { stage, _ in
            try await flushFails(stage, of: "/\(stage.topic.name)-", on: try await stage.leader(of: 0))
            try await flushFails(stage, of: "/__cluster_metadata-0/0", on: try await stage.controller())
        },
        ChaosRow(
            id: "F15",
            fault: "writes to one of two log directories of a leader take 200 ms longer; then its every flush does",
            promise: "writes go on, nothing is lost; on the other directory nobody notices that writes are slow",
            needs: [.shim, .twoDisks], topic: twentyPartitions
        ) { stage, _ in
            let leader = try await stage.leader(of: 0)
            let calm = stage.clock.now
            await stage.pass(faultMilliseconds)
            try await writesAreSlow(stage, leader, calmSince: calm)
            stage.beginFault("flushes of node \(leader) take 200 ms longer")
            try stage.shims[leader]?.mean(pathsWith: "")
            try stage.shims[leader]?.set(.flushDelayMilliseconds, slowMilliseconds)
            await stage.last(2 * faultMilliseconds)
            try stage.shims[leader]?.set(.flushDelayMilliseconds, 0)
            stage.note("healed")
        },
        ChaosRow(
            id: "F26", fault: "all nodes lose their power at once; what was not flushed is gone, or torn",
            promise: "nothing acknowledged is lost", needs: [.shim]
        ) { stage, _ in
            for node in stage.nodes { try await stage.kill(node) }
            for node in stage.nodes { try stage.losePower(node) }
            for node in stage.shuffledNodes() {
                try stage.start(node)
                await stage.pass(stage.draw(0...1_000))
            }
        },
        ChaosRow(
            id: "F27", fault: "one node loses its power while others pause in turn",
            promise: "nothing acknowledged is lost", needs: [.shim]
        ) { stage, _ in
            let victim = try await stage.leader(of: 0)
            let others = stage.nodes.filter { $0 != victim }
            try await stage.kill(victim)
            try stage.losePower(victim)
            try stage.pause(others[0])
            await stage.pass(faultMilliseconds / 2)
            try stage.start(victim)
            await stage.pass(faultMilliseconds / 2)
            try stage.resume(others[0])
            try stage.pause(others[1])
            await stage.pass(faultMilliseconds / 2)
            try stage.resume(others[1])
        },
        ChaosRow(
            id: "F28",
            fault: "clocks jump: an hour ahead, an hour back, 25 hours ahead; 10 s to and fro; one node, then all",
            promise: "nobody is fenced, no leader moves, producers keep their state", needs: [.shim]
        ) { stage, _ in try await clocksJump(stage) },
    ]

    /// Writes to the partitions in one of a node's two directories are slow; those in the other one take no longer than
    /// in the calm before.
    private static func writesAreSlow(_ stage: ChaosStage, _ node: Int, calmSince calm: MonotonicInstant) async throws {
        let healthy = try stage.partitions(on: .second, of: node)
        stage.beginFault("writes to the first directory of node \(node) take \(slowMilliseconds) ms longer")
        let began = stage.clock.now
        try stage.shims[node]?.mean(pathsWith: "/\(stage.topic.name)-")
        try stage.shims[node]?.set(.writeDelayMilliseconds, slowMilliseconds)
        await stage.last(2 * faultMilliseconds)
        let ended = stage.clock.now
        try stage.shims[node]?.set(.writeDelayMilliseconds, 0)
        let others = Set(stage.topic.partitions).subtracting(healthy)
        let noticed = began.advanced(byMilliseconds: noticeMilliseconds)
        let before = stage.recorder.slowest(of: healthy, askedWithin: calm..<began)
        let during = stage.recorder.slowest(of: healthy, askedWithin: noticed..<ended)
        let slow = stage.recorder.slowest(of: others, askedWithin: noticed..<ended)
        stage.note("p99 of \(healthy.count) healthy partitions: calm \(before), slow \(during); the others: \(slow)")
        if healthy.count < 10 { stage.problem("only \(healthy.count) partitions lie on the healthy directory") }
        if slow.milliseconds < slowMilliseconds { stage.problem("no write was slow") }
        if during.count == 0 || during.milliseconds > max(calmTimesMax * before.milliseconds, slowMilliseconds / 2) {
            stage.problem("the healthy directory noticed: \(during) instead of \(before)")
        }
        try await stage.awaitHealed()
    }

    private static func full(_ stage: ChaosStage, _ node: Int) async throws {
        stage.beginFault("no room on the disk of node \(node)")
        stage.allowEnd(of: node)
        try stage.shims[node]?.set(.isFull, 1)
        await stage.last(faultMilliseconds)
        try stage.shims[node]?.set(.isFull, 0)
        try await restart(stage, node, "there is room again")
    }

    /// Starts a node again if it has ended by itself, or may have taken its disk out of service.
    private static func restart(_ stage: ChaosStage, _ node: Int, _ text: String) async throws {
        let isAlive = try stage.isAlive(node)
        stage.note(text + (isAlive ? "; the node lives" : "; the node has ended"))
        if isAlive { try await stage.kill(node) }
        try stage.start(node)
        try await stage.awaitHealed()
    }

    private static func flushFails(_ stage: ChaosStage, of text: String, on node: Int) async throws {
        guard let shim = stage.shims[node] else { return }
        stage.beginFault("the next flush of *\(text)* fails on node \(node)")
        stage.allowEnd(of: node)
        try shim.mean(pathsWith: text)
        let before = try shim.value(of: .flushesFailed)
        try shim.set(.flushesToFail, 1)
        await stage.last(faultMilliseconds)
        let end = stage.clock.now.advanced(byMilliseconds: endMillisecondsMax)
        while try stage.isAlive(node), stage.clock.now < end { await stage.pass(100) }
        let failed = try shim.value(of: .flushesFailed) - before
        if failed == 0 { stage.problem("no flush of *\(text)* was asked for") }
        if try stage.isAlive(node) {
            stage.problem("node \(node) lives on after a flush of *\(text)* failed")
            try await stage.kill(node)
        }
        try shim.set(.flushesToFail, 0)
        try stage.losePower(node)
        try stage.start(node)
        try await stage.awaitHealed()
    }

    private static func clocksJump(_ stage: ChaosStage) async throws {
        let before = stage.watch.changes.leaders
        let one = try await stage.leader(of: 0)
        for nodes in [[one], stage.nodes] {
            for offset in [hourMilliseconds, -hourMilliseconds, 25 * hourMilliseconds] {
                try set(stage, nodes, offset)
                await stage.last(faultMilliseconds / 2)
            }
            for step in 0..<8 {
                try set(stage, nodes, step.isMultiple(of: 2) ? 10_000 : -10_000)
                await stage.pass(250)
            }
            try set(stage, nodes, 0)
        }
        await stage.last(faultMilliseconds / 2)
        let changes = stage.watch.changes.leaders - before
        if changes > 0 { stage.problem("\(changes) changes of leaders") }
    }

    private static func set(_ stage: ChaosStage, _ nodes: [Int], _ offset: Int64) throws {
        stage.beginFault("the clocks of nodes \(nodes) are \(offset / 1_000) s ahead")
        for node in nodes { try stage.shims[node]?.set(.clockOffsetMilliseconds, offset) }
    }
}

extension ChaosStage {
    /// One of a node's two log directories.
    enum Disk: Hashable, Sendable {
        case first
        case second
    }

    /// The partitions of the load that lie in one of a node's log directories.
    func partitions(on disk: Disk, of node: Int) throws -> Set<Int32> {
        let first = processes.directory.dataDirectory(node)
        let path = disk == .first ? first : first + ReplicaComparison.secondSuffix
        let names = Set(try PosixFileStore().list(path).map(\.name))
        return Set(topic.partitions.filter { names.contains(topic.key($0)) })
    }

    /// Takes what a dead node had not flushed.
    func losePower(_ node: Int) throws {
        guard let shim = shims[node] else { return }
        var loss = PowerLoss(
            root: shim.dataDirectory, side: shim.side, seed: UInt64(bitPattern: draw(0...Int64.max - 1)))
        note("node \(node) loses its power: \(try loss.strike())")
    }
}
