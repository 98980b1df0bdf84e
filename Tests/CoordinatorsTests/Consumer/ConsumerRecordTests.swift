import Coordinators
import HashTreeCollections
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("Records of consumer groups") struct ConsumerRecordTests {
    private func record(_ record: ConsumerGroupRecord) -> GroupRecord { .consumer(group: "g", record) }

    @Test("keys and values are Kafka's, byte for byte")
    func bytes() {
        // Laid out by hand from Kafka 4.3's definitions: keys are not flexible, values are.
        var group = ConsumerGroupMetadataValue()
        group.epoch = 5
        group.metadataHash = 1
        #expect(record(.group(group)).keyBytes.array == [0, 3, 0, 1, 0x67])
        #expect(
            record(.group(group)).valueBytes?.array == [0, 0, 0, 0, 0, 5, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(record(.partitionMetadata(nil)).keyBytes.array == [0, 4, 0, 1, 0x67])

        var member = ConsumerGroupMemberMetadataValue()
        (member.instanceID, member.rackID, member.serverAssignor, member.subscribedTopicRegex) = (nil, nil, nil, nil)
        (member.clientID, member.clientHost, member.subscribedTopicNames) = ("c", "h", ["t"])
        (member.rebalanceTimeoutMilliseconds, member.classicMemberMetadata) = (7, nil)
        let said = record(.member(id: "m", member))
        #expect(said.keyBytes.array == [0, 5, 0, 1, 0x67, 0, 1, 0x6D])
        #expect(
            said.valueBytes?.array == [
                0, 0, 0, 0, 2, 0x63, 2, 0x68, 2, 2, 0x74, 0, 0, 0, 0, 7, 0, 1, 0, 1, 0xFF,
            ])

        var epoch = ConsumerGroupTargetAssignmentMetadataValue()
        epoch.assignmentEpoch = 2
        #expect(record(.targetEpoch(epoch)).keyBytes.array == [0, 6, 0, 1, 0x67])
        #expect(record(.targetEpoch(epoch)).valueBytes?.array == [0, 0, 0, 0, 0, 2, 0])

        let id: [UInt8] = Array(1...16)
        var target = ConsumerGroupTargetAssignmentMemberValue()
        var topic = ConsumerGroupTargetAssignmentMemberValue.TopicPartition()
        topic.topicID = UUID128(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10)
        topic.partitions = [PartitionIndex(3)]
        target.topicPartitions = [topic]
        #expect(record(.target(member: "m", target)).keyBytes.array == [0, 7, 0, 1, 0x67, 0, 1, 0x6D])
        #expect(
            record(.target(member: "m", target)).valueBytes?.array == [0, 0, 2] + id + [2, 0, 0, 0, 3, 0, 0])

        var current = ConsumerGroupCurrentMemberAssignmentValue()
        (current.memberEpoch, current.previousMemberEpoch, current.state) = (5, 4, 1)
        var owned = ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions()
        owned.topicID = topic.topicID
        (owned.partitions, owned.assignmentEpochs) = ([PartitionIndex(3)], [2])
        current.assignedPartitions = [owned]
        #expect(record(.current(member: "m", current)).keyBytes.array == [0, 8, 0, 1, 0x67, 0, 1, 0x6D])
        #expect(
            record(.current(member: "m", current)).valueBytes?.array == [0, 0, 0, 0, 0, 5, 0, 0, 0, 4, 1, 2] + id
                + [2, 0, 0, 0, 3, 1, 0, 5, 2, 0, 0, 0, 2, 1, 0])

        var expression = ConsumerGroupRegularExpressionValue()
        (expression.topics, expression.version, expression.timestamp) = (["t"], 1, 2)
        #expect(record(.expression("t.*", expression)).keyBytes.array == [0, 16, 0, 1, 0x67, 0, 3, 0x74, 0x2E, 0x2A])
        #expect(
            record(.expression("t.*", expression)).valueBytes?.array == [
                0, 0, 2, 2, 0x74, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0,
            ])
    }

    @Test("every record that a group writes is read back as it was written")
    func roundTrip() throws {
        let scene = Scene { $0.consumerLimits.assignmentIntervalMilliseconds = 0 }
        try scene.setTopics(["t": 3, "u": 1])
        scene.beat(.join("a", instance: "i", rack: "r", assignor: "range"))
        scene.beat(.join("b", nil, expression: "t|u"))
        scene.beat("a", 1, owned: ["t": [0, 1, 2]], instance: "i")
        scene.beat("a", 1, owned: ["t": [0]], instance: "i")
        scene.beat("b", -1)
        #expect(scene.log.count > 15)
        for record in scene.log {
            #expect(try GroupRecord.decode(key: record.keyBytes, value: record.valueBytes) == record)
        }
    }

    @Test("what Kafka wrote before 4.1 and 4.3 is read; the old metadata record is deleted with the next change")
    func olderRecords() throws {
        var image = GroupImage()
        var group = ConsumerGroupMetadataValue()
        group.epoch = 3
        image.replay(record(.group(group)))
        image.replay(record(.partitionMetadata(ConsumerGroupPartitionMetadataValue())))
        var current = ConsumerGroupCurrentMemberAssignmentValue()
        current.memberEpoch = 3
        var owned = ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions()
        (owned.topicID, owned.partitions) = (Scene.topicID("t"), [PartitionIndex(0)])
        current.assignedPartitions = [owned]
        image.replay(record(.current(member: "old", current)))
        let scene = Scene { $0.consumerLimits.assignmentIntervalMilliseconds = 0 }
        scene.shard = GroupShard(settings: scene.settings, loaded: image, at: scene.time)
        try scene.setTopics(["t": 1])
        #expect(scene.consumers?.members["old"]?.assigned.map(\.epoch) == [3])
        scene.beat(.join("a"))
        #expect(scene.log.contains(record(.partitionMetadata(nil))))
    }

    @Test("a tombstone for what is not there makes no group")
    func strayTombstones() {
        var image = GroupImage()
        for stray in [
            ConsumerGroupRecord.member(id: "m", nil), .target(member: "m", nil), .current(member: "m", nil),
            .targetEpoch(nil), .group(nil),
        ] { image.replay(record(stray)) }
        #expect(image["g"] == nil)
    }
}
