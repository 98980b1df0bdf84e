package import Primitives

/// A metadata record that can't be read or does not fit the state before it.
///
/// A node that meets one stops: it must not go on with metadata that others see differently.
package enum MetadataError: Error, Hashable, CustomStringConvertible {
    case truncatedFrame
    case unknownFrameVersion(UInt32)
    case unknownRecord(key: UInt32, version: UInt32)
    case malformedRecord(key: Int16, reason: String)
    case unknownTopic(TopicID)
    case unknownPartition(TopicID, PartitionIndex)
    case partitionOutOfOrder(TopicID, PartitionIndex)
    case topicExists(name: String, TopicID)
    case invalidTopicName(String)
    case unknownBroker(BrokerID)
    case staleBrokerEpoch(BrokerID, BrokerEpoch)

    package var description: String {
        switch self {
        case .truncatedFrame: "metadata record ends within its frame"
        case .unknownFrameVersion(let version): "metadata record has frame version \(version), expected 1"
        case .unknownRecord(let key, let version):
            "metadata record of kind \(key) version \(version) is not known to this release"
        case .malformedRecord(let key, let reason): "metadata record of kind \(key) can't be read: \(reason)"
        case .unknownTopic(let id): "metadata record for the unknown topic id \(id)"
        case .unknownPartition(let id, let index):
            "metadata record for the unknown partition \(index) of topic id \(id)"
        case .partitionOutOfOrder(let id, let index):
            "partition \(index) of topic id \(id) comes before its predecessors"
        case .topicExists(let name, let id): "topic \(name) (\(id)) is created a second time"
        case .invalidTopicName(let name): "topic record with the invalid name \(name.debugDescription)"
        case .unknownBroker(let id): "metadata record for the unregistered broker \(id)"
        case .staleBrokerEpoch(let id, let epoch): "metadata record for broker \(id) with the foreign epoch \(epoch)"
        }
    }
}
