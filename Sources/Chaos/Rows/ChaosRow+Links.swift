import LocalCluster

/// Faults of the network between the nodes; clients reach all of them.
extension ChaosRow {
    private static let faultMilliseconds: Int64 = 8_000
    private static let resetPauseMilliseconds: Int64 = 5_000
    private static let resets = 4
    /// Elections of the quorum that one cut may cause: its own, and that of its end.
    private static let electionsMax: Int32 = 3
    /// A follower that can't fetch and is alive for the controller holds acknowledgements up until its leader drops it
    /// for its lag, which is after 30 s by default, as in Kafka.
    private static let lagOverrides = ["replica.lag.time.max.ms=3000"]

    static let linkRows: [ChaosRow] = [
        ChaosRow(
            id: "F8", fault: "cut a leader off from both followers; the controller hears all of them",
            promise: "another leads, or nothing is acknowledged; nothing is lost", needs: [.links],
            overrides: lagOverrides
        ) { stage, _ in
            let leader = try await stage.leader(of: 0)
            try await cut(stage, "replication of node \(leader)", [leader], stage.nodes, [.replication])
        },
        ChaosRow(
            id: "F9", fault: "cut a leader off from all nodes; clients still reach it",
            promise: "it acknowledges nothing more; another leads; the old one is no leader when it comes back",
            needs: [.links]
        ) { stage, _ in
            let leader = try await stage.leader(of: 0)
            try await cut(stage, "node \(leader) off from all", [leader], stage.nodes)
        },
        ChaosRow(
            id: "F10",
            fault:
                "cut one way only: leader to followers, followers to leader, brokers to the controller; and one link",
            promise: "no leaders in a hurry, no elections without end", needs: [.links], overrides: lagOverrides
        ) { stage, _ in try await cutOneWay(stage) },
        ChaosRow(
            id: "F11",
            fault: "50 ms and 1 % loss; 500 ms and 10 % loss; 100 kbit/s; between all nodes",
            promise: "progress; with 50 ms and 1 % nobody is fenced", needs: [.links]
        ) { stage, _ in try await slowed(stage) },
        ChaosRow(
            id: "F12", fault: "reset all connections between nodes, every 5 s",
            promise: "nothing is lost, nothing stands twice", needs: [.links]
        ) { stage, _ in
            for _ in 0..<resets {
                stage.beginFault("reset all connections between nodes")
                stage.note("\(stage.proxy?.resetAll() ?? 0) connections")
                await stage.last(resetPauseMilliseconds)
            }
        },
    ]

    /// Cuts both ways between two groups of nodes, for a while.
    private static func cut(
        _ stage: ChaosStage, _ text: String, _ these: [Int], _ those: [Int],
        _ channels: [LinkRule.Channel] = LinkRule.Channel.allCases
    ) async throws {
        guard let proxy = stage.proxy else { return }
        let rule = LinkRule(isCut: true)
        let leader = try await stage.leader(of: 0)
        stage.beginFault("cut " + text)
        proxy.set(rule, from: these, to: those, channels)
        proxy.set(rule, from: those, to: these, channels)
        await stage.last(faultMilliseconds)
        if stage.watch.leader(of: 0) == leader { stage.problem("node \(leader) leads \(stage.topic.key(0)) still") }
        proxy.set(nil, from: stage.nodes, to: stage.nodes)
        stage.note("healed")
    }

    private static func cutOneWay(_ stage: ChaosStage) async throws {
        guard let proxy = stage.proxy else { return }
        for turn in ["leader to followers", "followers to leader", "brokers to the controller", "one link"] {
            let leader = try await stage.leader(of: 0)
            let controller = try await stage.controller()
            let before = stage.watch.changes
            let others = stage.nodes.filter { $0 != leader }
            stage.beginFault("cut \(turn) (leader \(leader), controller \(controller))")
            let rule = LinkRule(isCut: true)
            switch turn {
            case "leader to followers": proxy.set(rule, from: [leader], to: others, [.replication])
            case "followers to leader": proxy.set(rule, from: others, to: [leader], [.replication])
            case "brokers to the controller":
                proxy.set(rule, from: stage.nodes.filter { $0 != controller }, to: [controller], [.controller])
            default:
                proxy.set(rule, from: [others[0]], to: [others[1]])
                proxy.set(rule, from: [others[1]], to: [others[0]])
            }
            await stage.last(faultMilliseconds)
            proxy.set(nil, from: stage.nodes, to: stage.nodes)
            stage.note("healed")
            try await stage.awaitHealed()
            let after = stage.watch.changes
            let elections = after.controllerEpochs - before.controllerEpochs
            stage.note("\(after.leaders - before.leaders) changes of leaders, \(elections) epochs of the quorum")
            if elections > electionsMax { stage.problem("cut \(turn): \(elections) epochs of the quorum") }
            if after.leaders - before.leaders > 2 * Int(stage.topic.partitionCount) {
                stage.problem("cut \(turn): \(after.leaders - before.leaders) changes of leaders")
            }
        }
    }

    private static func slowed(_ stage: ChaosStage) async throws {
        guard let proxy = stage.proxy else { return }
        let mild = LinkRule(delayMilliseconds: 40, jitterMilliseconds: 20, lostPerThousand: 10)
        let hard = LinkRule(delayMilliseconds: 400, jitterMilliseconds: 200, lostPerThousand: 100)
        let narrow = LinkRule(bytesPerSecond: 12_500)
        for (text, rule) in [("50 ms, 1 % loss", mild), ("500 ms, 10 % loss", hard), ("100 kbit/s", narrow)] {
            let before = stage.watch.changes.leaders
            stage.beginFault("between all nodes: " + text)
            proxy.set(rule, from: stage.nodes, to: stage.nodes)
            await stage.last(faultMilliseconds, servesMeanwhile: rule == mild)
            let changes = stage.watch.changes.leaders - before
            if rule == mild, changes > 0 { stage.problem("\(changes) changes of leaders at \(text)") }
            proxy.set(nil, from: stage.nodes, to: stage.nodes)
            stage.note("healed")
            try await stage.awaitHealed()
        }
    }
}
