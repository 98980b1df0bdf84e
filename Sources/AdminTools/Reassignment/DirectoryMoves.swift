import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// Moves of replicas between the log directories of their brokers.
struct DirectoryMoves {
    /// Where a move stands.
    enum Standing: Hashable {
        /// The broker has no such replica, or does not answer.
        case replicaMissing
        /// The replica's directory is offline.
        case directoryMissing
        case completed
        /// The replica stays where it is, which is elsewhere.
        case notMoving(current: String, target: String)
        case moving(current: String, target: String, future: String)

        var isDone: Bool { if case .moving = self { false } else { true } }

        var isFailed: Bool {
            switch self {
            case .replicaMissing, .directoryMissing, .notMoving: true
            case .completed, .moving: false
            }
        }

        /// The directory that a cancelled move returns to.
        var directoryToGoBackTo: String? { if case .moving(let current, _, _) = self { current } else { nil } }
    }

    /// Pause before a broker is asked again that has no such replica yet.
    private static let pauseMilliseconds: Int64 = 100

    let admin: Admin
    let timeoutMilliseconds: Int64

    /// How far moves are, by what their brokers say.
    func standings(_ targets: [PlacedReplica: String]) async throws(ClientError) -> [PlacedReplica: Standing] {
        var standings: [PlacedReplica: Standing] = [:]
        for broker in Set(targets.keys.map(\.broker)).sorted() {
            let own = targets.filter { $0.key.broker == broker }
            let described = try await admin.logDirs(of: broker, topics: own.keys.map(\.place).sorted())
            let hasOffline = described.contains { $0.errorCode != .noError }
            for (replica, target) in own {
                var current: String?
                var future: String?
                for directory in described {
                    for topic in directory.topics where topic.name == replica.place.topic {
                        for partition in topic.partitions where partition.partitionIndex == replica.place.partition {
                            if partition.isFutureKey { future = directory.logDir } else { current = directory.logDir }
                        }
                    }
                }
                standings[replica] = DirectoryMoves.standing(
                    current: current, future: future, target: target, hasOffline: hasOffline)
            }
        }
        return standings
    }

    static func standing(current: String?, future: String?, target: String, hasOffline: Bool) -> Standing {
        guard let current else { return hasOffline ? .directoryMissing : .replicaMissing }
        if let future { return .moving(current: current, target: target, future: future) }
        return current == target ? .completed : .notMoving(current: current, target: target)
    }

    /// The line of Kafka's tool.
    static func line(_ replica: PlacedReplica, _ standing: Standing) -> String {
        let (place, broker) = (replica.place, replica.broker)
        switch standing {
        case .directoryMissing:
            return
                "Partition \(place) is not found in any live log dir on broker \(broker). There is likely an offline "
                + "log directory on the broker."
        case .replicaMissing:
            return "Partition \(place) cannot be found in any live log directory on broker \(broker)."
        case .moving(_, let target, let future) where target == future:
            return "Reassignment of replica \(replica) is still in progress."
        case .moving(_, let target, let future):
            return "Partition \(place) on broker \(broker) is being moved to log dir \(future) instead of \(target)."
        case .notMoving(let current, let target):
            return "Partition \(place) on broker \(broker) is not being moved from log dir \(current) to \(target)."
        case .completed: return "Reassignment of replica \(replica) completed successfully."
        }
    }

    /// Refuses moves that their brokers don't know how to make, before anything else is begun.
    func checkSupport(of targets: [PlacedReplica: String]) async throws {
        try await admin.cluster.refresh(topics: [])
        let living = admin.cluster.view.brokers
        for broker in Set(targets.keys.map(\.broker)).sorted() where living[broker] != nil {
            let known = try await admin.apiVersions(of: broker)
            guard known.contains(where: { $0.apiKey == APIKey.alterReplicaLogDirs.value }) else {
                throw ToolFailure(
                    "Broker \(broker) does not move replicas between its log directories: nothing is begun")
            }
        }
    }

    /// Starts moves, and waits for replicas that are on their way to their broker first.
    ///
    /// - Errors: moves that did not start in time; a broker that knows no such move at all.
    func start(_ targets: [PlacedReplica: String]) async throws {
        let end = admin.cluster.runtime.clock.now.advanced(byMilliseconds: timeoutMilliseconds)
        var pending = targets
        while true {
            for replica in try await started(pending).sorted() {
                let directory = pending[replica] ?? ""
                print(
                    "Successfully started moving log directory to \(directory) for replica \(replica.place) "
                        + "with broker \(replica.broker) ")
                pending[replica] = nil
            }
            if pending.isEmpty { return }
            guard admin.cluster.runtime.clock.now < end else {
                let names = pending.keys.sorted().map(\.description).joined(separator: ",")
                throw ToolFailure(
                    "Timed out before log directory move\(pending.count == 1 ? "" : "s") could be started for: "
                        + names,
                    on: .output)
            }
            await admin.cluster.runtime.sleep(milliseconds: DirectoryMoves.pauseMilliseconds)
        }
    }

    private func started(_ pending: [PlacedReplica: String]) async throws -> [PlacedReplica] {
        var started: [PlacedReplica] = []
        for broker in Set(pending.keys.map(\.broker)).sorted() {
            let own = pending.filter { $0.key.broker == broker }
            let moves = Dictionary(uniqueKeysWithValues: own.map { ($0.key.place, $0.value) })
            for (place, error) in try await admin.moveReplicas(on: broker, moves) {
                switch error {
                case .noError: started.append(PlacedReplica(place: place, broker: broker))
                case .replicaNotAvailable: break
                default:
                    throw ToolFailure(
                        "Failed to alter dir for \(PlacedReplica(place: place, broker: broker)): "
                            + ExceptionText.of(ClientError(code: error)))
                }
            }
        }
        return started
    }
}
