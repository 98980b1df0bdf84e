import AdminTools
import Primitives
import Testing

@Suite("What the performance tools print")
struct PerfTestFigures {
    @Test("Numbers with a fixed number of digits")
    func decimals() {
        #expect(Decimals.text(49_965.857, digits: 6) == "49965.857000")
        #expect(Decimals.text(0.125, digits: 2) == "0.13" && Decimals.text(-0.05, digits: 1) == "-0.1")
        #expect(Decimals.text(3, digits: 0) == "3" && Decimals.text(.nan, digits: 1) == "NaN")
        #expect(Decimals.text(0.0004, digits: 4) == "0.0004")
    }

    @Test("A window each interval and a total at the end")
    func stats() {
        var stats = PerformanceStats(records: 4, reportingMilliseconds: 1_000, now: 0)
        #expect(stats.record(latency: 2, bytes: 1_048_576, now: 10).isEmpty)
        #expect(
            stats.record(latency: 4, bytes: 1_048_576, now: 1_000)
                == ["2 records sent, 2.0 records/sec (2.00 MB/sec), 3.0 ms avg latency, 4.0 ms max latency."])
        #expect(stats.record(latency: 6, bytes: 0, now: 1_500).isEmpty)
        #expect(
            stats.total(now: 2_000)
                == "3 records sent, 1.500000 records/sec (1.00 MB/sec), 4.00 ms avg latency, 6.00 ms max latency, "
                + "4 ms 50th, 6 ms 95th, 6 ms 99th, 6 ms 99.9th.")
    }

    @Test("The steady state says when it begins, and what it is")
    func steady() {
        var stats = PerformanceStats(records: 2, reportingMilliseconds: 10, isSteadyState: true, now: 0)
        #expect(stats.record(latency: 1, bytes: 1, now: 10).first == "In steady state.")
        #expect(stats.total(now: 1_000).hasPrefix("1 steady state records sent, 1.000000 records/sec"))
    }

    @Test("Messages: letters, numbers, and the parts of a file")
    func payloads() {
        var letters = Payloads.random(count: 30)
        let value = letters.next(0)
        #expect(value.count == 30 && value.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        var numbers = Payloads.numbers
        #expect(numbers.next(42) == Array("42".utf8))
        #expect(Payloads.split(Array("a--b--".utf8), at: "--") == [Array("a".utf8), Array("b".utf8)])
        #expect(Payloads.split(Array("a\n\nb".utf8), at: "\n").count == 3)
    }

    @Test("Times of the day by Java's patterns")
    func dates() throws {
        let text = try DatePattern("yyyy-MM-dd HH:mm:ss:SSS").text(of: 1_732_156_800_123)
        #expect(text.count == 23 && text.hasSuffix(":00:123") && text.hasPrefix("2024-11-2"))
        #expect(try DatePattern("'at' ss''").text(of: 7_000) == "at 07'")
        #expect(throws: ToolFailure.self) { try DatePattern("yyyy-QQ") }
    }

    @Test("The latency of messages from end to end")
    func latency() {
        #expect(
            EndToEndLatencyCommand.summary([1_000_000, 2_000_000]) == [
                "Avg latency: 1.5000 ms", "Percentiles: 50th = 2, 99th = 2, 99.9th = 2",
            ])
        #expect(
            EndToEndLatencyCommand.modernised(["b:1", "t", "10", "1", "100"]).joined(separator: " ")
                == "--bootstrap-server b:1 --topic t --num-records 10 --producer-acks 1 --record-size 100")
    }
}
