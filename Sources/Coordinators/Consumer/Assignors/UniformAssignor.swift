import Metadata
import Primitives

/// Shares partitions out evenly: where all subscribe to the same, no two members differ by more than one partition.
/// Each keeps what it can of what it has.
///
/// Of what is free, a member gets those first that have a replica in its rack, where racks are known; nobody gives a
/// partition up for that.
/// - Source: KIP-848; Kafka's `UniformAssignor`, which does not look at racks.
enum UniformAssignor {
    /// For members that all subscribe to the same topics.
    static func assignEvenly(_ task: AssignmentTask) -> [[TopicPartitionID]] {
        var targets = task.kept()
        guard let topics = task.topicLists.first, !task.members.isEmpty else { return targets }
        let total = topics.reduce(0) { $0 + (task.topics[$1]?.partitionCount ?? 0) }
        let quota = total / task.members.count
        var extraCount = total % task.members.count
        // Those that have most keep one more, so that as few partitions as possible move.
        let order = targets.indices.sorted { (targets[$1].count, $0) < (targets[$0].count, $1) }
        var missing = [Int](repeating: 0, count: targets.count)
        for position in order {
            let share = quota + (extraCount > 0 ? 1 : 0)
            extraCount -= extraCount > 0 ? 1 : 0
            if targets[position].count > share { targets[position].removeLast(targets[position].count - share) }
            missing[position] = share - targets[position].count
        }
        let taken = Set(targets.joined())
        let free = topics.flatMap { topic in
            (0..<(task.topics[topic]?.partitionCount ?? 0)).map {
                TopicPartitionID(topic, PartitionIndex(Int32($0)))
            }
        }.filter { !taken.contains($0) }
        fill(&targets, missing, with: free, order, task)
        return targets.map { $0.sorted() }
    }

    /// Gives the members what they miss: first from their rack, then whatever is left.
    private static func fill(
        _ targets: inout [[TopicPartitionID]], _ missing: [Int], with free: [TopicPartitionID], _ order: [Int],
        _ task: AssignmentTask
    ) {
        var missing = missing
        var isTaken = [Bool](repeating: false, count: free.count)
        var nearby: [String: [Int]] = [:]
        for (index, partition) in free.enumerated() {
            guard let racks = task.topics[partition.topic]?.racks, !racks.isEmpty else { continue }
            for rack in racks[Int(partition.index.value)] { nearby[rack, default: []].append(index) }
        }
        for position in order where missing[position] > 0 {
            guard let rack = task.members[position].rackID else { continue }
            while missing[position] > 0, let index = nearby[rack]?.popLast() {
                guard !isTaken[index] else { continue }
                isTaken[index] = true
                targets[position].append(free[index])
                missing[position] -= 1
            }
        }
        var left = free.indices.filter { !isTaken[$0] }[...]
        for position in order {
            for index in left.prefix(missing[position]) { targets[position].append(free[index]) }
            left = left.dropFirst(missing[position])
        }
        precondition(left.isEmpty, "partitions are left that nobody was to get")
    }

    /// For members that subscribe to different topics: each free partition goes to the subscriber that has least, then
    /// partitions move from those that have more to those that have less, as long as that makes a difference.
    static func assignByTopic(_ task: AssignmentTask) -> [[TopicPartitionID]] {
        var targets = task.kept()
        var loads = targets.map(\.count)
        let subscribers = subscribers(in: task)
        let topics = order(of: subscribers, in: task)
        let taken = Set(targets.joined())
        for topic in topics {
            let free = (0..<(task.topics[topic]?.partitionCount ?? 0)).map {
                TopicPartitionID(topic, PartitionIndex(Int32($0)))
            }
            pour(free.filter { !taken.contains($0) }, into: subscribers[topic] ?? [], &targets, &loads)
        }
        for _ in 0..<roundsMax {
            var hasMoved = false
            for topic in topics {
                while even(topic, among: subscribers[topic] ?? [], &targets, &loads) { hasMoved = true }
            }
            if !hasMoved { break }
        }
        return targets.map { $0.sorted() }
    }

    /// Topics share members: what one topic moves may unbalance another. As many rounds as Kafka's.
    private static let roundsMax = 16

    private static func subscribers(in task: AssignmentTask) -> [TopicID: [Int]] {
        var subscribers: [TopicID: [Int]] = [:]
        for (position, member) in task.members.enumerated() {
            for topic in task.topicLists[member.topicList] { subscribers[topic, default: []].append(position) }
        }
        return subscribers
    }

    /// Topics with the most partitions for each subscriber first: the others even out what these leave.
    private static func order(of subscribers: [TopicID: [Int]], in task: AssignmentTask) -> [TopicID] {
        subscribers.keys.sorted { left, right in
            let (leftCount, rightCount) = (subscribers[left]?.count ?? 1, subscribers[right]?.count ?? 1)
            // a/b > c/d, without fractions.
            let leftLoad = (task.topics[left]?.partitionCount ?? 0) * rightCount
            let rightLoad = (task.topics[right]?.partitionCount ?? 0) * leftCount
            return (rightLoad, leftCount, left) < (leftLoad, rightCount, right)
        }
    }

    /// Fills up from the least loaded: all that are level get one, then those of the next level join them.
    private static func pour(
        _ free: [TopicPartitionID], into subscribers: [Int], _ targets: inout [[TopicPartitionID]],
        _ loads: inout [Int]
    ) {
        guard !free.isEmpty, !subscribers.isEmpty else { return }
        let order = subscribers.sorted { (loads[$0], $0) < (loads[$1], $1) }
        var (next, levelEnd) = (0, 0)
        for partition in free {
            if next == levelEnd {
                let level = loads[order[0]]
                while levelEnd < order.count, loads[order[levelEnd]] == level { levelEnd += 1 }
                next = 0
            }
            targets[order[next]].append(partition)
            loads[order[next]] += 1
            next += 1
        }
    }

    /// Moves one partition of the topic from each of those that have most to one of those that have least; false where
    /// there was nothing to gain.
    private static func even(
        _ topic: TopicID, among subscribers: [Int], _ targets: inout [[TopicPartitionID]], _ loads: inout [Int]
    ) -> Bool {
        let order = subscribers.sorted { (loads[$0], $0) < (loads[$1], $1) }
        var (low, high) = (0, order.count - 1)
        var hasMoved = false
        while low < high {
            let (poor, rich) = (order[low], order[high])
            if loads[rich] - loads[poor] <= 1 { break }
            high -= 1
            guard let index = targets[rich].lastIndex(where: { $0.topic == topic }) else { continue }
            targets[poor].append(targets[rich].remove(at: index))
            loads[rich] -= 1
            loads[poor] += 1
            low += 1
            hasMoved = true
        }
        return hasMoved
    }
}
