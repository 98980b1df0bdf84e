import AdminTools
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("What dump-log prints")
struct DumpLogTests {
    private static let time = Timestamp(1_732_156_800_000)

    private static func lines(
        _ batch: RecordBatch, _ decoder: any RecordDecoder, skipsMetadata: Bool = false
    ) throws -> [String] {
        var detail = BatchText.Detail()
        detail.showsData = true
        detail.skipsMetadata = skipsMetadata
        var records = try RecordIterator(batch)
        var lines: [String] = []
        while let record = try records.next() {
            let line = BatchText.line(record, index: Int32(lines.count), in: batch.header, detail, decoder)
            lines.append(line ?? "(left out)")
        }
        return lines
    }

    private static func batch(key: Bytes?, value: Bytes?) throws -> RecordBatch {
        var builder = RecordBatchBuilder(leaderEpoch: LeaderEpoch(0))
        builder.append(timestamp: time, key: key, value: value)
        return try RecordBatch(builder.finish())
    }

    private static func versioned(_ version: Int16, _ message: some WireMessage) -> Bytes {
        var writer = WireWriter()
        writer.int16(version)
        return Bytes(writer.finish().array + message.encoded(version: version).array)
    }

    @Test("A batch and its records")
    func batch() throws {
        let producer = BatchProducer(id: ProducerID(1_000), epoch: ProducerEpoch(0), baseSequence: 0)
        var builder = RecordBatchBuilder(leaderEpoch: LeaderEpoch(0), producer: producer)
        builder.append(timestamp: Self.time, key: Bytes(utf8: "k"), value: Bytes(utf8: "hello"))
        builder.append(
            timestamp: Self.time, key: nil, value: Bytes(utf8: "world"),
            headers: [RecordHeader(key: "h1", value: nil), RecordHeader(key: "h2", value: nil)])
        let batch = try RecordBatch(builder.finish())
        let line = BatchText.line(batch, at: 0)
        #expect(
            line.hasPrefix(
                "baseOffset: 0 lastOffset: 1 count: 2 baseSequence: 0 lastSequence: 1 producerId: 1000 producerEpoch: 0 "
                    + "partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: "
                    + "OptionalLong.empty position: 0 CreateTime: 1732156800000 size: "))
        #expect(line.hasSuffix("isvalid: true") && line.contains("magic: 2 compresscodec: none crc: "))
        let start = "CreateTime: 1732156800000"
        #expect(
            try Self.lines(batch, try PlainDecoder()) == [
                "| offset: 0 \(start) keySize: 1 valueSize: 5 sequence: 0 headerKeys: [] key: k payload: hello",
                "| offset: 1 \(start) keySize: -1 valueSize: 5 sequence: 1 headerKeys: [h1,h2] payload: world",
            ])
        #expect(
            try Self.lines(batch, try PlainDecoder(), skipsMetadata: true)
                == ["| key: k payload: hello", "| payload: world"])
    }

    @Test("Keys and values by the class of their decoder")
    func decoders() throws {
        let batch = try Self.batch(key: Bytes([0, 0, 0, 7]), value: Bytes([0, 0, 0, 0, 0, 0, 0, 9]))
        let decoder = try PlainDecoder(
            keyClass: "org.apache.kafka.tools.api.IntegerDecoder", valueClass: "kafka.serializer.LongDecoder")
        #expect(try Self.lines(batch, decoder, skipsMetadata: true) == ["| key: 7 payload: 9"])
        #expect(throws: ToolFailure.self) { try PlainDecoder(keyClass: "com.example.Mine") }
    }

    @Test("Records of the metadata log, with fields of their version and tagged ones that are not their default")
    func metadata() throws {
        var record = PartitionRecord()
        record.partitionID = PartitionIndex(1)
        record.replicas = [BrokerID(1), BrokerID(2)]
        record.leader = BrokerID(1)
        record.leaderEpoch = LeaderEpoch(0)
        record.partitionEpoch = PartitionEpoch(0)
        record.lastKnownElr = [BrokerID(3)]
        let value = Bytes([1, 3, 2] + record.encoded(version: 2).array)
        #expect(
            try Self.lines(try Self.batch(key: nil, value: value), MetadataDecoder(), skipsMetadata: true) == [
                #"| payload: {"type":"PARTITION_RECORD","version":2,"data":{"partitionId":1,"#
                    + #""topicId":"AAAAAAAAAAAAAAAAAAAAAA","replicas":[1,2],"isr":[],"removingReplicas":[],"#
                    + #""addingReplicas":[],"leader":1,"leaderEpoch":0,"partitionEpoch":0,"directories":[],"#
                    + #""lastKnownElr":[3]}}"#
            ])
        let unknown = try Self.lines(
            try Self.batch(key: nil, value: Bytes([1, 99, 0])), MetadataDecoder(), skipsMetadata: true)
        #expect(unknown == ["| payload: Error at 0, skipping. Unknown metadata id 99"])
        let damaged = try Self.lines(
            try Self.batch(key: nil, value: Bytes([1, 3, 2, 0])), MetadataDecoder(), skipsMetadata: true)
        #expect(damaged[0].hasPrefix("| payload: Error at 0, skipping. "))
    }

    @Test("Committed offsets, groups with their members' shares, and deletions")
    func groups() throws {
        var key = OffsetCommitKey()
        key.group = "g"
        key.topic = "t"
        var offset = OffsetCommitValue()
        offset.offset = Offset(5)
        offset.commitTimestamp = 9
        let keyText = #"key: {"type":"1","data":{"group":"g","topic":"t","partition":0}}"#
        let commit = try Self.batch(key: Self.versioned(1, key), value: Self.versioned(3, offset))
        #expect(
            try Self.lines(commit, CoordinatorDecoder(.groups), skipsMetadata: true) == [
                "| \(keyText) payload: "
                    + #"{"version":"3","data":{"offset":5,"leaderEpoch":-1,"metadata":"","commitTimestamp":9}}"#
            ])
        let deletion = try Self.batch(key: Self.versioned(1, key), value: nil)
        #expect(
            try Self.lines(deletion, CoordinatorDecoder(.groups), skipsMetadata: true)
                == ["| \(keyText) payload: <DELETE>"])
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["t"]
        var member = GroupMetadataValue.MemberMetadata()
        member.subscription = Self.versioned(0, subscription)
        member.assignment = Bytes([9])
        var group = GroupMetadataValue()
        group.protocolType = "consumer"
        group.members = [member]
        let groupBatch = try Self.batch(
            key: Self.versioned(2, GroupMetadataKey()), value: Self.versioned(0, group))
        let line = try Self.lines(groupBatch, CoordinatorDecoder(.groups), skipsMetadata: true)[0]
        #expect(line.contains(#""subscription":{"topics":["t"],"userData":null},"assignment":"CQ==""#))
    }

    @Test("What coordinators' logs hold and nobody can read is told by its offset")
    func unreadable() throws {
        let decoder = CoordinatorDecoder(.transactions)
        let unknown = try Self.lines(
            try Self.batch(key: Bytes([0, 9]), value: nil), decoder, skipsMetadata: true)
        #expect(unknown == ["| key: Unknown record type 9 at offset 0, skipping."])
        let noKey = try Self.lines(try Self.batch(key: nil, value: nil), decoder, skipsMetadata: true)
        #expect(noKey[0].hasPrefix("| key: Failed to decode message at offset 0"))
        let short = try Self.lines(try Self.batch(key: Bytes([0]), value: nil), decoder, skipsMetadata: true)
        #expect(short[0].hasPrefix("| key: Error at offset 0, skipping."))
    }

    @Test("Index entries; what was reserved and not written is left out")
    func indexes() {
        let offsets = IndexText.offsetEntries(
            Bytes([0, 0, 0, 28, 0, 0, 16, 73, 0, 0, 0, 0, 0, 0, 0, 0]), base: Offset(100))
        #expect(offsets.map(\.offset) == [Offset(128)] && offsets.map(\.position) == [4_169])
        let times = IndexText.timeEntries(
            Bytes([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3] + [UInt8](repeating: 0, count: 12)), base: Offset(100))
        #expect(times.map(\.timestamp) == [256] && times.map(\.offset) == [Offset(103)])
        #expect(DumpLogCommand.secondLine("00000000000000000042.log") == "Log starting offset: 42")
        #expect(DumpLogCommand.secondLine("bootstrap.checkpoint") == "KRaft bootstrap snapshot")
        #expect(
            DumpLogCommand.secondLine("00000000000000005214-0000000007.checkpoint")
                == "Snapshot end offset: 5214, epoch: 7")
    }

    @Test("An index of transactions that were given up")
    func transactions() {
        var writer = WireWriter()
        writer.int16(0)
        for number: Int64 in [1_000, 5, 9, 10] { writer.int64(number) }
        #expect(
            TransactionIndexText.lines(writer.finish())
                == ["version: 0 producerId: 1000 firstOffset: 5 lastOffset: 9 lastStableOffset: 10"])
    }

    @Test("What is found wrong is told at the end, file by file")
    func findings() {
        var findings = DumpFindings()
        findings.mismatches["/a.index"] = ["  Index offset: 28, log offset: 30"]
        findings.offsetsNotFound = ["Indexed offset: 5, found log offset: -1"]
        findings.nonConsecutive["/a.log"] = ["  5 is followed by 9"]
        #expect(
            findings.lines == [
                "Mismatches in :/a.index", "  Index offset: 28, log offset: 30",
                "The following indexed offsets are not found in the log.", "Indexed offset: 5, found log offset: -1",
                "Non-consecutive offsets in /a.log", "  5 is followed by 9",
            ])
    }
}
