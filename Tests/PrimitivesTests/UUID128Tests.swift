import Primitives
import Testing

@Suite("128-bit ids")
struct UUID128Tests {
    @Test("Text and id are the same, as Kafka writes them")
    func text() {
        // Kafka's own: the id of the metadata topic, and one that any tool prints.
        #expect(UUID128.metadataTopic.description == "AAAAAAAAAAAAAAAAAAAAAQ")
        #expect(UUID128("AAAAAAAAAAAAAAAAAAAAAQ") == .metadataTopic)
        #expect(UUID128(high: .max, low: .max).description == "_____________________w")
    }

    @Test("What is drawn can be written and read, and never starts like an option")
    func random() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let id = UUID128.random(using: &generator)
            #expect(UUID128(id.description) == id)
            #expect(id.description.first != "-")
            #expect(id.high >> 12 & 0xF == 4)
        }
    }

    @Test("Other texts are refused", arguments: ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAQQ"])
    func refused(text: String) { #expect(UUID128(text) == nil) }
}
