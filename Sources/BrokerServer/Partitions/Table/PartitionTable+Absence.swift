import Metadata
import Primitives

extension PartitionTable {
    /// Why there is no replica of a partition here, and who leads it (KIP-951).
    struct Absence {
        let error: ErrorCode
        var leader: LeaderHint?
    }

    /// What to tell who asks for a partition by its topic's id.
    func absence(_ topic: TopicID, _ number: PartitionIndex) -> Absence {
        guard let topic = cache.current.topics[topic] else { return Absence(error: .unknownTopicID) }
        return PartitionTable.absence(topic, number)
    }

    /// What to tell who asks for it by the topic's name.
    func absence(_ topic: String, _ number: PartitionIndex) -> Absence {
        guard let topic = cache.current.topics[name: topic] else { return Absence(error: .unknownTopicOrPartition) }
        return PartitionTable.absence(topic, number)
    }

    private static func absence(_ topic: TopicImage, _ number: PartitionIndex) -> Absence {
        guard let registration = topic[number] else { return Absence(error: .unknownTopicOrPartition) }
        return Absence(
            error: .notLeaderOrFollower,
            leader: LeaderHint(leader: registration.leader, leaderEpoch: registration.leaderEpoch))
    }
}
