import AdminTools
import Testing
import WireMessages

@Suite("A group's timeline as it is printed") struct TimelineTableTests {
    private func event(
        _ kind: String, at time: Int64 = 1_772_286_300_123, member: String? = nil, instance: String? = nil,
        epoch: Int32 = -1, members: Int32 = -1, took: Int64 = -1, reason: String? = nil
    ) -> DescribeGroupsResponse.TimelineEvent {
        var event = DescribeGroupsResponse.TimelineEvent()
        event.time = time
        event.kind = kind
        event.count = 1
        event.memberID = member
        event.instanceID = instance
        event.clientID = member.map { _ in "reader" }
        event.clientHost = member.map { _ in "/10.0.0.7" }
        event.epoch = epoch
        event.memberCount = members
        event.tookMilliseconds = took
        event.reason = reason
        return event
    }

    private func table(_ events: [DescribeGroupsResponse.TimelineEvent]) -> TimelineTable {
        var timeline = DescribeGroupsResponse.Timeline()
        timeline.since = 1_772_286_000_000
        timeline.events = events
        return TimelineTable(group: "billing", heading: "Stable, 1 member, coordinator 2", timeline)
    }

    @Test("a line for the group, one for each event, and advice")
    func text() {
        let lines = table([
            event("joined", member: "m-1"), event("stable", epoch: 1, members: 1, took: 3_004),
            event("session-expired", member: "m-1", reason: "not heard of for session.timeout.ms=45000"),
        ]).lines
        #expect(
            lines[0] == "Group 'billing': Stable, 1 member, coordinator 2, which keeps the timeline since "
                + "2026-02-28T13:40:00.000Z. What was before went with the former coordinator.")
        #expect(
            lines[1] == "GROUP           TIME                     EVENT           TIMES EPOCH #MEMBERS TOOK-MS  "
                + "CONSUMER-ID     HOST            CLIENT-ID       WHY")
        #expect(
            lines[2] == "billing         2026-02-28T13:45:00.123Z joined          1     -     -        -        "
                + "m-1             /10.0.0.7       reader          -")
        #expect(
            lines[3] == "billing         2026-02-28T13:45:00.123Z stable          1     1     1        3004     "
                + "-               -               -               -")
        #expect(lines[4].hasSuffix("reader          not heard of for session.timeout.ms=45000"))
        #expect(lines[5].hasPrefix("Advice: once a member was not heard of for its session timeout"))
        #expect(lines.count == 6)
    }

    @Test("names of static members have a column where there are some; JSON has advice as rows")
    func json() {
        let table = table([event("joined", member: "m", instance: "one"), event("stable", took: 12_000)])
        #expect(table.lines[1].contains("CONSUMER-ID     GROUP-INSTANCE-ID HOST"))
        let rows = table.table(withAdvice: true).json.array ?? []
        #expect(rows.count == 3)
        #expect(rows[0]["groupInstanceId"]?.text == "one" && rows[0]["epoch"] == .null)
        #expect(rows[1]["tookMs"]?.integer == 12_000)
        #expect(rows[2]["event"]?.text == "advice" && rows[2]["why"]?.text?.hasPrefix("A rebalance took 12 s.") == true)
    }

    @Test("advice fits what happened")
    func advice() {
        func advice(_ events: [DescribeGroupsResponse.TimelineEvent]) -> [String] { TimelineAdvice.lines(events) }
        #expect(advice([event("joined", member: "a"), event("stable", took: 100)]).isEmpty)
        let polls = advice([
            event("left", member: "a", reason: "consumer poll timeout has expired."),
            event("rejoin-missed", member: "b"),
        ])
        #expect(polls.count == 1 && polls[0].hasPrefix("2 times a member took longer than max.poll.interval.ms"))
        let comings = (0..<4).flatMap { [event("joined", member: "m\($0)"), event("stable", took: 5)] }
        #expect(advice(comings).first?.contains("group.instance.id") == true)
        let named = (0..<4).flatMap {
            [event("joined", member: "m\($0)", instance: "i\($0)"), event("stable", took: 5)]
        }
        #expect(advice(named).isEmpty)
        let twins = (0..<3).map { event("replaced", member: "m\($0)", instance: "one") }
        #expect(advice(twins).first?.contains("group.instance.id=one fenced each other 3 times") == true)
    }

    @Test("an empty timeline says so, and how much was forgotten is told")
    func nothing() {
        #expect(table([]).lines.last == "Nothing has happened to the group since.")
        var timeline = DescribeGroupsResponse.Timeline()
        timeline.forgottenCount = 12
        let lines = TimelineTable(group: "g", heading: "Empty", timeline).lines
        #expect(lines[0].contains("1970-01-01T00:00:00.000Z") && lines[1] == "12 older events are forgotten.")
    }
}
