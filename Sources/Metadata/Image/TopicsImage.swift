import HashTreeCollections
package import Primitives
import WireMessages

/// One partition, by the id of its topic.
package struct TopicPartitionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let topic: TopicID
    package let index: PartitionIndex

    package init(_ topic: TopicID, _ index: PartitionIndex) {
        self.topic = topic
        self.index = index
    }

    package static func < (left: TopicPartitionID, right: TopicPartitionID) -> Bool {
        left.topic == right.topic ? left.index < right.index : left.topic < right.topic
    }

    package var description: String { "\(topic)-\(index)" }
}

/// A topic and its partitions, which are numbered from 0 without a gap.
package struct TopicImage: Hashable, Sendable {
    package let name: String
    package let id: TopicID
    package internal(set) var partitions: [PartitionRegistration]

    package init(name: String, id: TopicID, partitions: [PartitionRegistration] = []) {
        self.name = name
        self.id = id
        self.partitions = partitions
    }

    package subscript(_ index: PartitionIndex) -> PartitionRegistration? {
        partitions.indices.contains(Int(index.value)) ? partitions[Int(index.value)] : nil
    }
}

/// All topics, by id and by name. A copy shares what did not change.
package struct TopicsImage: Hashable, Sendable {
    private var byID: TreeDictionary<TopicID, TopicImage> = [:]
    private var idsByName: TreeDictionary<String, TopicID> = [:]
    /// The partitions of all topics but the cluster's own.
    package private(set) var clientPartitionCount = 0

    package init() {}

    package var count: Int { byID.count }

    package subscript(_ id: TopicID) -> TopicImage? { byID[id] }

    package subscript(name name: String) -> TopicImage? { idsByName[name].flatMap { byID[$0] } }

    package subscript(_ partition: TopicPartitionID) -> PartitionRegistration? {
        byID[partition.topic]?[partition.index]
    }

    /// The id of the topic with this name.
    package func id(of name: String) -> TopicID? { idsByName[name] }

    /// A topic whose name differs from `name` only in periods and underscores: the first by name, if there are more.
    package func collision(with name: String) -> String? {
        let key = TopicName.collisionKey(name)
        guard key.utf8.contains(UInt8(ascii: "_")) else { return nil }
        return idsByName.keys.lazy
            .filter { $0.utf8.count == key.utf8.count && TopicName.collisionKey($0) == key }.min()
    }

    /// All topics, ordered by name.
    package var sortedByName: [TopicImage] { byID.values.sorted { $0.name < $1.name } }

    /// All topics, ordered by id.
    package var sortedByID: [TopicImage] { byID.values.sorted { $0.id < $1.id } }

    mutating func create(_ record: TopicRecord) throws(MetadataError) {
        guard TopicName.isValid(record.name) else { throw .invalidTopicName(record.name) }
        guard idsByName[record.name] == nil, byID[record.topicID] == nil else {
            throw .topicExists(name: record.name, record.topicID)
        }
        byID[record.topicID] = TopicImage(name: record.name, id: record.topicID)
        idsByName[record.name] = record.topicID
    }

    mutating func set(_ record: PartitionRecord) throws(MetadataError) {
        let id = record.topicID
        guard let count = byID[id]?.partitions.count else { throw .unknownTopic(id) }
        let index = Int(record.partitionID.value)
        guard (0...count).contains(index) else { throw .partitionOutOfOrder(id, record.partitionID) }
        let partition = PartitionRegistration(record)
        if index == count {
            byID[id]!.partitions.append(partition)
            if !TopicName.isInternal(byID[id]!.name) { clientPartitionCount += 1 }
        } else {
            byID[id]!.partitions[index] = partition
        }
    }

    mutating func change(_ record: PartitionChangeRecord) throws(MetadataError) {
        let id = record.topicID
        guard let count = byID[id]?.partitions.count else { throw .unknownTopic(id) }
        let index = Int(record.partitionID.value)
        guard (0..<count).contains(index) else { throw .unknownPartition(id, record.partitionID) }
        byID[id]!.partitions[index].apply(record)
    }

    /// Removes a topic; returns it as it was.
    mutating func remove(_ id: TopicID) throws(MetadataError) -> TopicImage {
        guard let topic = byID.removeValue(forKey: id) else { throw .unknownTopic(id) }
        idsByName[topic.name] = nil
        if !TopicName.isInternal(topic.name) { clientPartitionCount -= topic.partitions.count }
        return topic
    }

    /// Empties ELR and last known ELR of one topic, or of all.
    mutating func clearELR(topicName: String) throws(MetadataError) -> [TopicPartitionID] {
        var changed: [TopicPartitionID] = []
        let topics = topicName.isEmpty ? sortedByID : idsByName[topicName].flatMap { byID[$0] }.map { [$0] } ?? []
        for topic in topics {
            for (index, partition) in topic.partitions.enumerated()
            where !partition.eligibleLeaderReplicas.isEmpty || !partition.lastKnownELR.isEmpty {
                byID[topic.id]!.partitions[index].eligibleLeaderReplicas = []
                byID[topic.id]!.partitions[index].lastKnownELR = []
                changed.append(TopicPartitionID(topic.id, PartitionIndex(Int32(index))))
            }
        }
        return changed
    }

    var records: [MetadataRecord] {
        sortedByID.flatMap { topic -> [MetadataRecord] in
            var record = TopicRecord()
            record.name = topic.name
            record.topicID = topic.id
            return [.topic(record)]
                + topic.partitions.enumerated().map { index, partition in
                    .partition(partition.record(topic: topic.id, index: PartitionIndex(Int32(index))))
                }
        }
    }
}
