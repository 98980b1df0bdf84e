import ClientCore
import MartletClient
import Primitives

/// `reassign-partitions --verify`.
struct ReassignmentCheck {
    /// Where a partition of the plan stands.
    enum Standing: Hashable {
        case completed
        case inProgress
        /// It does not move, and is elsewhere.
        case different([BrokerID])
    }

    /// What the process ends with while partitions of the plan move: a script can wait for it.
    private static let inProgressExitCode: Int32 = 3

    private let plan: ReassignmentFile
    private let keepsThrottles: Bool
    private let isJSON: Bool

    init(_ given: GivenOptions, _ plan: ReassignmentFile) {
        self.plan = plan
        keepsThrottles = given.has(ReassignmentOptions.preserveThrottles)
        isJSON = given.has(.json)
    }

    func run(_ admin: Admin, _ directoryMoves: DirectoryMoves) async throws {
        let ongoing = try await admin.reassignments()
        let targets = plan.targets
        let still = targets.keys.filter { ongoing[$0] == nil }
        _ = try await admin.cluster.refresh(topics: Set(still.map(\.topic)).sorted())
        let view = admin.cluster.view
        var standings: [TopicPartition: Standing] = [:]
        for (place, target) in targets {
            let replicas = view.partition(place)?.replicas ?? []
            standings[place] =
                ongoing[place] != nil ? .inProgress : replicas == target ? .completed : .different(replicas)
        }
        let moves = try await directoryMoves.standings(plan.directories)
        show(standings, moves)
        let isMoving = !ongoing.isEmpty || moves.values.contains { !$0.isDone }
        if !isMoving, !keepsThrottles {
            try await ReplicationThrottles.clear(plan, admin) { line in if !isJSON { print(line) } }
        }
        try ReassignmentCheck.conclude(standings, moves)
    }

    private static func conclude(
        _ standings: [TopicPartition: Standing], _ moves: [PlacedReplica: DirectoryMoves.Standing]
    ) throws(ToolFailure) {
        if standings.values.contains(.inProgress) || moves.values.contains(where: { !$0.isDone }) {
            throw ToolFailure.told(exitCode: inProgressExitCode)
        }
        let isElsewhere = standings.values.contains { if case .different = $0 { true } else { false } }
        if isElsewhere || moves.values.contains(where: \.isFailed) { throw ToolFailure.told() }
    }

    private func show(
        _ standings: [TopicPartition: Standing], _ moves: [PlacedReplica: DirectoryMoves.Standing]
    ) {
        if isJSON { return print(json(standings, moves)) }
        print("Status of partition reassignment:")
        for (place, standing) in standings.sorted(by: { $0.key < $1.key }) {
            print(ReassignmentCheck.line(place, standing, target: plan.targets[place] ?? []))
        }
        print(
            moves.sorted { $0.key < $1.key }.map { DirectoryMoves.line($0.key, $0.value) }.joined(separator: "\n"))
    }

    static func line(_ place: TopicPartition, _ standing: Standing, target: [BrokerID]) -> String {
        switch standing {
        case .completed: "Reassignment of partition \(place) is completed."
        case .inProgress: "Reassignment of partition \(place) is still in progress."
        case .different(let replicas):
            "There is no active reassignment of partition \(place), but replica set is \(BrokerList.text(replicas)) "
                + "rather than \(BrokerList.text(target))."
        }
    }

    private func json(
        _ standings: [TopicPartition: Standing], _ moves: [PlacedReplica: DirectoryMoves.Standing]
    ) -> JSONValue {
        let targets = plan.targets
        let partitions = standings.sorted { $0.key < $1.key }.map { place, standing -> JSONValue in
            let name: String
            switch standing {
            case .completed: name = "completed"
            case .inProgress: name = "inProgress"
            case .different: name = "different"
            }
            var replicas = JSONValue.null
            if case .different(let found) = standing { replicas = BrokerList.json(found) }
            return [
                "topic": .text(place.topic), "partition": .integer(Int64(place.partition.value)),
                "status": .text(name), "target": BrokerList.json(targets[place] ?? []), "replicas": replicas,
            ]
        }
        let directories = moves.sorted { $0.key < $1.key }.map { replica, standing -> JSONValue in
            [
                "topic": .text(replica.place.topic), "partition": .integer(Int64(replica.place.partition.value)),
                "broker": .integer(Int64(replica.broker.value)), "text": .text(DirectoryMoves.line(replica, standing)),
            ]
        }
        return ["partitions": .array(partitions), "directories": .array(directories)]
    }
}
