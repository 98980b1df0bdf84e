import Metadata
import Primitives
import WireMessages

/// Records to build images from.
enum Samples {
    static let orders = TopicID(high: 1, low: 1)
    static let payments = TopicID(high: 1, low: 2)

    static func topic(_ name: String, _ id: TopicID) -> MetadataRecord {
        var record = TopicRecord()
        record.name = name
        record.topicID = id
        return .topic(record)
    }

    static func partition(_ id: TopicID, _ index: Int32, replicas: [Int32] = [1, 2, 3]) -> MetadataRecord {
        let brokers = replicas.map { BrokerID($0) }
        let partition = PartitionRegistration(replicas: brokers, isr: brokers, leader: brokers[0])
        return .partition(partition.record(topic: id, index: PartitionIndex(index)))
    }

    static func broker(_ id: Int32, epoch: Int64) -> MetadataRecord {
        .registerBroker(
            BrokerRegistration(
                id: BrokerID(id), epoch: BrokerEpoch(epoch), incarnationID: UUID128(high: 9, low: UInt64(id)),
                listeners: [RegisteredListener(name: "PLAINTEXT", host: "host\(id)", port: 9092)],
                supportedFeatures: [SupportedFeature(name: "metadata.version", levels: 7...29)], rack: "r\(id)",
                directories: [DirectoryID(high: 5, low: UInt64(id))]
            ).record)
    }

    static func config(_ topic: String, _ key: String, _ value: String?) -> MetadataRecord {
        var record = ConfigRecord()
        record.resourceType = 2
        record.resourceName = topic
        record.name = key
        record.value = value
        return .config(record)
    }

    static func feature(_ name: String, _ level: Int16) -> MetadataRecord {
        var record = FeatureLevelRecord()
        record.name = name
        record.featureLevel = level
        return .featureLevel(record)
    }

    static func change(
        _ id: TopicID, _ index: Int32, _ edit: (inout PartitionChangeRecord) -> Void
    ) -> MetadataRecord {
        var record = PartitionChangeRecord()
        record.topicID = id
        record.partitionID = PartitionIndex(index)
        edit(&record)
        return .partitionChange(record)
    }

    static var producerIDs: MetadataRecord {
        var record = ProducerIdsRecord()
        record.brokerID = BrokerID(1)
        record.nextProducerID = ProducerID(2_000)
        return .producerIDs(record)
    }

    static var quota: MetadataRecord {
        var entity = ClientQuotaRecord.EntityData()
        entity.entityType = "user"
        entity.entityName = "alice"
        var record = ClientQuotaRecord()
        record.entity = [entity]
        record.key = "producer_byte_rate"
        record.value = 1_000
        return .clientQuota(record)
    }

    static var controller: MetadataRecord {
        .registerController(
            ControllerRegistration(
                id: BrokerID(1), incarnationID: UUID128(high: 3, low: 3),
                listeners: [RegisteredListener(name: "CONTROLLER", host: "host1", port: 9093)], supportedFeatures: []
            ).record)
    }

    /// A small cluster.
    static let cluster: [MetadataRecord] = [
        feature("metadata.version", 29), feature("eligible.leader.replicas.version", 1), controller,
        broker(1, epoch: 5), broker(2, epoch: 6), broker(3, epoch: 7), topic("orders", orders), partition(orders, 0),
        partition(orders, 1, replicas: [2, 3, 1]), topic("payments", payments), partition(payments, 0),
        config("orders", "min.insync.replicas", "2"), producerIDs, quota,
    ]

    static func image(_ records: [MetadataRecord] = cluster) throws -> MetadataImage {
        var image = MetadataImage()
        for record in records { try image.replay(record) }
        return image
    }
}
