package import Primitives

/// What a run of records changed in an image, for those who follow it.
package struct MetadataDelta: Sendable {
    private var topicIDs: Set<TopicID> = []
    private var partitionIDs: Set<TopicPartitionID> = []
    private var brokerIDs: Set<BrokerID> = []
    private var controllerIDs: Set<BrokerID> = []
    private var configResources: Set<ConfigResource> = []
    /// Topics that were there before and are gone, as they were last.
    package private(set) var deletedTopics: [TopicImage] = []
    package private(set) var featuresChanged = false
    package private(set) var securityChanged = false

    package init() {}

    /// What differs between two images; for a snapshot that replaces what was there.
    package init(from old: MetadataImage, to new: MetadataImage) {
        for topic in new.topics.sortedByID where old.topics[topic.id] != topic {
            noteTopic(topic.id)
            let former = old.topics[topic.id]
            for index in topic.partitions.indices {
                let partition = TopicPartitionID(topic.id, PartitionIndex(Int32(index)))
                if former?[partition.index] != topic.partitions[index] { notePartition(partition) }
            }
        }
        deletedTopics = old.topics.sortedByID.filter { new.topics[$0.id] == nil }
        for broker in new.brokers.sorted where old.brokers[broker.id] != broker { noteBroker(broker.id) }
        for broker in old.brokers.sorted where new.brokers[broker.id] == nil { noteBroker(broker.id) }
        for controller in new.controllers.sorted where old.controllers[controller.id] != controller {
            noteController(controller.id)
        }
        for resource in Set(old.configs.resources).union(new.configs.resources)
        where old.configs[resource] != new.configs[resource] { noteConfig(resource) }
        featuresChanged = old.features != new.features
        securityChanged = old.security != new.security
    }

    /// Topics that are new or have a changed partition, in order; none of the deleted ones.
    package var changedTopics: [TopicID] { topicIDs.sorted() }

    /// Partitions that are new or changed, in order; none of the deleted topics.
    package var changedPartitions: [TopicPartitionID] { partitionIDs.sorted() }

    /// Brokers that registered, changed or were removed, in order.
    package var changedBrokers: [BrokerID] { brokerIDs.sorted() }

    package var changedControllers: [BrokerID] { controllerIDs.sorted() }

    /// Resources whose dynamic configuration changed, in order.
    package var changedConfigs: [ConfigResource] { configResources.sorted() }

    package var isEmpty: Bool {
        topicIDs.isEmpty && partitionIDs.isEmpty && brokerIDs.isEmpty && controllerIDs.isEmpty
            && configResources.isEmpty && deletedTopics.isEmpty && !featuresChanged && !securityChanged
    }

    mutating func noteTopic(_ id: TopicID) { topicIDs.insert(id) }

    mutating func notePartition(_ id: TopicPartitionID) {
        partitionIDs.insert(id)
        topicIDs.insert(id.topic)
    }

    mutating func noteDeletion(_ topic: TopicImage) {
        topicIDs.remove(topic.id)
        for index in topic.partitions.indices {
            partitionIDs.remove(TopicPartitionID(topic.id, PartitionIndex(Int32(index))))
        }
        configResources.insert(.topic(topic.name))
        deletedTopics.append(topic)
    }

    mutating func noteBroker(_ id: BrokerID) { brokerIDs.insert(id) }
    mutating func noteController(_ id: BrokerID) { controllerIDs.insert(id) }
    mutating func noteConfig(_ resource: ConfigResource) { configResources.insert(resource) }
    mutating func noteFeatures() { featuresChanged = true }
    mutating func noteSecurity() { securityChanged = true }
}
