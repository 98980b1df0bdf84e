import Primitives
import Testing
import WireMessages
import WireProtocol

/// Case A9: what a producer may not write, each beside a client that goes on.
@Suite("Bad batches are refused by name and leave nothing behind", .serialized)
struct BadBatchTests {
    private typealias Position = RecordBatchHeader.Position

    private static func bad() -> [(String, Bytes?, ErrorCode)] {
        let plain = Batches.plain()
        let wrongChecksum = Batches.plain()
        wrongChecksum.patch(UInt32(7), at: Position.checksum)
        let old = [UInt8](repeating: 0, count: 34)
        let oldV1 = old[..<16] + [1] + old[17...]
        return [
            ("no records", nil, .invalidRecord),
            ("empty records", .empty, .invalidRecord),
            ("wrong checksum", wrongChecksum, .corruptMessage),
            ("cut in its header", plain[0..<40], .corruptMessage),
            ("cut in its records", plain[0..<plain.count - 1], .corruptMessage),
            ("length below a header", Batches.with(Int32(48), at: Position.length), .corruptMessage),
            ("length below zero", Batches.with(Int32(-1), at: Position.length), .corruptMessage),
            ("length beyond the bytes", Batches.with(Int32.max, at: Position.length), .corruptMessage),
            ("bytes behind the batch", Bytes(plain.array + [0]), .invalidRecord),
            ("two batches", Bytes(plain.array + plain.array), .invalidRecord),
            ("magic 0", Batches.with(Int8(0), at: Position.magic), .unsupportedForMessageFormat),
            ("magic 1", Batches.with(Int8(1), at: Position.magic), .unsupportedForMessageFormat),
            ("magic 3", Batches.with(Int8(3), at: Position.magic), .corruptMessage),
            ("a whole message of format 0", Bytes(old), .unsupportedForMessageFormat),
            ("a whole message of format 1", Bytes(Array(oldV1)), .unsupportedForMessageFormat),
            ("base offset 5", Batches.with(Int64(5), at: 0), .invalidRecord),
            ("base offset −1", Batches.with(Int64(-1), at: 0), .invalidRecord),
            ("last delta −1", Batches.with(Int32(-1), at: Position.lastOffsetDelta), .invalidRecord),
            ("last delta too small", Batches.with(Int32(0), at: Position.lastOffsetDelta), .invalidRecord),
            ("last delta too great", Batches.with(Int32.max, at: Position.lastOffsetDelta), .invalidRecord),
            ("no record counted", Batches.with(Int32(0), at: Position.recordCount), .invalidRecord),
            ("fewer than no record", Batches.with(Int32.min, at: Position.recordCount), .invalidRecord),
            ("too many counted", Batches.with(Int32.max, at: Position.recordCount), .invalidRecord),
            ("more counted than there are bytes for", Batches.claiming(1_000), .invalidRecord),
            ("all offsets there are", Batches.claiming(.max), .invalidRecord),
            ("control batch", Batches.with(Int16(0x20), at: Position.attributes), .invalidRecord),
            ("transactional without a producer", Batches.with(Int16(0x10), at: Position.attributes), .invalidRecord),
            ("delete horizon", Batches.with(Int16(0x40), at: Position.attributes), .invalidRecord),
            ("reserved bit", Batches.with(Int16(0x80), at: Position.attributes), .invalidRecord),
            ("all bits", Batches.with(Int16(-1), at: Position.attributes), .invalidRecord),
            ("broker's timestamps", Batches.with(Int16(8), at: Position.attributes), .invalidTimestamp),
            ("codec 5", Batches.with(Int16(5), at: Position.attributes), .unsupportedCompressionType),
            ("producer without epoch and sequence", Batches.with(Int64(9), at: Position.producerID), .invalidRecord),
            (
                "sequence below zero",
                Batches.plain(producer: BatchProducer(id: ProducerID(9), epoch: ProducerEpoch(0), baseSequence: -2)),
                .invalidRecord
            ),
            (
                "producer epoch below zero",
                Batches.plain(producer: BatchProducer(id: ProducerID(9), epoch: ProducerEpoch(-2), baseSequence: 0)),
                .invalidRecord
            ),
            ("a week ahead", at(Batches.now.value + 7 * 86_400_000), .invalidTimestamp),
            ("at the end of time", at(.max), .invalidTimestamp),
        ]
    }

    /// A batch whose timestamps all are `milliseconds`.
    private static func at(_ milliseconds: Int64) -> Bytes {
        var builder = RecordBatchBuilder()
        builder.append(timestamp: Timestamp(milliseconds), key: nil, value: Bytes([1]))
        return builder.finish()
    }

    @Test("A9: each wrong batch gets its error, at every acks, and none of it is in the log")
    func refused() throws {
        let node = try WholeNode()
        let good = try GoodTraffic(port: node.port)
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("bad") == .noError)
        #expect(try client.produce(Batches.plain(), to: "bad")?.errorCode == .noError)
        let before = try client.fetchAll("bad")
        for (name, records, expected) in BadBatchTests.bad() {
            for acks in [-1, 1] as [Int16] {
                let answer = try client.produce(records, to: "bad", acks: acks)
                #expect(answer?.errorCode == expected, "\(name), acks=\(acks)")
                #expect(answer?.baseOffset == Offset(-1), "\(name)")
            }
            // Nobody would read the error: the connection ends instead.
            let silent = RawClient(port: node.port)
            #expect(try silent.produce(records, to: "bad", acks: 0) == nil, "\(name), acks=0")
        }
        #expect(try client.fetchAll("bad").array == before.array)
        good.expectUnharmed()
        try node.stop()
    }

    @Test("A9: a garbage leader epoch is overwritten, and acks that mean nothing are refused")
    func leaderEpochAndAcks() throws {
        let node = try WholeNode()
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("epochs") == .noError)
        let batch = Batches.with(Int32(1_234_567), at: Position.leaderEpoch)
        #expect(try client.produce(batch, to: "epochs")?.baseOffset == .zero)
        let stored = try RecordBatch(try client.fetchAll("epochs"))
        #expect(stored.header.leaderEpoch == LeaderEpoch(0))
        for acks in [2, -2, .max, .min] as [Int16] {
            #expect(try client.produce(Batches.plain(), to: "epochs", acks: acks)?.errorCode == .invalidRequiredAcks)
        }
        try node.stop()
    }

    @Test("A9: a batch above max.message.bytes is refused before it is written")
    func tooLarge() throws {
        let node = try WholeNode()
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("large") == .noError)
        var builder = RecordBatchBuilder()
        builder.append(timestamp: Batches.now, key: nil, value: Bytes([UInt8](repeating: 0, count: 2 << 20)))
        #expect(try client.produce(builder.finish(), to: "large")?.errorCode == .messageTooLarge)
        #expect(try client.produce(Batches.plain(), to: "large")?.baseOffset == .zero)
        try node.stop()
    }
}
