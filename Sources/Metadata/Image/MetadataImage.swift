package import Primitives
import WireMessages

/// What the cluster is, as of one position in the metadata log. A value: copies share all that did not change.
package struct MetadataImage: Hashable, Sendable {
    /// How much of the metadata log an image contains.
    package struct Provenance: Hashable, Sendable {
        /// Exclusive: the offset of the first record that is not contained.
        package var end: Offset
        /// The quorum leader's epoch of the last record that is contained.
        package var epoch: LeaderEpoch

        package init(end: Offset, epoch: LeaderEpoch) {
            self.end = end
            self.epoch = epoch
        }
    }

    package var provenance = Provenance(end: .zero, epoch: .zero)
    package private(set) var features = FeaturesImage()
    package private(set) var brokers = BrokersImage()
    package private(set) var controllers = ControllersImage()
    package private(set) var topics = TopicsImage()
    package private(set) var configs = ConfigsImage()
    package private(set) var security = SecurityImage()
    /// The first producer id that no block covers yet.
    package private(set) var nextProducerID = ProducerID(0)

    package init() {}

    /// An image that contains exactly `records`, for a snapshot.
    package init(records: some Sequence<MetadataRecord>, provenance: Provenance) throws(MetadataError) {
        var changes = MetadataDelta()
        for record in records { try replay(record, noting: &changes) }
        self.provenance = provenance
    }

    /// Applies one record.
    package mutating func replay(_ record: MetadataRecord) throws(MetadataError) {
        var changes = MetadataDelta()
        try replay(record, noting: &changes)
    }

    /// Applies one record and notes in `delta` what it changed.
    package mutating func replay(_ record: MetadataRecord, noting delta: inout MetadataDelta) throws(MetadataError) {
        switch record {
        case .topic, .partition, .partitionChange, .removeTopic, .clearElr: try replayTopic(record, &delta)
        case .registerBroker, .unregisterBroker, .fenceBroker, .unfenceBroker, .brokerRegistrationChange:
            try replayBroker(record, &delta)
        case .registerController(let body):
            controllers.register(body)
            delta.noteController(body.controllerID)
        case .config(let body):
            configs.apply(body)
            delta.noteConfig(ConfigResource(ConfigResource.Kind(body.resourceType), body.resourceName))
        case .featureLevel(let body):
            features.apply(body)
            delta.noteFeatures()
        case .producerIDs(let body): nextProducerID = body.nextProducerID
        case .accessControlEntry, .removeAccessControlEntry, .userScramCredential, .removeUserScramCredential,
            .delegationToken, .removeDelegationToken, .clientQuota:
            replaySecurity(record)
            delta.noteSecurity()
        case .noOp, .zkMigrationState: break
        // A transaction's records are held back by whoever reads the log, until its end is known.
        case .beginTransaction, .endTransaction, .abortTransaction: break
        }
    }

    private mutating func replayTopic(
        _ record: MetadataRecord, _ delta: inout MetadataDelta
    ) throws(MetadataError) {
        switch record {
        case .topic(let body):
            try topics.create(body)
            delta.noteTopic(body.topicID)
        case .partition(let body):
            try topics.set(body)
            delta.notePartition(TopicPartitionID(body.topicID, body.partitionID))
        case .partitionChange(let body):
            try topics.change(body)
            delta.notePartition(TopicPartitionID(body.topicID, body.partitionID))
        case .removeTopic(let body):
            let topic = try topics.remove(body.topicID)
            configs.removeAll(of: .topic(topic.name))
            delta.noteDeletion(topic)
        case .clearElr(let body):
            for partition in try topics.clearELR(topicName: body.topicName) { delta.notePartition(partition) }
        default: preconditionFailure("not a record about topics")
        }
    }

    private mutating func replayBroker(
        _ record: MetadataRecord, _ delta: inout MetadataDelta
    ) throws(MetadataError) {
        switch record {
        case .registerBroker(let body):
            brokers.register(body)
            delta.noteBroker(body.brokerID)
        case .unregisterBroker(let body):
            try brokers.unregister(body.brokerID, body.brokerEpoch)
            delta.noteBroker(body.brokerID)
        case .fenceBroker(let body):
            try brokers.setFenced(true, body.id, BrokerEpoch(body.epoch))
            delta.noteBroker(body.id)
        case .unfenceBroker(let body):
            try brokers.setFenced(false, body.id, BrokerEpoch(body.epoch))
            delta.noteBroker(body.id)
        case .brokerRegistrationChange(let body):
            try brokers.change(body)
            delta.noteBroker(body.brokerID)
        default: preconditionFailure("not a record about brokers")
        }
    }

    private mutating func replaySecurity(_ record: MetadataRecord) {
        switch record {
        case .accessControlEntry(let body): security.add(body)
        case .removeAccessControlEntry(let body): security.remove(body)
        case .userScramCredential(let body): security.set(body)
        case .removeUserScramCredential(let body): security.remove(body)
        case .delegationToken(let body): security.set(body)
        case .removeDelegationToken(let body): security.remove(body)
        case .clientQuota(let body): security.set(body)
        default: preconditionFailure("not a record about security")
        }
    }

    /// The records that make an image like this one out of nothing, always in the same order.
    package var snapshotRecords: [MetadataRecord] {
        var records = features.records + controllers.records + brokers.records + topics.records + configs.records
        records += security.records
        if nextProducerID.value > 0 {
            var block = ProducerIdsRecord()
            block.brokerID = BrokerID(-1)
            block.nextProducerID = nextProducerID
            records.append(.producerIDs(block))
        }
        return records
    }
}
