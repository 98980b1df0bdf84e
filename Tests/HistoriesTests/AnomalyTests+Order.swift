/// The pairs about the order of reads and writes, and about cycles.
extension AnomalyTests {
    private static let five = """
        1 1 invoke send w:a:1 w:a:2 w:a:3 w:a:4 w:a:5
        2 1 ok send w:a:1@0 w:a:2@1 w:a:3@3 w:a:4@4 w:a:5@7
        3 2 ok assign a
        4 3 ok subscribe a
        5 4 ok assign a
        6 4 invoke poll
        7 4 ok poll r:a:1@0 r:a:2@1 r:a:3@3 r:a:4@4 r:a:5@7

        """

    static let reads = [
        AnomalyCase(
            name: "int-poll-skip", bad: five + "8 2 invoke poll\n9 2 ok poll r:a:1@0 r:a:3@3",
            good: five + "8 2 invoke poll\n9 2 ok poll r:a:2@1 r:a:3@3"),
        AnomalyCase(
            name: "int-nonmonotonic-poll", bad: five + "8 2 invoke poll\n9 2 ok poll r:a:2@1 r:a:1@0",
            good: five + "8 2 invoke poll\n9 2 ok poll r:a:1@0 r:a:2@1"),
        AnomalyCase(
            name: "poll-skip",
            bad: five + "8 2 invoke poll\n9 2 ok poll r:a:1@0\n10 2 invoke poll\n11 2 ok poll r:a:3@3",
            good: five
                + "8 2 invoke poll\n9 2 ok poll r:a:1@0\n10 2 ok assign a\n11 2 invoke poll\n12 2 ok poll r:a:3@3"),
        AnomalyCase(
            name: "~poll-skip",
            bad: five + "8 3 invoke poll\n9 3 ok poll r:a:1@0\n10 3 invoke poll\n11 3 ok poll r:a:3@3",
            good: five
                + "8 3 invoke poll\n9 3 ok poll r:a:1@0\n10 3 invoke poll\n10 3 unknown poll\n10 3 invoke poll\n"
                + "11 3 ok poll r:a:3@3"),
        AnomalyCase(
            name: "nonmonotonic-poll",
            bad: five + "8 2 invoke poll\n9 2 ok poll r:a:2@1\n10 2 invoke poll\n11 2 ok poll r:a:2@1",
            good: five + "8 2 invoke poll\n9 2 ok poll r:a:2@1\n10 2 ok crash\n11 2 invoke poll\n12 2 ok poll r:a:2@1"),
        AnomalyCase(
            name: "~nonmonotonic-poll",
            bad: five + "8 3 invoke poll\n9 3 ok poll r:a:2@1\n10 3 invoke poll\n11 3 ok poll r:a:1@0",
            good: five + "8 3 invoke poll\n9 3 ok poll r:a:1@0\n10 3 invoke poll\n11 3 ok poll r:a:2@1"),
    ]

    static let writes = [
        AnomalyCase(
            name: "int-nonmonotonic-send", bad: "1 1 invoke send w:a:1 w:a:2\n2 1 ok send w:a:1@1 w:a:2@0",
            good: "1 1 invoke send w:a:1 w:a:2\n2 1 ok send w:a:1@0 w:a:2@1"),
        AnomalyCase(
            name: "nonmonotonic-send",
            bad: "1 1 invoke send w:a:1\n2 1 ok send w:a:1@1\n3 1 invoke send w:a:2\n4 1 ok send w:a:2@0",
            // The first one may have come late: nobody was told otherwise.
            good: "1 1 invoke send w:a:1\n2 1 unknown send w:a:1\n3 1 invoke send w:a:2\n4 1 ok send w:a:2@0",
            also: ["~G0-process", "~G0-realtime"]),
        AnomalyCase(
            name: "~int-send-skip",
            bad: """
                1 1 invoke send w:a:1 w:a:3
                1 2 invoke send w:a:2
                2 2 ok send w:a:2@1
                2 1 ok send w:a:1@0 w:a:3@2
                """,
            good: """
                1 1 invoke send w:a:1 w:a:3
                1 2 invoke send w:a:2
                2 2 ok send w:a:2@2
                2 1 ok send w:a:1@0 w:a:3@1
                """,
            also: ["~G0"]),
    ]

    static let cycles = [
        AnomalyCase(
            name: "~G0",
            bad: """
                1 1 invoke txn w:a:1 w:b:1
                1 2 invoke txn w:a:2 w:b:2
                2 1 ok txn w:a:1@0 w:b:1@1
                2 2 ok txn w:a:2@1 w:b:2@0
                """,
            good: """
                1 1 invoke txn w:a:1 w:b:1
                1 2 invoke txn w:a:2 w:b:2
                2 1 ok txn w:a:1@0 w:b:1@0
                2 2 ok txn w:a:2@1 w:b:2@1
                """),
        AnomalyCase(
            name: "~G0-process",
            bad: """
                8 3 invoke txn w:c:1 w:d:2
                8 4 invoke txn w:c:2
                9 4 ok txn w:c:2@1
                9 4 invoke txn w:d:1
                9 4 ok txn w:d:1@0
                9 3 ok txn w:c:1@0 w:d:2@1
                """,
            good: """
                8 3 invoke txn w:c:1 w:d:2
                8 4 invoke txn w:c:2
                9 4 ok txn w:c:2@1
                9 4 invoke txn w:d:1
                9 4 ok txn w:d:1@1
                9 3 ok txn w:c:1@0 w:d:2@0
                """,
            also: ["~G0-realtime"]),
        AnomalyCase(
            name: "~G0-realtime",
            bad: "1 1 invoke txn w:a:1\n2 1 ok txn w:a:1@1\n3 2 invoke txn w:a:2\n4 2 ok txn w:a:2@0",
            good: "1 1 invoke txn w:a:1\n2 2 invoke txn w:a:2\n3 1 ok txn w:a:1@1\n4 2 ok txn w:a:2@0"),
        AnomalyCase(
            name: "G1c",
            bad: """
                1 1 invoke txn w:a:1
                1 2 invoke txn w:b:1
                2 1 ok txn w:a:1@0 r:b:1@0
                2 2 ok txn w:b:1@0 r:a:1@0
                """,
            good: """
                1 1 invoke txn w:a:1
                1 2 invoke txn w:b:1
                2 1 ok txn w:a:1@0
                2 2 ok txn w:b:1@0 r:a:1@0
                """),
        AnomalyCase(
            name: "G1c-process",
            bad: """
                1 1 invoke poll
                1 2 invoke txn w:a:2
                2 2 ok txn w:a:2@1 r:a:1@0
                2 1 ok poll r:a:1@0 r:a:2@1
                2 1 invoke send w:a:1
                3 1 ok send w:a:1@0
                """,
            good: """
                1 1 invoke send w:a:1
                1 2 invoke txn w:a:2
                2 2 ok txn w:a:2@1 r:a:1@0
                2 1 ok send w:a:1@0
                2 1 invoke poll
                3 1 ok poll r:a:1@0 r:a:2@1
                """,
            also: ["G1c-realtime", "~G0-realtime"]),
        AnomalyCase(
            name: "G1c-realtime",
            bad: "1 1 invoke poll\n2 1 ok poll r:a:1@0\n3 2 invoke send w:a:1\n4 2 ok send w:a:1@0",
            good: "1 1 invoke poll\n2 2 invoke send w:a:1\n3 1 ok poll r:a:1@0\n4 2 ok send w:a:1@0"),
    ]
}
