import LocalCluster
import Primitives
import World

/// Faults by signal.
extension ChaosRow {
    /// How long a node stays dead or silent where nothing else is asked for.
    private static let faultMilliseconds: Int64 = 4_000
    /// The session of a broker at its default; a pause counts in multiples of it.
    private static let sessionMilliseconds: Int64 = 3_000

    static let processRows: [ChaosRow] = [
        ChaosRow(
            id: "F1", fault: "kill -9 the leader of a partition",
            promise: "nothing is lost; another of the in-sync replicas leads, writes go on"
        ) { stage, _ in try await killed(stage, try await stage.leader(of: 0)) },
        ChaosRow(
            id: "F2", fault: "kill -9 a follower",
            promise: "writes go on; none fails"
        ) { stage, _ in
            let leader = try await stage.leader(of: 0)
            let controller = try await stage.controller()
            let unknown = stage.recorder.unknown
            let victim = stage.nodes.first { $0 != leader && $0 != controller } ?? stage.nodes[0]
            try await killed(stage, victim)
            if stage.recorder.unknown > unknown { stage.problem("a write got no answer") }
        },
        ChaosRow(
            id: "F3", fault: "kill -9 the active controller, which leads partitions as well",
            promise: "metadata and data survive"
        ) { stage, _ in try await killed(stage, try await stage.controller()) },
        ChaosRow(
            id: "F4", fault: "SIGSTOP a leader for two sessions, in later rounds for five; SIGCONT",
            promise: "the zombie neither acknowledges nor shows what is not committed"
        ) { stage, round in
            let leader = try await stage.leader(of: 0)
            try stage.pause(leader)
            await stage.last(sessionMilliseconds * (round % 2 == 0 ? 2 : 5))
            try stage.resume(leader)
        },
        ChaosRow(
            id: "F5", fault: "SIGSTOP a follower, the active controller, and all nodes at once",
            promise: "no flapping: after the pause of all, at most two elections of the quorum"
        ) { stage, _ in try await pausedInTurn(stage) },
        ChaosRow(
            id: "F6", fault: "SIGTERM the leader of a partition",
            promise: "leaders move before it ends; the next start recovers no log"
        ) { stage, _ in try await stoppedInOrder(stage) },
        ChaosRow(
            id: "F7", fault: "rolling restart under load, by SIGTERM and then by kill -9",
            promise: "always served; every write is acknowledged"
        ) { stage, _ in
            let unknown = stage.recorder.unknown
            for isOrderly in [true, false] {
                for node in stage.nodes {
                    if isOrderly { try await stage.stop(node) } else { try await stage.kill(node) }
                    try stage.start(node)
                    try await stage.awaitHealed()
                }
            }
            if stage.recorder.unknown > unknown { stage.problem("a write got no answer") }
        },
        ChaosRow(
            id: "F24", fault: "kill -9 two of three, start them again in both orders",
            promise: "not served, but not wrong: no acknowledgement in the gap"
        ) { stage, round in try await majorityLost(stage, round) },
        ChaosRow(
            id: "F25", fault: "kill -9 all at once, start them in any order, 1 to 5 s apart",
            promise: "nothing is lost; whole within 30 s of the last start"
        ) { stage, _ in
            for node in stage.shuffledNodes() { try await stage.kill(node) }
            for node in stage.shuffledNodes() {
                await stage.pass(stage.draw(1_000...5_000))
                try stage.start(node)
            }
            try await stage.awaitHealed(withinMilliseconds: 90_000)
        },
        ChaosRow(
            id: "F36", fault: "a storm: kill -9 any node each 1 to 3 s, start it 1 to 3 s later",
            promise: "nothing is lost; whole again after it"
        ) { stage, _ in try await storm(stage) },
        ChaosRow(
            id: "F37",
            fault: "a second process on the data directory of a node, and one of the same node.id on another",
            promise: "the second refuses; the first is unharmed"
        ) { stage, _ in try await twins(stage) },
    ]

    private static func killed(_ stage: ChaosStage, _ node: Int) async throws {
        try await stage.kill(node)
        await stage.last(faultMilliseconds)
        try stage.start(node)
    }

    private static func pausedInTurn(_ stage: ChaosStage) async throws {
        let leader = try await stage.leader(of: 0)
        let controller = try await stage.controller()
        let follower = stage.nodes.first { $0 != leader && $0 != controller } ?? stage.nodes[0]
        for node in [follower, controller] {
            try stage.pause(node)
            await stage.last(sessionMilliseconds * 2)
            try stage.resume(node)
            try await stage.awaitHealed()
        }
        let before = stage.watch.changes
        for node in stage.nodes { try stage.pause(node) }
        await stage.last(sessionMilliseconds * 3, servesMeanwhile: false)
        for node in stage.nodes { try stage.resume(node) }
        try await stage.awaitHealed()
        let elections = stage.watch.changes.controllerEpochs - before.controllerEpochs
        stage.note("the quorum went \(elections) epochs on")
        if elections > 2 { stage.problem("after the pause of all nodes the quorum went \(elections) epochs on") }
    }

    private static func stoppedInOrder(_ stage: ChaosStage) async throws {
        let node = try await stage.leader(of: 0)
        let linesBefore = stage.processes.directory.logTail(node, lines: .max - 1).utf8.count
        try await stage.stop(node)
        let led = stage.watch.partitions(ledBy: node)
        if !led.isEmpty { stage.problem("the node ended while it led the partitions \(led)") }
        await stage.last(faultMilliseconds)
        try stage.start(node)
        try await stage.awaitHealed()
        let log = stage.processes.directory.logTail(node, lines: .max - 1)
        let fresh = String(decoding: log.utf8.dropFirst(linesBefore), as: UTF8.self)
        let recovered = fresh.split(separator: "\n").filter {
            $0.contains("log recovered") && $0.contains("/\(stage.topic.name)-") && !$0.contains("scannedBytes: 0")
        }
        if let first = recovered.first {
            stage.problem("a log was recovered though the node had stopped in order: \(first)")
        }
    }

    private static func majorityLost(_ stage: ChaosStage, _ round: Int) async throws {
        let victims = Array(stage.shuffledNodes().prefix(2))
        for node in victims { try await stage.kill(node) }
        // What the leader had taken before may be answered by its last in-sync replica in this moment.
        await stage.pass(500)
        let before = stage.recorder.acknowledged
        await stage.last(faultMilliseconds, servesMeanwhile: false)
        let count = stage.recorder.acknowledged - before
        if count > 0 { stage.problem("\(count) writes were acknowledged with one of three nodes alive") }
        for node in round % 2 == 0 ? victims : victims.reversed() {
            try stage.start(node)
            await stage.pass(1_000)
        }
    }

    private static func storm(_ stage: ChaosStage) async throws {
        let end = stage.clock.now.advanced(byMilliseconds: stage.wantedFaultMilliseconds ?? 60_000)
        var kills = 0
        while stage.clock.now < end {
            let node = stage.shuffledNodes()[0]
            try await stage.kill(node)
            kills += 1
            await stage.pass(stage.draw(1_000...3_000))
            try stage.start(node)
            await stage.pass(stage.draw(200...3_000))
        }
        stage.note("\(kills) kills")
        try await stage.awaitHealed(withinMilliseconds: 90_000)
    }

    private static func twins(_ stage: ChaosStage) async throws {
        let node = try await stage.leader(of: 0)
        for twin in [TwinNode.sameDirectory, .sameIdentity] {
            let ended = try await twin.run(beside: node, stage)
            if !ended { stage.problem("the second process (\(twin)) did not refuse") }
            try stage.checkAlive()
        }
    }
}
