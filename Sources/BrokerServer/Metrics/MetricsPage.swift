/// One answer to a scrape, in Prometheus' text format 0.0.4: families in the order of their names, each with its help
/// and type once, however many sources add to it.
package struct MetricsPage: Sendable {
    /// What a family counts.
    package enum Kind: String, Hashable, Sendable {
        /// Only grows while the process lives; its name ends in `_total`.
        case counter
        case gauge
        case histogram
        case summary
    }

    /// A name and a value that tell one series of a family from the others.
    package typealias Label = (name: String, value: String)

    private struct Family {
        let kind: Kind
        let help: String
        var lines: [UInt8] = []
    }

    /// Series on one page; what is beyond is left out and counted.
    package static let seriesMax = 50_000
    /// Characters of a label's value; outside names may be longer than anybody wants to read.
    package static let labelCharactersMax = 256

    private var families: [String: Family] = [:]
    private var series = 0
    private var seriesLeftOut = 0

    package init() {}

    /// Adds one value of a counter.
    package mutating func counter(_ name: String, _ help: String, _ value: UInt64, _ labels: [Label] = []) {
        add(name, .counter, help) { MetricsPage.line(name, labels, String(value), &$0) }
    }

    /// Adds one value of a counter that is no whole number: seconds.
    package mutating func counter(_ name: String, _ help: String, seconds: Double, _ labels: [Label] = []) {
        add(name, .counter, help) { MetricsPage.line(name, labels, MetricsPage.text(seconds), &$0) }
    }

    /// Adds one value of a gauge.
    package mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger, _ labels: [Label] = []) {
        add(name, .gauge, help) { MetricsPage.line(name, labels, String(value), &$0) }
    }

    /// Adds one value of a gauge that is no whole number.
    package mutating func gauge(_ name: String, _ help: String, real value: Double, _ labels: [Label] = []) {
        add(name, .gauge, help) { MetricsPage.line(name, labels, MetricsPage.text(value), &$0) }
    }

    /// Adds one histogram, its bounds in seconds.
    package mutating func histogram(
        _ name: String, _ help: String, _ times: LatencyCounts, _ labels: [Label] = []
    ) {
        add(name, .histogram, help) { lines in
            for (bound, count) in times.cumulative {
                let label: Label = ("le", bound.map { MetricsPage.text($0) } ?? "+Inf")
                MetricsPage.line(name + "_bucket", labels + [label], String(count), &lines)
            }
            MetricsPage.line(name + "_sum", labels, MetricsPage.text(times.sumSeconds), &lines)
            MetricsPage.line(name + "_count", labels, String(times.count), &lines)
        }
    }

    /// The quantiles that a summary tells, as Kafka's timers do.
    package static let quantiles: [Double] = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999]

    /// Adds one summary in milliseconds: quantiles of `recent`, count and sum of `all`.
    package mutating func summaryMilliseconds(
        _ name: String, _ help: String, recent: LatencyCounts, all: LatencyCounts, _ labels: [Label] = []
    ) {
        add(name, .summary, help) { lines in
            for quantile in MetricsPage.quantiles {
                let value = recent.quantileSeconds(quantile).map { $0 * 1_000 } ?? .nan
                let label: Label = ("quantile", MetricsPage.text(quantile))
                MetricsPage.line(name, labels + [label], MetricsPage.text(value), &lines)
            }
            MetricsPage.line(name + "_sum", labels, MetricsPage.text(all.sumSeconds * 1_000), &lines)
            MetricsPage.line(name + "_count", labels, String(all.count), &lines)
        }
    }

    /// The whole page.
    package consuming func text() -> [UInt8] {
        if seriesLeftOut > 0 {
            let missing = seriesLeftOut
            series = 0
            gauge("martlet_metrics_series_left_out", "Series beyond what one page may hold.", missing)
        }
        var page: [UInt8] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            page += "# HELP \(name) \(MetricsPage.escapedHelp(family.help))\n".utf8
            page += "# TYPE \(name) \(family.kind.rawValue)\n".utf8
            page += family.lines
        }
        return page
    }

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ write: (inout [UInt8]) -> Void) {
        precondition(MetricsPage.isName(name), "\(name) is no name of a metric")
        guard series < MetricsPage.seriesMax else {
            seriesLeftOut += 1
            return
        }
        series += 1
        precondition(families[name].map { $0.kind == kind } ?? true, "\(name) is reported as two kinds")
        write(&families[name, default: Family(kind: kind, help: help)].lines)
    }

    // MARK: text

    private static func line(_ name: String, _ labels: [Label], _ value: String, _ lines: inout [UInt8]) {
        lines += name.utf8
        if !labels.isEmpty {
            lines.append(UInt8(ascii: "{"))
            for (index, label) in labels.enumerated() {
                if index > 0 { lines.append(UInt8(ascii: ",")) }
                lines += label.name.utf8
                lines += "=\"".utf8
                appendEscaped(label.value, to: &lines)
                lines.append(UInt8(ascii: "\""))
            }
            lines.append(UInt8(ascii: "}"))
        }
        lines.append(UInt8(ascii: " "))
        lines += value.utf8
        lines.append(UInt8(ascii: "\n"))
    }

    /// A label's value: cut, and written so that it stays on its line and reads as it looks.
    private static func appendEscaped(_ value: String, to lines: inout [UInt8]) {
        let shown = OutsideText.shown(value, charactersMax: labelCharactersMax, escapes: .controls)
        for byte in shown.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): lines += "\\\\".utf8
            case UInt8(ascii: "\""): lines += "\\\"".utf8
            default: lines.append(byte)
            }
        }
    }

    private static func escapedHelp(_ help: String) -> String {
        help.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
            .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
    }
}
