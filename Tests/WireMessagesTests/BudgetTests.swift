import MessageForge
import Primitives
import Testing
import WireDefinitions
import WireMessages
import WireProtocol

@Suite("Messages that would take more memory than they are worth")
struct BudgetTests {
    @Test("A million empty names stay within the factor; with half of it they are refused")
    func oneByteElements() throws {
        let count = 1_000_000
        var writer = WireWriter()
        writer.unsignedVarint(UInt32(count + 1))
        let source = Bytes(writer.finish().array + Array(repeating: 1, count: count) + [0])
        #expect(try DeleteGroupsRequest.decode(source, version: 2).groupsNames.count == count)
        var reader = WireReader(source, budget: WireReader.budgetFactor / 2 * source.count)
        do {
            _ = try DeleteGroupsRequest(from: &reader, version: 2)
            Issue.record("accepted")
        } catch {
            guard case .budgetExceeded = error else { Issue.record("\(error)"); return }
        }
    }

    @Test("Arrays in arrays in arrays are charged at each depth")
    func nested() {
        // StreamsGroupHeartbeat: a topology of empty subtopologies, eight bytes each.
        let count = 200_000
        var writer = WireWriter()
        writer.isFlexible = true
        writer.string("g")
        writer.string("m")
        writer.int32(0)
        writer.int32(0)
        for _ in 0..<2 { writer.nullableString(nil) }
        writer.int32(1)
        writer.int8(1)
        writer.int32(0)
        writer.unsignedVarint(UInt32(count + 1))
        let head = writer.finish().array
        let source = Bytes(head + Array(repeatElement([1, 1, 1, 1, 1, 1, 1, 0], count: count).joined()))
        var reader = WireReader(source, budget: 4 * source.count)
        do {
            _ = try StreamsGroupHeartbeatRequest(from: &reader, version: 0)
            Issue.record("accepted")
        } catch {
            guard case .budgetExceeded = error else { Issue.record("\(error)"); return }
        }
    }

    @Test("Lengths of arrays that lie are refused", arguments: [Int32.max, -2, 1_000_000])
    func lyingCounts(count: Int32) {
        var writer = WireWriter()
        writer.int32(count)
        writer.raw(Bytes(Array(repeating: 0, count: 100)))
        let bytes = writer.finish()
        #expect(throws: WireError.self) { try MetadataRequest.decode(bytes, version: 1) }
    }

    @Test("Real requests of large clusters stay far within the budget", arguments: MessageCatalog.all)
    func realistic(entry: MessageCatalog.Entry) throws {
        for version in entry.definition.versions {
            for seed in 1...3 as ClosedRange<UInt64> {
                let source = Bytes(
                    DefinitionEncoder.encode(
                        entry.message, of: entry.definition, version: version, seed: seed, elementsMax: 6))
                try expectWithinBudget(entry.type, source, version: Int16(version))
            }
        }
    }

    /// The floor is left out: only the factor may be used.
    private func expectWithinBudget<Message: WireMessage>(
        _ type: Message.Type, _ source: Bytes, version: Int16
    ) throws {
        guard source.count > 200 else { return }
        var reader = WireReader(source, budget: WireReader.budgetFactor * source.count)
        let message = try Message(from: &reader, version: version)
        try reader.finish()
        #expect(message.encoded(version: version) == source)
    }
}

@Suite("Records of the metadata log")
struct MetadataRecordTests {
    @Test("The bytes of a topic, worked out by hand from the format")
    func topic() throws {
        var record = TopicRecord()
        record.name = "saz"
        record.topicID = UUID128(high: 0x4000, low: 0x8000_0000_0000_0091)
        let wanted: [UInt8] = [4, 0x73, 0x61, 0x7A, 0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x91, 0]
        #expect(record.encoded(version: 0).array == wanted)
        #expect(TopicRecord.recordKey == 2)
    }

    @Test("A change of a partition holds only what changes, each with its tag")
    func partitionChange() throws {
        var record = PartitionChangeRecord()
        record.partitionID = PartitionIndex(1)
        record.isr = [BrokerID(2)]
        record.leader = BrokerID(2)
        var wanted: [UInt8] = [0, 0, 0, 1] + Array(repeating: 0, count: 16)
        // Two tagged fields: 0 with five bytes (one element), 1 with four.
        wanted += [2, 0, 5, 2, 0, 0, 0, 2, 1, 4, 0, 0, 0, 2]
        #expect(record.encoded(version: 2).array == wanted)
        #expect(try PartitionChangeRecord.decode(Bytes(wanted), version: 2) == record)
    }

    @Test("Keys of records are those of the metadata log, each once")
    func keys() {
        let keys = MessageCatalog.all.compactMap { entry -> Int? in
            if case .metadata(let key) = entry.definition.kind { key } else { nil }
        }
        #expect(keys.count == 26)
        #expect(Set(keys).count == keys.count)
        #expect(ClearElrRecord.recordKey == 28)
    }
}
