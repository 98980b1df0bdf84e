import ClientCore
import LocalCluster
import MartletClient
import Primitives
import World

/// Groups whose coordinators and members die and move.
extension ChaosRow {
    private static let downMilliseconds: Int64 = 1_500
    private static let moves = 20
    private static let moveMillisecondsMax: Int64 = 30_000
    private static let betweenMovesMilliseconds: ClosedRange<Int64> = 50...400
    private static let intoRebalanceMilliseconds: ClosedRange<Int64> = 0...300

    static let groupRows: [ChaosRow] = [
        ChaosRow(
            id: "F34",
            fault: "kill -9 the coordinator of a group within a rebalance and within commits, a member falls silent, "
                + "the coordinator moves 20 times; by both protocols",
            promise: "no commit is lost or goes back; no partition has two owners", overrides: groupOverrides
        ) { stage, round in
            for kind in GroupKind.allCases {
                let trial = GroupTrial(stage, kind, round: round)
                do { try await tried(stage, trial) } catch {
                    await trial.end()
                    throw error
                }
                await trial.end()
                try await judge(stage, kind, trial)
            }
        }
    ]

    private static func tried(_ stage: ChaosStage, _ trial: GroupTrial) async throws {
        for _ in 0..<3 { try trial.addMember() }
        try await trial.awaitAtWork()
        for isLeaving in [false, true] {
            stage.note(isLeaving ? "a member leaves" : "a member joins")
            if isLeaving {
                async let leaving: Void = trial.removeMember()
                try await coordinatorKilled(stage, trial, after: stage.draw(intoRebalanceMilliseconds))
                await leaving
            } else {
                try trial.addMember()
                try await coordinatorKilled(stage, trial, after: stage.draw(intoRebalanceMilliseconds))
            }
        }
        stage.note("nobody comes or goes")
        try await coordinatorKilled(stage, trial, after: stage.draw(intoRebalanceMilliseconds))
        stage.beginFault("a member falls silent")
        await trial.silenceMember()
        try await trial.awaitAtWork()
        try trial.addMember()
        try await coordinatorsMoved(stage, trial)
    }

    private static func coordinatorKilled(
        _ stage: ChaosStage, _ trial: GroupTrial, after milliseconds: Int64
    ) async throws {
        let node = Int(try await stage.admin.coordinator(of: trial.group).value)
        await stage.pass(milliseconds)
        stage.note("kill the coordinator of \(trial.group)")
        try await stage.kill(node)
        try await trial.awaitAtWork()
        await stage.last(downMilliseconds)
        try stage.start(node)
        try await stage.awaitHealed()
        try await trial.awaitAtWork()
    }

    private static func coordinatorsMoved(_ stage: ChaosStage, _ trial: GroupTrial) async throws {
        stage.beginFault("move the coordinators \(moves) times")
        let name = CoordinationTopic.Subject.groups.rawValue
        var seen = 0
        for _ in 0..<moves {
            try await stage.admin.cluster.refresh(topics: [name])
            let partitions = stage.admin.cluster.view.topics[name]?.partitions ?? []
            let before = try await stage.admin.coordinator(of: trial.group)
            var targets: [TopicPartition: [BrokerID]?] = [:]
            for partition in partitions where partition.replicas.count > 1 {
                targets[TopicPartition(name, partition.index)] =
                    Array(partition.replicas.dropFirst()) + partition.replicas.prefix(1)
            }
            let places = targets.keys.sorted()
            let refused = try await stage.admin.reassign(targets)
            for (place, error) in refused { stage.problem("\(place) is not moved: \(error)") }
            let end = stage.clock.now.advanced(byMilliseconds: moveMillisecondsMax)
            while !(try await stage.admin.reassignments(of: places).isEmpty) {
                guard stage.clock.now < end else { throw ChaosError("the coordinators do not move") }
                await stage.pass(20)
            }
            _ = try await stage.admin.electLeaders(.preferred, of: places)
            await stage.pass(stage.draw(betweenMovesMilliseconds))
            if try await stage.admin.coordinator(of: trial.group) != before { seen += 1 }
        }
        stage.remark("\(trial.group): the coordinator moved \(seen) times")
        if seen < moves / 2 { stage.problem("the coordinator moved \(seen) times only") }
        try await trial.awaitAtWork()
    }

    private static func judge(_ stage: ChaosStage, _ kind: GroupKind, _ trial: GroupTrial) async throws {
        let kept = try await stage.admin.committedOffsets(of: trial.group)
        for partition in stage.topic.partitions {
            trial.log.found(
                partition, position: kept[stage.topic.place(partition)]?.value,
                known: trial.log.acknowledged(partition))
        }
        for problem in trial.log.problems(isByGeneration: kind == .classic) { stage.problem("C6: " + problem) }
        let counts = trial.log.counts
        stage.remark(
            "\(trial.group): \(counts.commits) commits acknowledged, partitions given out \(counts.claims) times")
    }
}
