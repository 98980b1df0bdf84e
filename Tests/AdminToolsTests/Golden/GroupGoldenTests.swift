import ClientCore
import MartletClient
import Primitives
import Testing

@testable import AdminTools

@Suite("consumer-groups, word for word") struct GroupGoldenTests {
    static func complaint(_ words: String) -> String? {
        do {
            try ConsumerGroupsOptions.check(
                try ConsumerGroupsOptions.table.parse(words.split(separator: " ").map(String.init)))
            return nil
        } catch { return error.description }
    }

    @Test(
        "Options that make no sense together",
        arguments: [
            (
                "--bootstrap-server a:1",
                "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
                    + "--delete-offsets, --validate-regex"
            ),
            ("--list", "Missing required argument \"[bootstrap-server]\""),
            (
                "--bootstrap-server a:1 --describe",
                "Option [describe] takes one of these options: [group], [all-groups]"
            ),
            (
                "--bootstrap-server a:1 --describe --group g --members --state",
                "Option [describe] takes at most one of these options: [members], [offsets], [state]"
            ),
            (
                "--bootstrap-server a:1 --describe --group g --state Stable",
                "Option [describe] does not take a value for [state]"
            ),
            (
                "--bootstrap-server a:1 --delete --group g --topic t",
                "The consumer does not support topic-specific offset deletion from a consumer group."
            ),
            (
                "--bootstrap-server a:1 --delete-offsets --group g",
                "Option [delete-offsets] takes the following options: [group], [topic]"
            ),
            (
                "--bootstrap-server a:1 --reset-offsets --group g --topic t --to-latest --dry-run --execute",
                "Option [reset-offsets] only accepts one of [execute] and [dry-run]"
            ),
            (
                "--bootstrap-server a:1 --reset-offsets --group g --topic t --to-latest --to-earliest --execute",
                "Option \"[to-earliest]\" can't be used with option \"[to-latest]\""
            ),
            (
                "--bootstrap-server a:1 --reset-offsets --group g --to-latest --execute",
                "One of the reset scopes should be defined: --all-topics, --topic."
            ),
            (
                "--bootstrap-server a:1 --list --all-groups --group g",
                "Option \"[group]\" can't be used with option \"[all-groups]\""
            ),
        ])
    func complaints(words: String, expected: String) { #expect(Self.complaint(words) == expected) }

    @Test(
        "Options that go together",
        arguments: [
            "--bootstrap-server a:1 --list --state",
            "--bootstrap-server a:1 --list --state=stable,empty --type classic",
            "--bootstrap-server a:1 --describe --all-groups --verbose --members", "--validate-regex a.*",
            "--bootstrap-server a:1 --reset-offsets --group g --from-file f --dry-run",
            "--bootstrap-server a:1 --reset-offsets --all-groups --all-topics --shift-by -5 --execute --export",
            "--bootstrap-server a:1 --delete-offsets --group g --topic t:0,1 --topic u --timeout 100",
        ])
    func sensible(words: String) { #expect(Self.complaint(words) == nil) }

    @Test("Verbose offsets have the leader epoch, and JSON has numbers and nulls")
    func verboseOffsets() {
        let place = TopicPartition("orders", PartitionIndex(0))
        let row = GroupTables.OffsetRow(
            group: "g", place: place, committed: Offset(5), leaderEpoch: LeaderEpoch(3), logEnd: Offset(7), member: nil)
        let table = GroupTables.offsetsTable([row], isVerbose: true)
        #expect(
            table.lines == [
                "GROUP           TOPIC           PARTITION  LEADER-EPOCH    CURRENT-OFFSET  LOG-END-OFFSET  "
                    + "LAG             CONSUMER-ID     HOST            CLIENT-ID",
                "g               orders          0          3               5               7               "
                    + "2               -               -               -",
            ])
        #expect(
            table.json.description
                == "[{\"group\":\"g\",\"topic\":\"orders\",\"partition\":0,\"leaderEpoch\":3,\"currentOffset\":5,"
                + "\"logEndOffset\":7,\"lag\":2,\"consumerId\":null,\"host\":null,\"clientId\":null}]")
    }

