import LocalCluster
import Primitives
import World

/// Damage to single files beside the segments, and to several nodes.
extension ChaosRow {
    private static let workMilliseconds: Int64 = 6_000
    private static let startMilliseconds: Int64 = 20_000

    static let damageRows: [ChaosRow] = [
        ChaosRow(
            id: "F17", fault: "flip a bit in indexes, then in checkpoints, of a node that was stopped in order",
            promise: "built anew, or refused with a message"
        ) { stage, _ in
            let victim = try await stage.leader(of: 0)
            for suffixes in [[".index", ".timeindex"], [".snapshot"], ["checkpoint"], ["partition.metadata"]] {
                try await stage.stop(victim)
                let disk = stage.disk(victim)
                let kept = try disk.files { name in suffixes.contains { name.hasSuffix($0) } }
                for (path, content) in kept where !content.isEmpty { try disk.flip(path, content) }
                stage.note("flipped a bit in each of \(kept.count) files *\(suffixes.joined(separator: ", *"))")
                try await startDamaged(stage, victim, disk, kept)
            }
        },
        ChaosRow(
            id: "F18", fault: "kill -9 a controller, flip a bit in its metadata log, then in its vote file",
            promise: "it does not lead with that; no topic is deleted"
        ) { stage, _ in
            for name in ["00000000000000000000.log", "quorum-state"] {
                let victim = try await stage.controller()
                try await stage.kill(victim)
                let disk = stage.disk(victim)
                let kept = try disk.files(within: "__cluster_metadata-0") { $0 == name }
                for (path, content) in kept { try disk.flip(path, content) }
                stage.note("flipped a bit in \(kept.map(\.path))")
                try await startDamaged(stage, victim, disk, kept)
            }
        },
        ChaosRow(
            id: "F20", fault: "kill -9 all, cut the end of all logs of two of them off",
            promise: "what one whole replica has is not lost: it leads, or nobody"
        ) { stage, round in
            await stage.pass(workMilliseconds / 2)
            for node in stage.nodes { try await stage.kill(node) }
            for node in stage.shuffledNodes().prefix(2) {
                for partition in stage.topic.partitions {
                    try stage.disk(node).cut(partition, [.bytes(17), .half, .all][round % 3], stage)
                }
            }
            for node in stage.shuffledNodes() { try stage.start(node) }
        },
        ChaosRow(
            id: "F22", fault: "kill -9 a controller and wipe its metadata log and vote",
            promise: "it joins as an empty one; no two leaders in an epoch, no topic is deleted"
        ) { stage, _ in
            let victim = try await stage.controller()
            try await stage.kill(victim)
            await stage.pass(workMilliseconds / 2)
            try stage.disk(victim).wipe("__cluster_metadata-0", stage)
            try stage.start(victim)
        },
        ChaosRow(
            id: "F23", fault: "kill -9 a node and put an older copy of its whole data directory back",
            promise: "it leads nothing before it has caught up; nothing is lost"
        ) { stage, _ in
            let victim = try await stage.leader(of: 0)
            try await stage.stop(victim)
            let disk = stage.disk(victim)
            let copy = try disk.files { _ in true }
            stage.note("copied \(copy.count) files")
            try stage.start(victim)
            try await stage.awaitHealed()
            await stage.pass(workMilliseconds)
            try await stage.kill(victim)
            try disk.wipe(nil, stage)
            for (path, content) in copy { try disk.write(path, content) }
            stage.note("the older copy is back")
            try stage.start(victim)
        },
    ]

    /// Starts a node with damaged files; where it refuses them, they are put back as an operator would do.
    private static func startDamaged(
        _ stage: ChaosStage, _ node: Int, _ disk: NodeDisk, _ kept: [(path: String, content: [UInt8])]
    ) async throws {
        try stage.start(node)
        stage.allowEnd(of: node)
        let end = stage.clock.now.advanced(byMilliseconds: startMilliseconds)
        while try stage.isAlive(node), stage.clock.now < end {
            if await stage.check.whatIsMissing() == nil { break }
            await stage.pass(100)
        }
        if try stage.isAlive(node) {
            stage.forbidEnd(of: node)
        } else {
            stage.note("it refuses: " + stage.processes.directory.logTail(node, lines: 1))
            for (path, content) in kept { try disk.write(path, content) }
            try stage.start(node)
        }
        try await stage.awaitHealed()
    }
}
