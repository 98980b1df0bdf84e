import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `reassign-partitions --generate`.
struct ReassignmentProposal {
    private let brokers: [BrokerID]
    private let topics: [String]
    private let isRackAware: Bool

    /// - Errors: lists that can't be read or name something twice.
    init(_ given: GivenOptions) throws(ToolFailure) {
        var ids: [BrokerID] = []
        for text in try given.needed(ReassignmentOptions.brokerList).split(separator: ",") {
            guard let id = Int32(ClientProperties.trimmed(text)) else {
                throw ToolFailure("For input string: \"\(text)\"")
            }
            ids.append(BrokerID(id))
        }
        let twice = ReassignmentFile.repeated(ids)
        guard twice.isEmpty else {
            let names = twice.map(\.description).joined(separator: ", ")
            throw ToolFailure("Broker list contains duplicate entries: [\(names)]")
        }
        brokers = ids
        topics = try ReassignmentProposal.topics(
            in: try JSONFile.read(try given.needed(ReassignmentOptions.topicsFile)))
        isRackAware = !given.has(ReassignmentOptions.disableRackAware)
    }

    private static func topics(in document: JSONValue) throws(ToolFailure) -> [String] {
        let version = document["version"]?.integer ?? 1
        guard version == 1 else { throw ToolFailure("Not supported version field value \(version)") }
        var topics: [String] = []
        for entry in document["topics"]?.array ?? [] {
            guard let topic = entry["topic"]?.text else {
                throw ToolFailure("Expected an entry with \"topic\" but found \(entry)")
            }
            topics.append(topic)
        }
        let twice = ReassignmentFile.repeated(topics)
        guard twice.isEmpty else {
            throw ToolFailure(
                "List of topics to reassign contains duplicate entries: [\(twice.joined(separator: ", "))]")
        }
        return topics
    }

    func run(_ admin: Admin) async throws {
        let current = try await CurrentAssignments.ofTopics(topics, admin)
        let wanted = Set(brokers)
        let nodes = try await admin.describeNodes().brokers.filter { wanted.contains($0.brokerID) }
        let racks = nodes.map { (id: $0.brokerID, rack: isRackAware ? $0.rack : nil) }
        let rackless = racks.count { $0.rack == nil }
        if isRackAware, rackless != 0, rackless != racks.count {
            throw ToolFailure(
                "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica "
                    + "assignment without rack information.")
        }
        var proposed: [TopicPartition: [BrokerID]] = [:]
        var spread = try ReplicaSpread(racks)
        for topic in Set(topics).sorted() {
            let partitions = current.filter { $0.key.topic == topic }.sorted { $0.key < $1.key }
            guard let factor = partitions.first?.value.count else { continue }
            for ((place, _), replicas) in zip(partitions, try spread.assign(partitions.count, factor: factor)) {
                proposed[place] = replicas
            }
        }
        print("Current partition replica assignment\n\(ReassignmentFile.json(current))\n")
        print("Proposed partition reassignment configuration\n\(ReassignmentFile.json(proposed))")
    }
}