    @Test("Deleted groups, and those that could not be")
    func deletion() {
        #expect(
            GroupDeletion.lines(["g1", "g2"], [])
                == ["Deletion of requested consumer groups ('g1', 'g2') was successful."])
        let reason = ExceptionText.of(ClientError(code: .nonEmptyGroup))
        #expect(
            GroupDeletion.lines(["g1", "g2"], [("g1", reason)]) == [
                "\nError: Deletion of some consumer groups failed:",
                "* Group 'g1' could not be deleted due to: org.apache.kafka.common.errors.GroupNotEmptyException: The "
                    + "group is not empty.",
                "\nThese consumer groups were deleted successfully: 'g2'",
            ])
        #expect(GroupDeletion.lines(["g"], [("g", reason)]).count == 2)
    }

    @Test("Forgotten offsets, and those that are not")
    func offsetDeletion() {
        #expect(
            OffsetDeletion.summary(.noError, topics: ["a", "b:1"], group: "g")
                == "Request succeed for deleting offsets with topic a, b:1 group g")
        #expect(
            OffsetDeletion.summary(.nonEmptyGroup, topics: ["a"], group: "g")
                == "\nError: Deleting offsets of a consumer group 'g' is forbidden if the group is not empty.")
        let table = OffsetDeletion.table([
            .init(topic: "orders", partition: PartitionIndex(0), error: nil),
            .init(topic: "nope", partition: nil, error: ExceptionText.message(of: .unknownTopicOrPartition)),
        ])
        #expect(
            table.lines == [
                "TOPIC           PARTITION  STATUS         ", "orders          0          Successful     ",
                "nope            Not Provided Error: This server does not host this topic-partition.",
            ])
    }

    @Test("New offsets, and their CSV there and back")
    func plan() throws {
        let row = ResetRow(group: "a \"b\", c", place: TopicPartition("orders", PartitionIndex(1)), offset: Offset(120))
        #expect(
            ResetRow.table([ResetRow(group: "billing", place: row.place, offset: row.offset)]).lines == [
                "GROUP           TOPIC           PARTITION  NEW-OFFSET     ",
                "billing         orders          1          120            ",
            ])
        #expect(ResetPlan.line(row, withGroup: false) == "orders,1,120")
        let line = ResetPlan.line(row, withGroup: true)
        #expect(line == "\"a \"\"b\"\", c\",orders,1,120")
        let plan = try ResetPlan(parsing: line + "\nother,orders,2,7\n\n")
        #expect(plan.offsets(of: row.group, isOnlyGroup: false) == [row.place: 120])
        #expect(plan.offsets(of: "nobody", isOnlyGroup: true) == nil)
        let single = try ResetPlan(parsing: "orders,1,120\r\n")
        #expect(single.offsets(of: "g", isOnlyGroup: true) == [row.place: 120])
        #expect(single.offsets(of: "g", isOnlyGroup: false) == nil)
        for broken in ["orders,1", "orders,x,1", "orders,-1,1", "a,b,c,d,e", "g,orders,1,x"] {
            #expect(throws: ToolFailure.self) { try ResetPlan(parsing: broken) }
        }
    }

    @Test(
        "Times of day, with and without a zone",
        arguments: [
            ("1970-01-01T00:00:00.000", 0), ("2024-11-21T02:40:00.123", 1_732_156_800_123),
            ("2024-11-21T02:40:00.123Z", 1_732_156_800_123), ("2024-11-21T03:40:00.123+01:00", 1_732_156_800_123),
            ("2024-11-20T22:10:00.123-0430", 1_732_156_800_123), ("2024-02-29T00:00:00", 1_709_164_800_000),
            ("2000-03-01T00:00:00.5", 951_868_800_005),
        ])
    func times(text: String, expected: Int64) throws { #expect(try CalendarText.timestamp(text).value == expected) }

    @Test(
        "What is no time",
        arguments: [
            "2024-11-21", "2024-13-01T00:00:00.000", "2023-02-29T00:00:00.000", "2024-11-21T24:00:00.000",
            "2024-11-21T00:00", "T", "2024-11-21T00:00:00.000+99:00", "2024-11-21T00:00:00.1234", "yesterday",
        ])
    func noTimes(text: String) { #expect(throws: ToolFailure.self) { try CalendarText.timestamp(text) } }

    @Test(
        "Durations",
        arguments: [
            ("P1D", 86_400_000), ("PT1H", 3_600_000), ("P1DT2H3M4.5S", 93_784_500), ("PT0S", 0), ("-PT1M", -60_000),
            ("PT-1M", -60_000), ("pt10s", 10_000), ("PT0.001S", 1),
        ])
    func durations(text: String, expected: Int64) throws {
        #expect(try CalendarText.durationMilliseconds(text) == expected)
    }

    @Test(
        "What is no duration",
        arguments: ["", "P", "PT", "1D", "P1H", "PT1D", "PT1S1M", "P1.5D", "PTS", "P1DT", "PT99999999999999999H"])
    func noDurations(text: String) { #expect(throws: ToolFailure.self) { try CalendarText.durationMilliseconds(text) } }

    @Test("Topics with and without partitions")
    func scope() throws {
        #expect(try TopicScope.parse("orders") == TopicScope.Part(topic: "orders", partitions: nil))
        #expect(
            try TopicScope.parse("orders:0,2")
                == TopicScope.Part(topic: "orders", partitions: [PartitionIndex(0), PartitionIndex(2)]))
        for broken in ["orders:", ":0", "orders:x", "orders:0:1", "orders:-1"] {
            #expect(throws: ToolFailure.self) { try TopicScope.parse(broken) }
        }
    }
}
