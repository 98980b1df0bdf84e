import Controller
import Metadata
import Primitives
import Testing
import WireMessages

/// Every record of a busy cluster, in its log and in its snapshot, held to Kafka's versions.
@Suite("Beside Apache Kafka: the versions of metadata records")
struct RecordVersionTests {
    /// The version of each kind of record that Kafka writes at a level, by its number; nil for kinds that are not to be
    /// written at it at all.
    private static func expected(_ kind: UInt8, at level: Int16) -> UInt8? {
        switch kind {
        // 3.7-IV2 (17) brought log directories, 4.0-IV1 (23) eligible leader replicas, 4.3-IV0 (30) cordoned ones.
        case 0: 3
        case 3, 5: level >= 23 ? 2 : 1
        case 17: 2
        case 28: level >= 23 ? 0 : nil
        // Fencing by records of its own ended with 3.3-IV2, migration with 4.0.
        case 7, 8, 21: nil
        case 1, 2, 4, 9, 10, 11, 12, 14, 15, 18, 19, 20, 22, 23, 24, 25, 26, 27: 0
        default: nil
        }
    }

    private func cluster(at level: Int16) -> Cluster {
        var cluster = Cluster { configuration in
            configuration.bootstrapFeatures = [BootstrapFeature(name: "metadata.version", level: level)]
            if level >= 23 {
                configuration.bootstrapFeatures.append(
                    BootstrapFeature(name: "eligible.leader.replicas.version", level: 1))
            }
        }
        for id: Int32 in 1...4 { cluster.join(id) }
        return cluster
    }

    @Test(
        "at each level that can be finalized, the log and its snapshot have the record versions of Kafka",
        arguments: 22...29)
    func versions(level: Int16) throws {
        var cluster = cluster(at: level)
        var registration = ControllerRegistrationRequest()
        registration.controllerID = BrokerID(1)
        cluster.commit(cluster.controller.registerController(registration))
        cluster.createTopic("t", partitions: 3, replicas: 3, configs: [("min.insync.replicas", "2")])
        cluster.createTopic("u", assignments: [[1]])
        var producerIDs = AllocateProducerIdsRequest()
        producerIDs.brokerID = BrokerID(1)
        producerIDs.brokerEpoch = cluster.epoch(1)
        cluster.commit(cluster.controller.allocateProducerIDs(producerIDs))
        // ISRs shrink and grow, leaders go and come back, a broker goes for good and another comes anew.
        for id: Int32 in [1, 2, 3] { cluster.fence(id) }
        for id: Int32 in [3, 2, 1] { cluster.heartbeat(id) }
        cluster.fence(4)
        cluster.commit(cluster.controller.unregisterBroker(BrokerID(4)))
        cluster.join(4, life: 2)
        if level >= 23 {
            let off = FeatureUpdate(name: "eligible.leader.replicas.version", level: 0, direction: .safeDowngrade)
            #expect(cluster.commit(cluster.controller.updateFeatures([off], validateOnly: false)) == nil)
        }
        let written = cluster.written
        let kinds = Set(written.map { MetadataRecordFrame.encode($0, at: level)[1] })
        #expect(kinds.isSuperset(of: [0, 1, 2, 3, 4, 5, 12, 15, 17, 27]), "the cluster was not busy enough: \(kinds)")
        for record in written + cluster.image.snapshotRecords {
            let frame = MetadataRecordFrame.encode(record, at: level)
            #expect(Self.expected(frame[1], at: level) == frame[2], "kind \(frame[1]) at level \(level)")
            // Nothing is lost on the way.
            #expect(try MetadataRecordFrame.decode(frame) == record)
        }
    }

    @Test("the snapshot of a log at a lower level is written at that level, whatever a later one could hold")
    func raised() throws {
        var cluster = cluster(at: 22)
        cluster.createTopic("t", replicas: 3)
        let levels = { (records: [MetadataRecord], level: Int16) in
            Set(records.map { MetadataRecordFrame.encode($0, at: level) }.filter { $0[1] == 3 }.map { $0[2] })
        }
        #expect(cluster.image.features.recordLevel == 22)
        #expect(levels(cluster.image.snapshotRecords, cluster.image.features.recordLevel) == [1])
        let up = FeatureUpdate(name: "metadata.version", level: 29, direction: .upgrade)
        #expect(cluster.commit(cluster.controller.updateFeatures([up], validateOnly: false)) == nil)
        #expect(levels(cluster.image.snapshotRecords, cluster.image.features.recordLevel) == [2])
    }

    @Test("kraft.version in a record of the metadata, as Kafka 4.0 wrote it, is passed over (KAFKA-18979)")
    func strayKraftVersion() throws {
        var cluster = Cluster(brokers: [1])
        var record = FeatureLevelRecord()
        record.name = "kraft.version"
        record.featureLevel = 1
        cluster.controller.replay(.featureLevel(record))
        #expect(cluster.image.features["kraft.version"] == nil)
        #expect(!cluster.image.snapshotRecords.contains(.featureLevel(record)))
    }

    @Test("a broker of another make has Kafka's session, whatever shorter one is set")
    func sessionOfOthers() throws {
        var cluster = Cluster(brokers: [1])
        var other = Cluster.registration(2)
        other.settings = nil
        cluster.register(other)
        cluster.heartbeat(2)
        cluster.wait(milliseconds: 3_000)
        cluster.heartbeat(1)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == nil)
        cluster.wait(milliseconds: 2_900)
        cluster.heartbeat(1)
        cluster.wait(milliseconds: 2_900)
        cluster.heartbeat(1)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == nil)
        cluster.wait(milliseconds: 200)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == BrokerID(2))
    }
}
