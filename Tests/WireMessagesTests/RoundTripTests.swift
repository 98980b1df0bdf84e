import MessageForge
import Primitives
import Testing
import WireDefinitions
import WireMessages
import WireProtocol

@Suite("Every message at every version")
struct RoundTripTests {
    @Test("Generated types and definitions are the same in number and in versions")
    func catalog() throws {
        #expect(MessageCatalog.all.count == WireCatalog.all.count)
        for entry in MessageCatalog.all {
            let versions = entry.definition.versions
            #expect(entry.type.versions == Int16(versions.lowerBound)...Int16(versions.upperBound))
            #expect(entry.type.firstFlexible == entry.definition.firstFlexible.map(Int16.init) ?? .max)
        }
    }

    @Test("What a second encoder writes is read, and written again byte for byte", arguments: MessageCatalog.all)
    func roundTrip(entry: MessageCatalog.Entry) throws {
        for version in entry.definition.versions {
            for seed in 1...12 as ClosedRange<UInt64> {
                let source = DefinitionEncoder.encode(
                    entry.message, of: entry.definition, version: version, seed: seed)
                try expectStable(entry.type, Bytes(source), version: Int16(version))
            }
        }
    }

    private func expectStable<Message: WireMessage>(
        _ type: Message.Type, _ source: Bytes, version: Int16
    ) throws {
        let message = try Message.decode(source, version: version)
        #expect(message.encoded(version: version) == source, "\(type) version \(version)")
        #expect(try Message.decode(message.encoded(version: version), version: version) == message)
    }

    @Test("A message cut at any byte is refused, and so is one with a byte too many", arguments: MessageCatalog.all)
    func truncation(entry: MessageCatalog.Entry) {
        for version in entry.definition.versions {
            let source = DefinitionEncoder.encode(
                entry.message, of: entry.definition, version: version, seed: 5, elementsMax: 2)
            expectRefused(entry.type, source, version: Int16(version))
        }
    }

    private func expectRefused<Message: WireMessage>(_ type: Message.Type, _ source: [UInt8], version: Int16) {
        let bytes = Bytes(source)
        for length in 0..<source.count {
            do {
                _ = try Message.decode(bytes[0..<length], version: version)
                Issue.record("\(type) version \(version) accepts \(length) of \(source.count) bytes")
            } catch {}
        }
        do {
            _ = try Message.decode(Bytes(source + [0]), version: version)
            Issue.record("\(type) version \(version) accepts a byte too many")
        } catch { #expect(error == .trailingBytes(1)) }
    }

    @Test("Random changes never do more than throw", arguments: MessageCatalog.all)
    func mutations(entry: MessageCatalog.Entry) {
        var generator = SeededGenerator(seed: 11)
        for version in entry.definition.versions {
            let source = DefinitionEncoder.encode(
                entry.message, of: entry.definition, version: version, seed: 2)
            guard !source.isEmpty else { continue }
            for _ in 0..<60 {
                var bytes = source
                for _ in 0..<2 {
                    bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
                }
                readAndWrite(entry.type, Bytes(bytes), version: Int16(version))
            }
        }
    }

    /// What is accepted can be written again, and reads as the same message.
    private func readAndWrite<Message: WireMessage>(_ type: Message.Type, _ source: Bytes, version: Int16) {
        guard let message = try? Message.decode(source, version: version) else { return }
        let again = try? Message.decode(message.encoded(version: version), version: version)
        // A double may have become one that differs from itself.
        if Message.self != ClientQuotaRecord.self, Message.self != AlterClientQuotasRequest.self,
            Message.self != DescribeClientQuotasResponse.self
        {
            #expect(again == message, "\(type) version \(version)")
        }
    }

    @Test("Versions outside the range are refused")
    func versions() {
        #expect(throws: WireError.unsupportedVersion(message: "FetchRequest", version: 3)) {
            try FetchRequest.decode(.empty, version: 3)
        }
        #expect(throws: WireError.unsupportedVersion(message: "FetchRequest", version: 19)) {
            try FetchRequest.decode(.empty, version: 19)
        }
    }

    @Test("A response drops what the client's version has no place for")
    func responsesDrop() throws {
        var response = FetchResponse()
        response.sessionID = 5
        let read = try FetchResponse.decode(response.encoded(version: 4), version: 4)
        #expect(read.sessionID == 0)
    }

    @Test("Record batches can travel beside their message")
    func recordsBeside() throws {
        var response = FetchResponse()
        var topic = FetchResponse.FetchableTopicResponse()
        topic.topic = "t"
        let records = [Bytes(Array(repeating: 1, count: 300)), Bytes([2, 2])]
        topic.partitions = records.map { records in
            var partition = FetchResponse.PartitionData()
            partition.records = records
            return partition
        }
        response.responses = [topic]
        for version in FetchResponse.versions {
            let whole = response.encoded(version: version)
            let split = response.encoded(version: version, recordsBeside: records.map(\.count))
            var joined: [UInt8] = []
            var done = 0
            for (cut, piece) in zip(split.cuts, records) {
                joined += split.bytes[done..<cut].array + piece.array
                done = cut
            }
            joined += split.bytes[done..<split.bytes.count].array
            #expect(Bytes(joined) == whole, "version \(version)")
        }
    }
}

@Suite("The table of APIs")
struct WireAPITests {
    @Test("Every API is found by its key; removed ones are not there")
    func table() {
        #expect(WireAPI.all.count == 89)
        for api in WireAPI.all { #expect(WireAPI.of(api.key) == api) }
        for key in 4...7 as ClosedRange<Int16> { #expect(WireAPI.of(APIKey(key)) == nil) }
        #expect(WireAPI.of(APIKey(-1)) == nil)
        #expect(WireAPI.of(APIKey(93)) == nil)
    }

    @Test("A version that is not settled is not offered")
    func unstable() {
        let api = WireAPI.of(.initProducerID)
        #expect(api?.versions == 0...6)
        #expect(api?.stableVersions == 0...5)
    }

    @Test("A whole request frame is read with the table alone")
    func frame() throws {
        var request = MetadataRequest()
        request.topics = nil
        let frame = WireFrame.request(request, version: 12, correlationID: CorrelationID(3), clientID: "c")
        #expect(Int(frame.bigEndian(Int32.self, at: 0)) == frame.count - 4)
        let body = frame[4..<frame.count]
        var reader = WireReader(body)
        let header = try RequestHeader(from: &reader)
        #expect(header.key == .metadata)
        #expect(header.clientID == "c")
        #expect(try MetadataRequest(from: &reader, version: header.version) == request)
        try reader.finish()
    }
}
