import Logging
import Testing

@testable import BrokerServer

@Suite("Log lines")
struct LogLineTests {
    private func line(_ message: String, _ fields: Logger.Metadata = [:], _ form: LogLine.Form = .text) -> String {
        LogLine(level: .warn, logger: "kafka.server.X", message: message, fields: fields)
            .written(as: form, time: "T")
    }

    @Test("Text looks as Kafka's, fields in order, quoted where they would run together")
    func writesText() {
        #expect(
            line("fenced", ["b": "a b", "a": "1", "c": ""]) == "[T] WARN fenced a=1 b=\"a b\" c=\"\" (kafka.server.X)\n"
        )
    }

    @Test("JSON has one object a line; a field can't take the place of another")
    func writesJSON() {
        #expect(
            line("fenced", ["level": "x", "id": "1"], .json)
                == #"{"time":"T","level":"WARN","logger":"kafka.server.X","message":"fenced","id":"1","_level":"x"}"#
                + "\n"
        )
    }

    @Test("Nobody outside can forge a line", arguments: [LogLine.Form.text, .json])
    func isOneLine(form: LogLine.Form) {
        let evil = "x\n[2026-01-01 00:00:00,000] INFO forged\r\u{1B}[2J\u{2028}\u{202E}\",\"level\":\"FATAL\"\u{7F}"
        let written = line("peer said \(evil)", ["client": "\(evil)"], form)
        #expect(written.utf8.count { $0 == 10 } == 1 && written.hasSuffix("\n"))
        #expect(
            !written.unicodeScalars.contains { $0 == "\r" || $0 == "\u{1B}" || $0 == "\u{2028}" || $0 == "\u{202E}" })
        if form == .json { #expect(!written.contains(#"","level":"FATAL""#)) }
    }

    @Test("Long values are cut at 256 characters")
    func cuts() {
        let megabyte = String(repeating: "y", count: 1 << 20)
        let written = line("m", ["v": "\(megabyte)"])
        #expect(written == "[T] WARN m v=\(megabyte.prefix(256))… (kafka.server.X)\n")
    }
}
