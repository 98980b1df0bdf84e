import Metadata
import Primitives

/// Gives each subscriber a run of neighbouring partitions of each topic; the first ones get one more where they don't
/// divide evenly. Static members come first, in the order of their instance ids, so that they keep theirs.
///
/// Where all subscribe to the same topics with as many partitions, the same numbers of all topics meet in one member.
/// - Source: KIP-848; Kafka's `RangeAssignor`.
enum RangeAssignor {
    private struct Progress {
        let shares: Int
        let partitionCount: Int
        var shareCount = 0
        var next: Int32 = 0

        mutating func takeShare() -> Range<Int32> {
            let extra = shareCount < partitionCount % shares ? 1 : 0
            shareCount += 1
            let start = next
            next += Int32(partitionCount / shares + extra)
            return start..<next
        }
    }

    static func assign(_ task: AssignmentTask) -> [[TopicPartitionID]] {
        var subscriberCounts: [TopicID: Int] = [:]
        for member in task.members {
            for topic in task.topicLists[member.topicList] { subscriberCounts[topic, default: 0] += 1 }
        }
        var progress: [TopicID: Progress] = [:]
        for (topic, count) in subscriberCounts {
            progress[topic] = Progress(shares: count, partitionCount: task.topics[topic]?.partitionCount ?? 0)
        }
        var targets = [[TopicPartitionID]](repeating: [], count: task.members.count)
        let order = task.members.indices.sorted { left, right in
            let (left, right) = (task.members[left], task.members[right])
            return switch (left.instanceID, right.instanceID) {
            case (let left?, let right?): left < right
            case (_?, nil): true
            case (nil, _?): false
            case (nil, nil): left.id < right.id
            }
        }
        for position in order {
            for topic in task.topicLists[task.members[position].topicList] {
                guard let share = progress[topic]?.takeShare() else { continue }
                targets[position] += share.map { TopicPartitionID(topic, PartitionIndex($0)) }
            }
        }
        return targets
    }
}
