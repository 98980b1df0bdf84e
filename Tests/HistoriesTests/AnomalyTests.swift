import Histories
import Testing

/// A history that has an anomaly, and the nearest one that has not.
struct AnomalyCase: Sendable, CustomTestStringConvertible {
    let name: String
    let bad: String
    let good: String
    /// What else the bad one must show; an anomaly seldom comes alone.
    var also: Set<String> = []

    var testDescription: String { name }
}

@Suite("Anomalies")
struct AnomalyTests {
    static func verdict(_ text: String) throws -> Verdict {
        try HistoryChecker.check(HistoryReader.read(HistoryWriter.header + "\n" + text))
    }

    /// The names of what was found; what is allowed has `~` before it.
    static func found(_ text: String) throws -> Set<String> {
        Set(try verdict(text).tallies.map { ($0.isAllowed ? "~" : "") + $0.anomaly.rawValue })
    }

    @Test("Each anomaly is found where it is, and not in the nearest history without it", arguments: cases)
    func each(_ example: AnomalyCase) throws {
        #expect(try AnomalyTests.found(example.bad) == example.also.union([example.name]))
        #expect(try AnomalyTests.found(example.good) == [])
        let verdict = try AnomalyTests.verdict(example.bad)
        #expect(verdict.isFine == example.name.hasPrefix("~"))
        let lineCount = example.bad.split(separator: "\n").count + 1
        for finding in verdict.tallies.flatMap(\.examples) {
            #expect(!finding.lines.isEmpty)
            #expect(finding.lines.allSatisfy { (2...lineCount).contains($0) })
        }
    }

    @Test("Every anomaly has its pair of histories")
    func complete() {
        let names = Set(AnomalyTests.cases.map { $0.name.trimmingPrefix("~") }.map(String.init))
        #expect(Set(Anomaly.allCases.map(\.rawValue)).subtracting(names) == [])
    }

    static let cases: [AnomalyCase] = values + reads + writes + cycles

    private static let values = [
        AnomalyCase(
            name: "inconsistent-offsets",
            bad: """
                1 1 invoke send w:a:1
                2 1 ok send w:a:1@0
                3 2 invoke send w:a:2
                4 2 ok send w:a:2@0
                """,
            good: """
                1 1 invoke send w:a:1
                2 1 ok send w:a:1@0
                3 2 invoke send w:b:2
                4 2 ok send w:b:2@0
                """),
        AnomalyCase(
            name: "duplicate",
            bad: """
                1 1 invoke send w:a:1
                2 1 ok send w:a:1@0
                3 2 invoke poll
                4 2 ok poll r:a:1@0 r:a:1@1
                """,
            good: """
                1 1 invoke send w:a:1
                2 1 ok send w:a:1@0
                3 2 invoke poll
                4 2 ok poll r:a:1@0
                """),
        AnomalyCase(
            name: "torn-transaction",
            bad: """
                1 1 invoke txn w:a:1 w:b:1
                2 1 unknown txn
                3 2 invoke poll
                4 2 ok poll r:a:1@0
                5 2 ok drain a b
                """,
            good: """
                1 1 invoke txn w:a:1 w:b:1
                2 1 unknown txn
                3 2 invoke poll
                4 2 ok poll r:a:1@0 r:b:1@0
                5 2 ok drain a b
                """, also: ["unseen"]),
        AnomalyCase(
            name: "lost-write",
            bad: """
                1 1 invoke send w:a:1 w:a:2 w:a:3
                2 1 ok send w:a:1@0 w:a:2@1 w:a:3@2
                3 2 ok assign a
                4 2 invoke poll
                5 2 ok poll r:a:1@0
                6 2 ok assign a
                7 2 invoke poll
                8 2 ok poll r:a:3@2
                """,
            good: """
                1 1 invoke send w:a:1 w:a:2 w:a:3
                2 1 unknown send w:a:1@0 w:a:2? w:a:3@2
                3 2 ok assign a
                4 2 invoke poll
                5 2 ok poll r:a:1@0
                6 2 ok assign a
                7 2 invoke poll
                8 2 ok poll r:a:3@2
                """),
        AnomalyCase(
            name: "unseen",
            bad: """
                1 1 invoke send w:a:1 w:a:2
                2 1 ok send w:a:1@0 w:a:2@1
                3 2 invoke poll
                4 2 ok poll r:a:1@0
                5 2 ok drain a
                """,
            good: """
                1 1 invoke send w:a:1 w:a:2
                2 1 unknown send w:a:1@0 w:a:2?
                3 2 invoke poll
                4 2 ok poll r:a:1@0
                5 2 ok drain a
                """),
        AnomalyCase(
            name: "G1a",
            bad: """
                1 1 invoke txn w:a:1
                2 1 fail txn w:a:1
                3 2 invoke poll
                4 2 ok poll r:a:1@0
                """,
            good: """
                1 1 invoke txn w:a:1
                2 1 unknown txn w:a:1
                3 2 invoke poll
                4 2 ok poll r:a:1@0
                """),
        AnomalyCase(
            name: "phantom-read",
            bad: """
                1 1 invoke send w:a:1
                2 1 ok send w:a:1@0
                3 2 invoke poll
                4 2 ok poll r:a:1@0 r:a:7@1
                """,
            good: """
                1 1 invoke send w:a:1 w:a:7
                2 1 unknown send w:a:1@0 w:a:7
                3 2 invoke poll
                4 2 ok poll r:a:1@0 r:a:7@1
                """),
        AnomalyCase(
            name: "precommitted-read",
            bad: """
                1 1 invoke txn w:a:1
                2 1 ok txn w:a:1@0 r:a:1@0
                """,
            good: """
                1 1 invoke txn w:a:1
                2 1 ok txn w:a:1@0
                3 1 invoke txn w:a:2
                4 1 ok txn w:a:2@2 r:a:1@0
                """),
    ]
}
