import Histories
import Primitives
import Testing

@Suite("The text of a history")
struct FormatTests {
    private static let events = [
        HistoryEvent(timeMicroseconds: 0, process: 1, .ok, .assign, [.key("orders-0"), .key("a.b_c-1")]),
        HistoryEvent(
            timeMicroseconds: 5, process: 2, .invoke, .send,
            [.write(key: "orders-0", value: 17, .asOperation), .write(key: "orders-0", value: -18, .asOperation)]),
        HistoryEvent(timeMicroseconds: 5, process: 1, .invoke, .poll),
        HistoryEvent(
            timeMicroseconds: 9, process: 2, .unknown, .send,
            [
                .write(key: "orders-0", value: 17, .acknowledged(at: Offset(5))),
                .write(key: "orders-0", value: -18, .failed),
            ]),
        HistoryEvent(
            timeMicroseconds: 12, process: 1, .ok, .poll, [.read(key: "orders-0", value: 17, at: Offset(5))]),
        HistoryEvent(timeMicroseconds: 13, process: 2, .ok, .crash),
        HistoryEvent(timeMicroseconds: 14, process: 1, .ok, .drain, [.key("orders-0")]),
    ]

    private static func text(_ events: [HistoryEvent]) -> String {
        var writer = HistoryWriter()
        for event in events { writer.write(event) }
        return String(decoding: writer.take(), as: UTF8.self)
    }

    @Test("What is written is as the page about it says")
    func written() {
        #expect(
            FormatTests.text(FormatTests.events) == """
                martlet-history 1
                0 1 ok assign orders-0 a.b_c-1
                5 2 invoke send w:orders-0:17 w:orders-0:-18
                5 1 invoke poll
                9 2 unknown send w:orders-0:17@5 w:orders-0:-18!
                12 1 ok poll r:orders-0:17@5
                13 2 ok crash
                14 1 ok drain orders-0

                """)
    }

    @Test("It is read in pieces of any size, with comments, empty lines and foreign ends of lines")
    func pieces() throws {
        var writer = HistoryWriter()
        writer.writeComment("load\nfault")
        for event in FormatTests.events { writer.write(event) }
        let text = String(decoding: writer.take(), as: UTF8.self).replacing("\n", with: "\r\n") + "\r\n"
        let bytes = Array(text.utf8)
        for size in [1, 7, 1_000] {
            var reader = HistoryReader()
            for start in stride(from: 0, to: bytes.count, by: size) {
                try reader.feed(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            let history = try reader.finish()
            #expect(history.operationCount == 5)
            #expect(history.keys == ["orders-0", "a.b_c-1"])
        }
    }

    @Test(
        "An error names its line and a remedy",
        arguments: [
            ("", "line 1: this is no history"),
            ("history\n", "line 1: this is no history"),
            ("x 1 ok crash", "line 2: `x` is not the time"),
            ("1", "line 2: the number of the process is missing"),
            ("1 -1 ok crash", "line 2: -1 is no number of a process"),
            ("1 1 done crash", "line 2: `done` is no phase"),
            ("1 1 ok read", "line 2: `read` is no kind"),
            ("1 1 invoke send w:a:b", "line 2: `w:a:b` is no item"),
            ("1 1 invoke send w:a", "line 2: `w:a` is no item"),
            ("1 1 invoke send q:a:1", "line 2: `q:a:1` is no item"),
            ("1 1 invoke poll r:a:1", "line 2: `r:a:1` is no item"),
            ("1 1 invoke send w:a:9999999999999999999", "line 2: `w:a:9999999999999999999` is no item"),
            ("1 1 ok assign a!", "line 2: `a!` is no item"),
            ("1 1 invoke send a", "line 2: the key a has no place in a send"),
            ("1 1 invoke poll w:a:1", "line 2: w:a:1 has no place in a poll"),
            ("1 1 invoke send w:a:1@3", "line 2: an invoke can't know"),
            ("5 1 ok crash\n4 1 ok crash", "line 3: the time 4 is before 5"),
            ("1 1 invoke poll\n2 1 invoke poll", "line 3: process 1 begins a poll while it still waits"),
            ("1 1 ok poll", "line 2: process 1 ends a poll that it never began"),
            ("1 1 invoke poll\n2 1 ok send", "line 3: process 1 ends a send, but began a poll on line 2"),
            ("1 1 invoke send w:a:1\n2 1 ok send w:a:2", "line 3: these are not the writes of line 2"),
            ("1 1 invoke txn w:a:1\n2 1 ok txn w:a:1?", "line 3: a write of a transaction has no end of its own"),
        ])
    func errors(text: String, expected: String) {
        let whole = text.isEmpty || text == "history\n" ? text : HistoryWriter.header + "\n" + text
        let error = #expect(throws: HistoryError.self) { try HistoryReader.read(whole) }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "none")")
        #expect(error?.description.contains("; ") == true)
    }

    @Test("What would take too much memory is refused")
    func limits() throws {
        var limits = HistoryBuilder.Limits()
        limits.operationsMax = 2
        limits.itemsMax = 3
        var few = HistoryBuilder(limits: limits)
        let crash = HistoryEvent(timeMicroseconds: 0, process: 0, .ok, .crash)
        try few.add(crash)
        try few.add(crash)
        #expect(throws: HistoryError.self) { try few.add(crash) }
        var small = HistoryBuilder(limits: limits)
        let wide = HistoryEvent(
            timeMicroseconds: 0, process: 0, .ok, .assign, [.key("a"), .key("b"), .key("c"), .key("d")])
        #expect(throws: HistoryError.self) { try small.add(wide) }
        var reader = HistoryReader()
        #expect(throws: HistoryError.self) {
            try reader.feed([UInt8](repeating: UInt8(ascii: "x"), count: HistoryReader.lineBytesMax + 1))
        }
    }
}
