import Metadata
import Primitives
import Testing
import WireMessages

@testable import Simulator

@Suite("INV-10, applied metadata is a prefix of what is committed")
struct MetadataIsPrefixTests {
    private func image(upTo end: Int64, topic: String? = nil) throws -> MetadataImage {
        var records: [MetadataRecord] = []
        if let topic {
            var generator = SeededGenerator(seed: 1)
            var record = TopicRecord()
            record.name = topic
            record.topicID = TopicID.random(using: &generator)
            records = [.topic(record)]
        }
        return try MetadataImage(
            records: records, provenance: MetadataImage.Provenance(end: Offset(end), epoch: LeaderEpoch(1)))
    }

    @Test("as much as is committed may be applied, by several nodes the same")
    func same() throws {
        var rule = MetadataIsPrefix()
        #expect(rule.violation(try image(upTo: 5), of: 1, committed: Offset(5)) == nil)
        #expect(rule.violation(try image(upTo: 5), of: 2, committed: Offset(9)) == nil)
    }

    @Test("more than is committed may not")
    func beyond() throws {
        var rule = MetadataIsPrefix()
        let reason = rule.violation(try image(upTo: 6), of: 1, committed: Offset(5))
        #expect(reason == "INV-10: node 1 applied metadata up to 6, 5 is committed")
    }

    @Test("two nodes that applied as much have the same")
    func other() throws {
        var rule = MetadataIsPrefix()
        #expect(rule.violation(try image(upTo: 5), of: 1, committed: Offset(5)) == nil)
        let reason = rule.violation(try image(upTo: 5, topic: "orders"), of: 2, committed: Offset(5))
        #expect(reason == "INV-10: node 2 applied other metadata up to 5 than another node")
    }
}
