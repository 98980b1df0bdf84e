import Histories

/// A verdict as one JSON document.
enum VerdictJSON {
    static func document(_ verdict: Verdict) -> JSONValue {
        let figures = verdict.figures
        return .object([
            .init("valid", .boolean(verdict.isFine)),
            .init("operations", .integer(Int64(figures.operations))),
            .init("processes", .integer(Int64(figures.processes))),
            .init("keys", .integer(Int64(figures.keys))),
            .init("durationMicroseconds", .integer(figures.durationMicroseconds)),
            .init("committedWrites", .integer(Int64(figures.committedWrites))),
            .init("unknownWrites", .integer(Int64(figures.unknownWrites))),
            .init("failedWrites", .integer(Int64(figures.failedWrites))),
            .init("reads", .integer(Int64(figures.reads))),
            .init("worstLagMicroseconds", .integer(orNull: figures.worstLagMicroseconds)),
            .init("worstLagLine", .integer(orNull: figures.worstLagLine)),
            .init("undrainedKeys", .array(verdict.undrainedKeys.map(JSONValue.text))),
            .init("anomalies", .array(verdict.tallies.map(tally))),
        ])
    }

    private static func tally(_ tally: Verdict.Tally) -> JSONValue {
        .object([
            .init("name", .text(tally.anomaly.rawValue)),
            .init("allowed", .boolean(tally.isAllowed)),
            .init("count", .integer(Int64(tally.count))),
            .init(
                "examples",
                .array(
                    tally.examples.map { finding in
                        .object([
                            .init("text", .text(finding.text)),
                            .init("lines", .array(finding.lines.map { .integer(Int64($0)) })),
                        ])
                    })),
        ])
    }
}
