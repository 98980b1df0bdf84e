import Primitives
package import WireMessages

/// `consumer-groups --describe --timeline`: what happened to a group, and what might be done about it.
package struct TimelineTable {
    private let group: String
    private let heading: String
    private let timeline: DescribeGroupsResponse.Timeline
    package let advice: [String]

    /// - Parameter heading: where the group stands now.
    package init(group: String, heading: String, _ timeline: DescribeGroupsResponse.Timeline) {
        self.group = group
        self.heading = heading
        self.timeline = timeline
        advice = TimelineAdvice.lines(timeline.events)
    }

    /// The events, the oldest first.
    ///
    /// - Parameter withAdvice: adds the lines of advice as rows, for who reads nothing but rows.
    package func table(withAdvice: Bool) -> PaddedTable {
        let hasStatic = timeline.events.contains { $0.instanceID != nil }
        var columns: [PaddedTable.Column] = [
            .init("GROUP", .atLeast(15)), .init("TIME", .fixed(24)), .init("EVENT", .atLeast(15)),
            .init("TIMES", .fixed(5)), .init("EPOCH", .atLeast(5)), .init("#MEMBERS", .fixed(8), key: "members"),
            .init("TOOK-MS", .fixed(8)), .init("CONSUMER-ID", .atLeast(15)),
        ]
        if hasStatic { columns.append(.init("GROUP-INSTANCE-ID", .atLeast(17))) }
        columns += [.init("HOST", .atLeast(15)), .init("CLIENT-ID", .atLeast(15)), .init("WHY", .free)]
        var table = PaddedTable(columns)
        func known(_ number: some BinaryInteger) -> JSONValue { number < 0 ? .null : .integer(Int64(number)) }
        for event in timeline.events {
            var cells: [JSONValue] = [
                .text(group), .text(CalendarText.text(of: Timestamp(event.time))), .text(event.kind),
                .integer(Int64(event.count)), known(event.epoch), known(event.memberCount),
                known(event.tookMilliseconds), .text(orNull: event.memberID),
            ]
            if hasStatic { cells.append(.text(orNull: event.instanceID)) }
            cells += [.text(orNull: event.clientHost), .text(orNull: event.clientID), .text(orNull: event.reason)]
            table.append(cells: cells)
        }
        guard withAdvice else { return table }
        for line in advice {
            var cells = [JSONValue](repeating: .null, count: columns.count)
            cells[0] = .text(group)
            cells[2] = "advice"
            cells[cells.count - 1] = .text(line)
            table.append(cells: cells)
        }
        return table
    }

    /// All of it as it is printed.
    package var lines: [String] {
        let since = CalendarText.text(of: Timestamp(timeline.since))
        var lines = [
            "Group '\(group)': \(heading), which keeps the timeline since \(since). "
                + "What was before went with the former coordinator."
        ]
        if timeline.forgottenCount > 0 { lines.append("\(timeline.forgottenCount) older events are forgotten.") }
        if timeline.events.isEmpty {
            lines.append("Nothing has happened to the group since.")
        } else {
            lines += table(withAdvice: false).lines
        }
        return lines + advice.map { "Advice: \($0)" }
    }

    func print() { GroupSnapshot.print(lines) }
}
