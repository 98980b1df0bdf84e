package import Metadata
package import Primitives

/// What an assignor has to know of a topic.
struct AssignableTopic: Hashable, Sendable {
    let partitionCount: Int
    /// The racks of each partition's replicas; empty where no rack is known.
    let racks: [Set<String>]
}

/// The topics of the cluster, as groups subscribe to them.
package struct SubscribableTopics: Sendable {
    private let topics: TopicsImage
    private let racks: [BrokerID: String]
    /// The end of the metadata log that this is made from.
    package let version: Int64
    /// Of topics that were asked for.
    private var hashes: [TopicID: UInt64] = [:]

    package init() { self.init(MetadataImage()) }

    package init(_ image: MetadataImage) {
        topics = image.topics
        let racksByBroker = image.brokers.sorted.compactMap { broker in broker.rack.map { (broker.id, $0) } }
        racks = Dictionary(racksByBroker) { first, _ in first }
        version = image.provenance.end.value
    }

    /// The id of the topic with this name.
    package func id(of name: String) -> TopicID? { topics.id(of: name) }

    /// The name of a topic; nil for one that is gone.
    package func name(of id: TopicID) -> String? { topics[id]?.name }

    /// The names of all topics, sorted.
    var names: [String] { topics.sortedByName.map(\.name) }

    func topic(_ id: TopicID) -> AssignableTopic? {
        guard let topic = topics[id] else { return nil }
        let racksOfPartitions =
            racks.isEmpty ? [] : topic.partitions.map { Set($0.replicas.compactMap { racks[$0] }) }
        return AssignableTopic(partitionCount: topic.partitions.count, racks: racksOfPartitions)
    }

    /// A number that changes when one of the topics is made, deleted, gets partitions or moves to other racks. Names
    /// without a topic don't count; 0 where there is no topic at all.
    ///
    /// The number is compared with one that another node may have written, so it is the same everywhere.
    /// - Source: KIP-1101. Kafka's function is another one; a group that moves gets one more epoch.
    mutating func hash(of names: [String]) -> Int64 {
        var whole = StableHash()
        var isAny = false
        for name in names {
            guard let id = topics.id(of: name), let topic = topics[id] else { continue }
            isAny = true
            let known = hashes[id] ?? hash(of: topic)
            hashes[id] = known
            whole.add(known)
        }
        return isAny ? Int64(bitPattern: whole.value) : 0
    }

    private func hash(of topic: TopicImage) -> UInt64 {
        var hash = StableHash()
        hash.add(topic.id.high)
        hash.add(topic.id.low)
        hash.add(topic.name)
        hash.add(UInt64(topic.partitions.count))
        guard !racks.isEmpty else { return hash.value }
        for partition in topic.partitions {
            for rack in Set(partition.replicas.compactMap { racks[$0] }).sorted() { hash.add(rack) }
            hash.add(UInt8(0))
        }
        return hash.value
    }
}

/// FNV-1a over 64 bits: the same in every process, unlike Swift's own.
struct StableHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) { add(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
    }

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(UInt8(0))
    }
}
