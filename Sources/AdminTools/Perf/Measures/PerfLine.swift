/// The outcome of one run, in one line that a program can read: a JSON object, its fields in a fixed order.
struct PerfLine {
    private var fields: [String] = []

    init(run: String) { text("run", run) }

    mutating func text(_ name: String, _ value: String) {
        let escaped = value.unicodeScalars.map { scalar in
            scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : scalar.value < 0x20 ? " " : "\(scalar)"
        }
        fields.append("\"\(name)\":\"\(escaped.joined())\"")
    }

    mutating func integer(_ name: String, _ value: Int64) { fields.append("\"\(name)\":\(value)") }

    /// A number with three decimals; null where there is none.
    mutating func number(_ name: String, _ value: Double?) {
        fields.append("\"\(name)\":\(value.map(PerfLine.decimal) ?? "null")")
    }

    mutating func integers(_ name: String, _ values: [Int]) {
        fields.append("\"\(name)\":[\(values.map(String.init).joined(separator: ","))]")
    }

    /// Latencies of a distribution given in nanoseconds, in microseconds.
    mutating func latencies(_ percentiles: Percentiles) {
        for (name, permille) in [("p50_us", 500), ("p99_us", 990), ("p999_us", 999)] {
            number(name, Double(percentiles.at(permille: permille)) / 1e3)
        }
        number("max_us", Double(percentiles.greatest) / 1e3)
    }

    var line: String { "{\(fields.joined(separator: ","))}" }

    private static func decimal(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        let thousandths = Int64((value * 1_000).rounded())
        let fraction = String(thousandths.magnitude % 1_000)
        let sign = thousandths < 0 ? "-" : ""
        let zeros = String(repeating: "0", count: 3 - fraction.count)
        return "\(sign)\(thousandths.magnitude / 1_000).\(zeros)\(fraction)"
    }
}
