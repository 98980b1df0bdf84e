import ClientCore
import MartletClient
import Primitives
import WireMessages

/// The configurations that hold a reassignment back: rates of brokers, and the replicas of topics they hold for.
enum ReplicationThrottles {
    static let leaderRate = "leader.replication.throttled.rate"
    static let followerRate = "follower.replication.throttled.rate"
    static let directoryRate = "replica.alter.log.dirs.io.max.bytes.per.second"
    static let leaderReplicas = "leader.replication.throttled.replicas"
    static let followerReplicas = "follower.replication.throttled.replicas"

    /// From which brokers a partition is read, and which brokers get it.
    struct Move: Hashable {
        var sources: Set<BrokerID>
        var destinations: Set<BrokerID>
    }

    typealias Change = (target: ConfigTarget, changes: [(name: String, change: ConfigChange)])

    /// All partitions that move: those that do already, and those that are going to.
    static func moves(
        _ ongoing: [TopicPartition: ListPartitionReassignmentsResponse.OngoingPartitionReassignment],
        targets: [TopicPartition: [BrokerID]], current: [TopicPartition: [BrokerID]]
    ) -> [TopicPartition: Move] {
        var moves = ongoing.mapValues { move in
            let adding = Set(move.addingReplicas)
            return Move(sources: Set(move.replicas).subtracting(adding), destinations: adding)
        }
        for (place, target) in targets {
            let sources = moves[place]?.sources ?? Set(current[place] ?? [])
            moves[place] = Move(sources: sources, destinations: Set(target).subtracting(sources))
        }
        return moves
    }

    /// The changes for moves at so many bytes a second: topics first, then brokers.
    static func changes(_ moves: [TopicPartition: Move], bytesPerSecond: Int64) -> [Change] {
        let topics = Set(moves.keys.map(\.topic)).sorted().map { topic -> Change in
            let own = moves.filter { $0.key.topic == topic }
            return (
                .topic(topic),
                [
                    (leaderReplicas, .set(replicas(own.mapValues(\.sources)))),
                    (followerReplicas, .set(replicas(own.mapValues(\.destinations)))),
                ]
            )
        }
        var brokers: Set<BrokerID> = []
        for move in moves.values { brokers.formUnion(move.sources.union(move.destinations)) }
        let rates = brokers.sorted().map { broker -> Change in
            (
                .broker(broker.value),
                [(leaderRate, .set("\(bytesPerSecond)")), (followerRate, .set("\(bytesPerSecond)"))]
            )
        }
        return topics + rates
    }

    /// `0:1,0:2,1:2`, sorted as text.
    private static func replicas(_ brokers: [TopicPartition: Set<BrokerID>]) -> String {
        brokers.flatMap { place, ids in ids.map { "\(place.partition):\($0)" } }.sorted().joined(separator: ",")
    }

    /// The change for moves between the log directories of brokers.
    static func directoryChanges(_ brokers: Set<BrokerID>, bytesPerSecond: Int64) -> [Change] {
        brokers.sorted().map { (.broker($0.value), [(directoryRate, .set("\(bytesPerSecond)"))]) }
    }

    /// Takes all throttles away: of all brokers there are and all that the plan names, as nobody knows where partitions
    /// came from.
    ///
    /// - Parameter say: told what is about to be done.
    static func clear(
        _ plan: ReassignmentFile, _ admin: Admin, say: (String) -> Void = { print($0) }
    ) async throws(ClientError) {
        let living = try await admin.describeNodes().brokers.map(\.brokerID)
        let brokers = Set(living + plan.entries.flatMap(\.replicas)).sorted()
        say("Clearing broker-level throttles on broker\(brokers.count == 1 ? "" : "s") \(BrokerList.text(brokers))")
        let rates: [(name: String, change: ConfigChange)] = [
            (leaderRate, .delete), (followerRate, .delete), (directoryRate, .delete),
        ]
        try await admin.alterConfigs(living.sorted().map { (.broker($0.value), rates) })
        // A broker changes its configuration itself.
        for broker in Set(brokers).subtracting(living).sorted() {
            Console.complain("Broker \(broker) is not alive and keeps its throttles: verify again when it is back.")
        }
        let topics = plan.topics
        say("Clearing topic-level throttles on topic\(topics.count == 1 ? "" : "s") \(topics.joined(separator: ","))")
        let replicas: [(name: String, change: ConfigChange)] = [(leaderReplicas, .delete), (followerReplicas, .delete)]
        try await admin.alterConfigs(topics.map { (.topic($0), replicas) })
    }
}
