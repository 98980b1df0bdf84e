import LocalCluster
import Primitives
import World

/// Faults of the machine below a node: disks that fail, are slow, full or forget, and clocks that jump.
extension ChaosRow {
    private static let faultMilliseconds: Int64 = 6_000
    private static let hourMilliseconds: Int64 = 3_600_000
    /// How long a node may take to end after its disk failed.
    private static let endMillisecondsMax: Int64 = 15_000

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
            id: "F15", fault: "every flush of a leader takes 200 ms longer",
            promise: "writes go on; nothing is lost", needs: [.shim]
        ) { stage, _ in
            let leader = try await stage.leader(of: 0)
            stage.beginFault("flushes of node \(leader) take 200 ms longer")
            try stage.shims[leader]?.set(.flushDelayMilliseconds, 200)
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
        try shim.meanFlushes(of: text)
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
    /// Takes what a dead node had not flushed.
    func losePower(_ node: Int) throws {
        guard let shim = shims[node] else { return }
        var loss = PowerLoss(
            root: shim.dataDirectory, side: shim.side, seed: UInt64(bitPattern: draw(0...Int64.max - 1)))
        note("node \(node) loses its power: \(try loss.strike())")
    }
}
