import Coordinators
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("Records of __consumer_offsets") struct RecordTests {
    private let place = ConsumedPartition(topic: "t", index: PartitionIndex(3))

    private func offset(expires: Int64?) -> CommittedOffset {
        CommittedOffset(
            offset: Offset(42), leaderEpoch: LeaderEpoch(7), metadata: "m", commitTimestamp: Timestamp(1_000),
            expireTimestamp: expires.map { Timestamp($0) })
    }

    @Test("keys and values are Kafka's, byte for byte")
    func bytes() {
        // Laid out by hand from Kafka's OffsetCommitKey version 1 and OffsetCommitValue version 3.
        let record = GroupRecord.offset(group: "g", partition: place, value: offset(expires: nil))
        #expect(record.keyBytes.array == [0, 1, 0, 1, 0x67, 0, 1, 0x74, 0, 0, 0, 3])
        #expect(
            record.valueBytes?.array == [
                0, 3, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 7, 0, 1, 0x6D, 0, 0, 0, 0, 0, 0, 3, 0xE8,
            ])
        let group = GroupRecord.group(id: "g", value: nil)
        #expect(group.keyBytes.array == [0, 2, 0, 1, 0x67])
        #expect(group.valueBytes == nil)
    }

    @Test("every record is read back as it was written; one with an expiry loses the epoch, as in Kafka")
    func roundTrip() throws {
        var metadata = GroupMetadataValue()
        metadata.protocolType = "consumer"
        metadata.generation = 4
        metadata.protocol = "range"
        metadata.leader = "m"
        metadata.currentStateTimestamp = 5
        var member = GroupMetadataValue.MemberMetadata()
        member.memberID = "m"
        member.groupInstanceID = "i"
        member.clientID = "c"
        member.clientHost = "/127.0.0.1"
        member.rebalanceTimeout = 1
        member.sessionTimeout = 2
        member.subscription = Bytes([1])
        member.assignment = Bytes([2, 3])
        metadata.members = [member]
        let records: [GroupRecord] = [
            .offset(group: "g", partition: place, value: offset(expires: nil)),
            .offset(group: "g", partition: place, value: nil), .group(id: "g", value: metadata),
            .group(id: "g", value: nil),
        ]
        for record in records {
            #expect(try GroupRecord.decode(key: record.keyBytes, value: record.valueBytes) == record)
        }
        let expiring = GroupRecord.offset(group: "g", partition: place, value: offset(expires: 2_000))
        var expected = offset(expires: 2_000)
        expected.leaderEpoch = nil
        #expect(
            try GroupRecord.decode(key: expiring.keyBytes, value: expiring.valueBytes)
                == .offset(group: "g", partition: place, value: expected))
    }

    @Test("records of other kinds are passed over, broken ones are an error")
    func foreignRecords() throws {
        #expect(try GroupRecord.decode(key: Bytes([0, 9, 0, 1, 0x67]), value: nil) == nil)
        #expect(throws: WireError.self) { try GroupRecord.decode(key: Bytes([0]), value: nil) }
        #expect(throws: WireError.self) { try GroupRecord.decode(key: Bytes([0, 1, 0, 9]), value: nil) }
        let key = GroupRecord.group(id: "g", value: nil).keyBytes
        #expect(throws: WireError.self) { try GroupRecord.decode(key: key, value: Bytes([0, 9, 1])) }
    }

    @Test(
        "groups lie where every Kafka puts them",
        arguments: [("", 0), ("g", 3), ("console-consumer-1", 24), ("κ-café", 44)])
    func placement(group: String, partition: Int32) {
        // Java says of these strings' hashCode: 0, 103, 35_782_224 and 1_587_010_644.
        #expect(CoordinatorPartition.index(of: group, among: 50) == PartitionIndex(partition))
    }
}
