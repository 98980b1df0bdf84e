import ClientCore
import Primitives

/// One replica of a partition.
struct PlacedReplica: Hashable, Comparable, CustomStringConvertible {
    let place: TopicPartition
    let broker: BrokerID

    var description: String { "\(place)-\(broker)" }

    static func < (left: PlacedReplica, right: PlacedReplica) -> Bool {
        left.broker == right.broker ? left.place < right.place : left.broker < right.broker
    }
}

/// A reassignment as its file says it: the replicas of partitions, and the log directories of some of them.
struct ReassignmentFile: Hashable {
    private static let anyDirectory = "any"

    /// In the file's order, with what is named twice.
    let entries: [Entry]
    /// The replicas whose directory is named.
    private(set) var directories: [PlacedReplica: String] = [:]

    struct Entry: Hashable {
        let place: TopicPartition
        let replicas: [BrokerID]
    }

    /// - Errors: a document of another form or version.
    init(parsing document: JSONValue) throws(ToolFailure) {
        guard case .object = document else {
            throw ToolFailure("Expected JSON object, received \(document)")
        }
        let version = document["version"]?.integer ?? 1
        guard version == 1 else { throw ToolFailure("Not supported version field value \(version)") }
        var entries: [Entry] = []
        var directories: [PlacedReplica: String] = [:]
        for partition in document["partitions"]?.array ?? [] {
            let entry = try ReassignmentFile.entry(partition)
            entries.append(entry)
            guard let paths = partition["log_dirs"]?.array?.map({ $0.text ?? "" }) else { continue }
            guard paths.count == entry.replicas.count else {
                throw ToolFailure(
                    "Size of replicas list [\(ReassignmentFile.list(entry.replicas))] is different from size of "
                        + "log dirs list [\(paths.joined(separator: ", "))] for partition \(entry.place)")
            }
            for (broker, path) in zip(entry.replicas, paths) where path != ReassignmentFile.anyDirectory {
                directories[PlacedReplica(place: entry.place, broker: broker)] = path
            }
        }
        self.entries = entries
        self.directories = directories
    }

    private static func list(_ ids: [BrokerID]) -> String { ids.map(\.description).joined(separator: ", ") }

    private static func entry(_ value: JSONValue) throws(ToolFailure) -> Entry {
        guard let topic = value["topic"]?.text, let index = value["partition"]?.integer,
            let partition = Int32(exactly: index), let list = value["replicas"]?.array
        else {
            throw ToolFailure("Expected an entry with \"topic\", \"partition\" and \"replicas\" but found \(value)")
        }
        var replicas: [BrokerID] = []
        for item in list {
            guard let id = item.integer, let broker = Int32(exactly: id) else {
                throw ToolFailure("Expected a broker id but found \(item)")
            }
            replicas.append(BrokerID(broker))
        }
        return Entry(place: TopicPartition(topic, PartitionIndex(partition)), replicas: replicas)
    }

    /// The target of each partition; the last one counts.
    var targets: [TopicPartition: [BrokerID]] {
        Dictionary(entries.map { ($0.place, $0.replicas) }) { _, last in last }
    }

    var topics: [String] { Set(entries.map(\.place.topic)).sorted() }

    /// Refuses what can't be executed, in the words of Kafka's tool.
    func checkExecutable() throws(ToolFailure) {
        if entries.isEmpty { throw ToolFailure("Partition reassignment list cannot be empty") }
        if entries.contains(where: { $0.replicas.isEmpty }) {
            throw ToolFailure("Partition replica list cannot be empty")
        }
        let twice = ReassignmentFile.repeated(entries.map(\.place))
        guard twice.isEmpty else {
            let names = twice.map(\.description).joined(separator: ",")
            throw ToolFailure("Partition reassignment contains duplicate topic partitions: \(names)")
        }
        let complaints = entries.compactMap { entry -> String? in
            let ids = ReassignmentFile.repeated(entry.replicas)
            return ids.isEmpty ? nil : "\(entry.place) contains multiple entries for \(BrokerList.text(ids))"
        }
        guard complaints.isEmpty else {
            throw ToolFailure(
                "Partition replica lists may not contain duplicate entries: \(complaints.joined(separator: ". "))")
        }
    }

    /// What stands there more than once, sorted.
    static func repeated<Value: Hashable & Comparable>(_ values: [Value]) -> [Value] {
        Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +).filter { $0.value > 1 }.keys.sorted()
    }

    /// The document for some assignments, sorted, with any directory: `{"version":1,"partitions":[…]}`.
    static func json(_ assignments: [TopicPartition: [BrokerID]]) -> JSONValue {
        let partitions = assignments.sorted { $0.key < $1.key }.map { place, replicas -> JSONValue in
            [
                "topic": .text(place.topic), "partition": .integer(Int64(place.partition.value)),
                "replicas": BrokerList.json(replicas),
                "log_dirs": .array(replicas.map { _ in .text(anyDirectory) }),
            ]
        }
        return ["version": 1, "partitions": .array(partitions)]
    }
}
