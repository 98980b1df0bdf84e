import AdminTools
import ClientCore
import MartletClient
import Primitives
import Testing

@Suite("Which offsets get-offsets asks for")
struct GetOffsetsTests {
    private static func chosen(_ filter: PlaceFilter) -> [String] {
        ["a", "ab"].flatMap { topic in
            (0..<4).filter { filter.matches(TopicPartition(topic, PartitionIndex($0))) }.map { "\(topic)\($0)" }
        }
    }

    @Test("Rules of topics and partitions, divided by commas")
    func rules() throws {
        #expect(Self.chosen(try PlaceFilter(rules: "a:1")) == ["a1"])
        #expect(Self.chosen(try PlaceFilter(rules: "a.*:1-3")) == ["a1", "a2", "ab1", "ab2"])
        #expect(Self.chosen(try PlaceFilter(rules: "ab:-1,a:3-")) == ["a3", "ab0"])
        #expect(Self.chosen(try PlaceFilter(rules: ":0")) == ["a0", "ab0"])
        #expect(Self.chosen(try PlaceFilter(rules: "a")).count == 4)
        #expect(throws: ClientError.self) { try PlaceFilter(rules: "a:x") }
    }

    @Test("A topic and a list of partitions")
    func lists() throws {
        #expect(Self.chosen(try PlaceFilter(topics: "a", partitions: "0,3")) == ["a0", "a3"])
        #expect(Self.chosen(try PlaceFilter(topics: nil, partitions: nil)).count == 8)
        #expect {
            try PlaceFilter(topics: nil, partitions: "0,x")
        } throws: {
            "\($0)" == "--partitions expects a comma separated list of numeric partition ids, but received: 0,x"
        }
    }

    @Test("Times by their names and numbers")
    func times() throws {
        #expect(try OffsetTime.timestamp("latest") == .latest && OffsetTime.timestamp("-2") == .earliest)
        #expect(try OffsetTime.timestamp("max-timestamp") == .latestTime && OffsetTime.timestamp("-5") == .latestTiered)
        #expect(try OffsetTime.timestamp("1732156800000") == .at(Timestamp(1_732_156_800_000)))
        #expect(throws: ClientError.self) { try OffsetTime.timestamp("yesterday") }
    }
}
