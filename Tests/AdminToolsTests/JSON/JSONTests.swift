import AdminTools
import Testing

@Suite("JSON that tools read and print")
struct JSONTests {
    @Test("A document comes back as it was written, members in their order")
    func roundTrip() throws {
        let text = #"{"b":[1,-2,{"x":null}],"a":"\"\\\n\u0001é😀","t":true,"d":1.5,"big":9223372036854775807}"#
        #expect(try JSONReader.parse(Array(text.utf8)).description == text)
        #expect(try JSONReader.parse(Array(#" "\u00e9\ud83d\ude00" "#.utf8)) == "é😀")
    }

    @Test(
        "What is no JSON is refused with its place",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,}", "nul", "01", "1.", "\"\\x\"", "\"\\ud800\"", "\"a", "[1] 2", "{\"a\" 1}",
            "\"\u{1}\"", "-", "+1",
        ])
    func refused(_ text: String) {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.parse(Array(text.utf8)) }
    }

    @Test("Deep nesting is refused before the stack is")
    func depth() {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect { try JSONReader.parse(deep) } throws: { "\($0)".hasPrefix("More than 64 levels") }
    }

    @Test("A table's rows become objects with names from its titles")
    func table() {
        var table = PaddedTable([
            .init("GROUP", .atLeast(5)), .init("CURRENT-OFFSET", .fixed(15)), .init("#MEMBERS", .free, key: "members"),
        ])
        table.append(["g", "-", "2"])
        table.append(cells: ["h", 120, 1])
        #expect(table.lines[1] == "g     -               2")
        #expect(
            table.json.description
                == #"[{"group":"g","currentOffset":null,"members":"2"},{"group":"h","currentOffset":120,"members":1}]"#)
        var tabbed = TabbedTable(["NodeId", "LogEndOffset"])
        tabbed.append(cells: [1, nil])
        #expect(tabbed.lines == ["NodeId\tLogEndOffset\t", "1     \tNone        \t"])
        #expect(tabbed.json.description == #"[{"nodeId":1,"logEndOffset":null}]"#)
    }
}
