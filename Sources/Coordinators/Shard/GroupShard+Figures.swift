import HashTreeCollections
import OrderedCollections

/// How many groups of a shard are in which state, for metrics.
package struct GroupFigures: Hashable, Sendable {
    /// By Kafka's name of the state.
    package private(set) var groupsByState: [String: Int] = [:]
    package private(set) var members = 0

    package init() {}

    mutating func note(_ group: ClassicGroup) {
        groupsByState[group.state.name, default: 0] += 1
        members += group.members.count
    }

    mutating func note(_ group: ConsumerGroup) {
        groupsByState[group.state.rawValue, default: 0] += 1
        members += group.members.count
    }

    mutating func noteWithoutMembers(_ count: Int) {
        if count > 0 { groupsByState[ClassicGroup(id: "").state.name, default: 0] += count }
    }
}

extension GroupShard {
    /// Counts the groups, without a look at their offsets.
    package var figures: GroupFigures {
        var figures = GroupFigures()
        for group in groups.values { figures.note(group) }
        var simpleCount = 0
        for id in committedImage.ids where groups[id] == nil {
            if let group = committedImage[id]?.consumer { figures.note(group) } else { simpleCount += 1 }
        }
        figures.noteWithoutMembers(simpleCount)
        return figures
    }
}
