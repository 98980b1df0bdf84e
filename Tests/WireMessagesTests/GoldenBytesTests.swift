import Foundation
import MessageForge
import Primitives
import Testing
import WireDefinitions
import WireMessages
import WireProtocol

@Suite("Bytes that Kafka's own classes wrote")
struct GoldenBytesTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let type: any WireMessage.Type
        let version: Int16
        let bytes: Bytes

        var testDescription: String { "\(type) version \(version)" }
    }

    /// The lines of a golden file; nil for a message that has no type.
    static func samples(_ file: String) -> [String: [Sample]] {
        let types = Dictionary(uniqueKeysWithValues: WireCatalog.all.map { ("\($0)", $0) })
        let path = MessageCatalog.root + "/Tests/WireMessagesTests/Golden/" + file
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        var found: [String: [Sample]] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, let type = types[String(words[0])], let version = Int16(words[1]) else {
                found["?\(line)"] = []
                continue
            }
            let digits = Array(words[2].utf8).map { $0 <= 57 ? $0 - 48 : $0 - 87 }
            let bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
            found[String(words[0]), default: []].append(Sample(type: type, version: version, bytes: Bytes(bytes)))
        }
        return found
    }

    static let clients = samples("kafka-clients-4.3.0.txt")

    @Test("Every request and response of Kafka 4.3.0 is among them, at every version")
    func complete() {
        #expect(GoldenBytesTests.clients.keys.filter { $0.hasPrefix("?") } == [])
        for entry in MessageCatalog.all {
            guard case .api = entry.definition.kind else { continue }
            let versions = Set((GoldenBytesTests.clients[entry.message.name] ?? []).map(\.version))
            #expect(versions == Set(entry.type.versions), "\(entry.message.name)")
        }
    }

    @Test("They are read, and written again byte for byte", arguments: clients.keys.sorted())
    func same(name: String) throws {
        for sample in GoldenBytesTests.clients[name] ?? [] { try expectSame(sample.type, sample) }
    }

    private func expectSame<Message: WireMessage>(_ type: Message.Type, _ sample: Sample) throws {
        let message = try Message.decode(sample.bytes, version: sample.version)
        #expect(message.encoded(version: sample.version) == sample.bytes, "\(type) version \(sample.version)")
    }

    @Test("Each value lands in the field of its name")
    func fields() throws {
        let sample = try #require(GoldenBytesTests.clients["FetchRequest"]?.first { $0.version == 18 })
        let request = try FetchRequest.decode(sample.bytes, version: 18)
        let partition = try #require(request.topics.first?.partitions.first)
        // The program counts up by one in each field, plus 70,000 in 32 bits and 5,000,000,000 in 64.
        #expect(request.minBytes == request.maxWaitMilliseconds + 1)
        #expect(request.maxBytes == request.minBytes + 1)
        #expect(request.sessionEpoch == request.sessionID + 1)
        #expect(Int64(partition.currentLeaderEpoch.value) - 70_000 == Int64(partition.partition.value) - 70_000 + 1)
        #expect(partition.fetchOffset.value - 5_000_000_000 == Int64(partition.currentLeaderEpoch.value) - 70_000 + 1)
        #expect(partition.logStartOffset.value - partition.fetchOffset.value == 2)
        #expect(request.forgottenTopicsData.first?.partitions.count == 1)
    }
}
