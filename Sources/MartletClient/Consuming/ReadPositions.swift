import ClientCore
import Primitives

/// How far each partition was read, and how much of that the group has been told.
struct ReadPositions {
    typealias Position = CommittedOffsets.Position

    /// Behind the last record that was handed out: what is committed.
    private var readUpTo: [TopicPartition: Position] = [:]
    private var committedUpTo: [TopicPartition: Position] = [:]
    /// Where reading started in each partition that has no committed position.
    private var startedAt: [TopicPartition: Position] = [:]
    /// Where reading stood in partitions that were given back: they go on there if nothing was committed for them.
    private var leftAt: [TopicPartition: Position] = [:]

    /// What was read since the last commit.
    var uncommitted: [TopicPartition: Position] { readUpTo.filter { committedUpTo[$0.key] != $0.value } }

    mutating func handedOut(_ record: FetchedRecord) {
        readUpTo[record.place] = Position(offset: record.offset + 1, leaderEpoch: record.leaderEpoch)
    }

    mutating func started(_ place: TopicPartition, at offset: Offset) {
        startedAt[place] = Position(offset: offset, leaderEpoch: nil)
    }

    mutating func committed(_ positions: [TopicPartition: Position]) {
        committedUpTo.merge(positions) { _, new in new }
    }

    /// The partitions are somebody else's now.
    mutating func leave(_ places: [TopicPartition]) {
        for place in places {
            leftAt[place] = readUpTo[place] ?? startedAt[place] ?? leftAt[place]
            readUpTo[place] = nil
            committedUpTo[place] = nil
        }
    }

    /// Where reading stood when a partition was given back last.
    func left(_ place: TopicPartition) -> Position? { leftAt[place] }
}
