import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Frame of a metadata record")
struct RecordFrameTests {
    @Test("Every record survives the way through its frame", arguments: Samples.cluster)
    func roundTrip(_ record: MetadataRecord) throws {
        #expect(try MetadataRecordFrame.decode(MetadataRecordFrame.encode(record)) == record)
    }

    @Test("A topic record has the bytes that Kafka writes")
    func topicBytes() {
        let encoded = MetadataRecordFrame.encode(Samples.topic("ab", TopicID(high: 0, low: 258)))
        let id: [UInt8] = Array(repeating: 0, count: 14) + [1, 2]
        #expect(encoded.array == [1, 2, 0, 3, 0x61, 0x62] + id + [0])
    }

    @Test("A record of an unknown kind is refused by number, not skipped")
    func unknownKind() {
        #expect(throws: MetadataError.unknownRecord(key: 99, version: 0)) {
            try MetadataRecordFrame.decode(Bytes([1, 99, 0]))
        }
    }

    @Test("A record of an unknown version is refused")
    func unknownVersion() {
        #expect(throws: MetadataError.unknownRecord(key: 2, version: 9)) {
            try MetadataRecordFrame.decode(Bytes([1, 2, 9]))
        }
    }

    @Test("Another frame version is refused")
    func frameVersion() {
        #expect(throws: MetadataError.unknownFrameVersion(2)) { try MetadataRecordFrame.decode(Bytes([2, 2, 0])) }
    }

    @Test("A record that ends anywhere too early is refused", arguments: Samples.cluster)
    func truncated(_ record: MetadataRecord) {
        let whole = MetadataRecordFrame.encode(record)
        for count in 0..<whole.count {
            #expect(throws: MetadataError.self) { try MetadataRecordFrame.decode(whole[0..<count]) }
        }
    }
}
