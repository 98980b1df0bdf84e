import Testing

@testable import BrokerServer

@Suite("The page of metrics")
struct MetricsPageTests {
    private func text(_ fill: (inout MetricsPage) -> Void) -> String {
        var page = MetricsPage()
        fill(&page)
        return String(decoding: page.text(), as: UTF8.self)
    }

    @Test("A page looks as the format says, families by name, help and type once")
    func looksAsTheFormatSays() {
        let page = text { page in
            page.gauge("b_parts", "Parts.", 3, [("topic", "x")])
            page.counter("a_total", "All.", 7)
            page.gauge("b_parts", "Parts.", -1, [("topic", "y"), ("partition", "0")])
        }
        #expect(
            page == """
                # HELP a_total All.
                # TYPE a_total counter
                a_total 7
                # HELP b_parts Parts.
                # TYPE b_parts gauge
                b_parts{topic="x"} 3
                b_parts{topic="y",partition="0"} -1

                """)
    }

    @Test("Names from outside stay within their quotes, their line and 256 characters")
    func escapesLabels() throws {
        let evil = "a\"b\\c\nd\u{1B}[31m\u{202E}e\u{0}"
        let long = String(repeating: "x", count: 1 << 20)
        let page = text { page in
            page.gauge("m", "Help with \\ and\nline.", 1, [("id", evil)])
            page.gauge("m", "Help with \\ and\nline.", 2, [("id", long)])
        }
        #expect(page.utf8.count < 1_000)
        let read = try PrometheusText(parsing: page)
        #expect(read.families["m"]?.help == "Help with \\\\ and\\nline.")
        #expect(read.value("m", ["id": "a\"b\\c\\u000ad\\u001b[31m\\u202ee\\u0000"]) == 1)
        #expect(read.value("m", ["id": String(long.prefix(256)) + "…"]) == 2)
    }

    @Test("A histogram's buckets add up and end in +Inf")
    func writesHistograms() throws {
        let times = LatencyHistogram()
        for microseconds in [5, 900, 900, 40_000, 90_000_000] as [Int64] { times.record(microseconds: microseconds) }
        let read = try PrometheusText(
            parsing: text { $0.histogram("h_seconds", "Times.", times.counts, [("api", "Fetch")]) })
        let family = try #require(read.families["h_seconds"])
        #expect(family.type == "histogram")
        let buckets = family.samples.filter { $0.name == "h_seconds_bucket" }
        #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.value <= $1.value })
        #expect(buckets.last?.labels["le"] == "+Inf")
        #expect(buckets.last?.value == 5)
        #expect(read.value("h_seconds_count", ["api": "Fetch"]) == 5)
        let sum = try #require(read.value("h_seconds_sum", ["api": "Fetch"]))
        #expect(abs(sum - 90.041805) < 0.000001)
    }

    @Test("A summary tells quantiles of what is recent, and NaN where nothing was")
    func writesSummaries() throws {
        let times = LatencyHistogram()
        for _ in 0..<99 { times.record(microseconds: 1_000) }
        times.record(microseconds: 500_000)
        let read = try PrometheusText(
            parsing: text { page in
                page.summaryMilliseconds("s", "Times.", recent: times.counts, all: times.counts, [("api", "a")])
                page.summaryMilliseconds("s", "Times.", recent: LatencyCounts(), all: times.counts, [("api", "b")])
            })
        let median = try #require(read.value("s", ["api": "a", "quantile": "0.5"]))
        #expect(median >= 1 && median <= 1.3)
        let last = try #require(read.value("s", ["api": "a", "quantile": "0.999"]))
        #expect(last >= 500 && last <= 640)
        #expect(read.value("s", ["api": "b", "quantile": "0.5"])?.isNaN == true)
        #expect(read.value("s_count", ["api": "b"]) == 100)
    }

    @Test("A page has an end: what is beyond is counted, not written")
    func isBounded() throws {
        let page = text { page in
            for number in 0...MetricsPage.seriesMax { page.gauge("m", "Many.", number, [("n", "\(number)")]) }
        }
        let read = try PrometheusText(parsing: page)
        #expect(read.families["m"]?.samples.count == MetricsPage.seriesMax)
        #expect(read.value("martlet_metrics_series_left_out") == 1)
    }
}
