import AdminTools
import ClientCore
import MartletClient
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("How the console consumer prints records")
struct FormatterTests {
    private static func record(key: Bytes?, value: Bytes?, headers: [FetchedRecord.Header] = []) -> ConsumedRecord {
        ConsumedRecord(
            FetchedRecord(
                place: TopicPartition("t", PartitionIndex(3)), offset: Offset(5), leaderEpoch: LeaderEpoch(0),
                timestamp: Timestamp(1_732_156_800_000), isTimestampOfAppend: false, key: key, value: value,
                headers: headers))
    }

    private static func text(_ formatter: some RecordFormatter, _ record: ConsumedRecord) throws -> String {
        var output: [UInt8] = []
        try formatter.write(record, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    private static func formatter(_ lines: String...) throws -> RecordText {
        var properties = ClientProperties()
        for line in lines { try properties.set(line) }
        return try RecordText(properties)
    }

    @Test("A record with everything shown, and with nothing but its value")
    func everything() throws {
        let record = Self.record(
            key: Bytes(utf8: "k"), value: nil, headers: [FetchedRecord.Header(key: "k1", value: Bytes(utf8: "v1"))])
        let all = try Self.formatter(
            "print.timestamp=true", "print.partition=true", "print.offset=true", "print.delivery=true",
            "print.epoch=true", "print.headers=true", "print.key=true", "unknown=1")
        #expect(
            try Self.text(all, record)
                == "CreateTime:1732156800000\tPartition:3\tOffset:5\tDelivery:NOT_PRESENT\tEpoch:0\tk1:v1\tk\tnull\n")
        #expect(try Self.text(RecordText(), record) == "null\n")
        #expect(try Self.text(try Self.formatter("print.value=false"), record).isEmpty)
        #expect(
            try Self.text(try Self.formatter("print.key=true", "key.separator= = ", "null.literal=NIL"), record)
                == "k = NIL\n")
    }

    @Test("Keys and values by the class of their deserializer")
    func deserializers() throws {
        let package = "org.apache.kafka.common.serialization."
        let cases: [(String, [UInt8], String)] = [
            ("IntegerDeserializer", [255, 255, 255, 254], "-2"), ("ShortDeserializer", [1, 0], "256"),
            ("LongDeserializer", [0, 0, 0, 0, 0, 0, 0, 9], "9"), ("FloatDeserializer", [0x3f, 0xc0, 0, 0], "1.5"),
            ("DoubleDeserializer", [0x41, 0x63, 0x12, 0xd0, 0, 0, 0, 0], "1.0E7"), ("BooleanDeserializer", [1], "true"),
            ("BytesDeserializer", [0x41, 0, 0x5c], "A\\x00\\x5C"), ("StringDeserializer", [0x41], "A"),
        ]
        for (name, bytes, text) in cases {
            let formatter = try Self.formatter("value.deserializer=\(package)\(name)")
            #expect(try Self.text(formatter, Self.record(key: nil, value: Bytes(bytes))) == text + "\n", "\(name)")
        }
        let integers = try Self.formatter("value.deserializer=\(package)IntegerDeserializer")
        #expect(throws: ToolFailure.self) { try Self.text(integers, Self.record(key: nil, value: Bytes([1]))) }
        #expect(throws: ToolFailure.self) { try Self.formatter("value.deserializer=com.example.Mine") }
    }

    @Test("The log says what was printed")
    func logging() {
        let record = Self.record(key: nil, value: Bytes(utf8: "v"))
        #expect(LoggingFormatter.line(of: record) == "INFO CreateTime:1732156800000, key:null value:v")
    }

    @Test("Committed offsets as JSON; other records of the log are left out")
    func offsets() throws {
        var key = OffsetCommitKey()
        key.group = "g"
        key.topic = "t"
        let value = Bytes([0, 3] + OffsetCommitValue().encoded(version: 3).array)
        let commit = Self.record(key: Bytes([0, 1] + key.encoded(version: 1).array), value: value)
        #expect(
            try Self.text(CoordinatorFormatter(.offsets), commit)
                == #"{"key":{"type":1,"data":{"group":"g","topic":"t","partition":0}},"#
                + #""value":{"version":3,"data":{"offset":0,"leaderEpoch":-1,"metadata":"","commitTimestamp":0}}}"#
                + "\n")
        #expect(try Self.text(CoordinatorFormatter(.groupMetadata), commit).isEmpty)
        #expect(try Self.text(CoordinatorFormatter(.offsets), Self.record(key: nil, value: value)).isEmpty)
        let deleted = Self.record(key: Bytes([0, 1] + key.encoded(version: 1).array), value: nil)
        #expect(try Self.text(CoordinatorFormatter(.offsets), deleted).hasSuffix("\"value\":null}\n"))
    }
}
