import AdminTools
import ClientCore
import MartletClient
import Primitives
import Testing

@Suite("What delete-records reads and prints")
struct DeleteRecordsTests {
    private static func failure(_ text: String) -> String? {
        do {
            _ = try RecordDeletions.parse(Array(text.utf8))
            return nil
        } catch { return error.description }
    }

    @Test("The offsets of a JSON file")
    func parse() throws {
        let text = #"{"partitions":[{"topic":"a","partition":1,"offset":100},{"topic":"a","partition":2,"offset":-1}]}"#
        let wanted = try RecordDeletions.parse(Array(text.utf8))
        #expect(wanted[TopicPartition("a", PartitionIndex(1))] == Offset(100))
        #expect(wanted[TopicPartition("a", PartitionIndex(2))] == Offset(-1))
    }

    @Test("What is wrong with a file is said")
    func refused() {
        #expect(Self.failure("{")?.hasPrefix("The input string is not a valid JSON") == true)
        #expect(Self.failure(#"{"version":2,"partitions":[]}"#) == "Not supported version field value 2")
        #expect(Self.failure("{}") == "Missing partitions field")
        let entry = #"{"topic":"a","partition":1,"offset":1}"#
        #expect(
            Self.failure("{\"partitions\":[\(entry),\(entry)]}")
                == "Offset json file contains duplicate topic partitions: a-1")
        #expect(Self.failure(#"{"partitions":[{"topic":"a"}]}"#) != nil)
    }

    @Test("One line or object for each partition, sorted")
    func results() {
        let results: [TopicPartition: Result<Offset, ClientError>] = [
            TopicPartition("foo", PartitionIndex(2)): .failure(
                ClientError(code: .offsetOutOfRange, message: "too far")),
            TopicPartition("foo", PartitionIndex(1)): .success(Offset(100)),
        ]
        let lines = RecordDeletions.lines(results)
        #expect(lines[0] == "partition: foo-1\tlow_watermark: 100")
        #expect(
            lines[1] == "partition: foo-2\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: too far")
        #expect(
            RecordDeletions.json(results).description
                == #"[{"topic":"foo","partition":1,"lowWatermark":100,"error":null},"#
                + #"{"topic":"foo","partition":2,"lowWatermark":null,"error":"too far"}]"#)
    }
}
