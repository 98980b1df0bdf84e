import HashTreeCollections
import Metadata
import Primitives

/// How the coordinator shares partitions out.
package enum ServerAssignor: String, CaseIterable, Hashable, Sendable {
    /// As evenly as can be, and each member keeps what it can.
    case uniform
    /// Neighbouring partitions of each topic together, the same numbers of all topics with the same member.
    case range

    /// The new target of each member of the task, by its position there; sorted.
    func assign(_ task: AssignmentTask) -> [[TopicPartitionID]] {
        switch self {
        case .uniform: task.isHomogeneous ? UniformAssignor.assignEvenly(task) : UniformAssignor.assignByTopic(task)
        case .range: RangeAssignor.assign(task)
        }
    }
}

/// Who takes part in an assignment, and what there is to share out.
struct AssignmentTask {
    struct Member {
        let id: String
        let instanceID: String?
        let rackID: String?
        /// Position in `topicLists`.
        let topicList: Int
        /// Its target up to now; sorted.
        let previous: [TopicPartitionID]
    }

    /// Sorted by id.
    let members: [Member]
    /// The distinct lists of topics that members subscribe to; each sorted, and all in `topics`.
    let topicLists: [[TopicID]]
    let topics: [TopicID: AssignableTopic]

    var isHomogeneous: Bool { topicLists.count <= 1 }

    /// The part of a member's former target that it may keep; sorted. No partition is kept by two.
    func kept() -> [[TopicPartitionID]] {
        let subscribed = topicLists.map(Set.init)
        var taken: Set<TopicPartitionID> = []
        return members.map { member in
            member.previous.filter { partition in
                subscribed[member.topicList].contains(partition.topic)
                    && partition.index.value < topics[partition.topic]?.partitionCount ?? 0
                    && taken.insert(partition).inserted
            }
        }
    }
}

extension ConsumerGroup {
    /// What an assignor of this group works on. Topics that don't exist are left out.
    func assignmentTask(_ known: SubscribableTopics) -> AssignmentTask {
        var listOf: [ConsumerSubscription: [TopicID]] = [:]
        for subscription in subscriptions.keys {
            listOf[subscription] = Set(names(of: subscription).compactMap(known.id)).sorted()
        }
        let lists = Set(listOf.values).sorted { $0.lexicographicallyPrecedes($1) }
        let positions = Dictionary(uniqueKeysWithValues: lists.enumerated().map { ($1, $0) })
        let positionOf = listOf.compactMapValues { positions[$0] }
        var topics: [TopicID: AssignableTopic] = [:]
        for id in lists.joined() where topics[id] == nil { topics[id] = known.topic(id) }
        let taking = members.values.sorted { $0.id < $1.id }.map { member in
            AssignmentTask.Member(
                id: member.id, instanceID: member.instanceID, rackID: member.rackID,
                topicList: positionOf[member.subscription] ?? 0, previous: targets[member.id] ?? [])
        }
        return AssignmentTask(members: taking, topicLists: lists, topics: topics)
    }
}
