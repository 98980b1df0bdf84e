import Primitives

/// Divides each topic's partitions into ranges, one for each member that subscribes to it.
///
/// - Source: Kafka's `RangeAssignor`: members by id, static ones by their instance id; the first get one more.
package enum RangeAssignor {
    package static let name = "range"

    /// One member and what it subscribes to.
    package struct Member: Hashable, Sendable {
        package let id: String
        package let instanceID: String?
        package let topics: [String]

        package init(id: String, instanceID: String?, topics: [String]) {
            self.id = id
            self.instanceID = instanceID
            self.topics = topics
        }
    }

    /// What one member gets.
    package struct Share: Hashable, Sendable {
        package let memberID: String
        package let places: [TopicPartition]
    }

    /// The share of each member, which may be empty.
    package static func assign(
        _ members: [Member], partitionCounts: [String: Int]
    ) -> [Share] {
        let ordered = members.sorted { left, right in
            switch (left.instanceID, right.instanceID) {
            case (let left?, let right?): left < right
            case (.some, nil): true
            case (nil, .some): false
            case (nil, nil): left.id < right.id
            }
        }
        var assigned: [String: [TopicPartition]] = [:]
        for topic in Set(members.flatMap(\.topics)).sorted() {
            guard let count = partitionCounts[topic], count > 0 else { continue }
            let takers = ordered.filter { $0.topics.contains(topic) }
            let share = count / takers.count
            let extra = count % takers.count
            var next = 0
            for (index, taker) in takers.enumerated() {
                let own = share + (index < extra ? 1 : 0)
                assigned[taker.id, default: []] +=
                    (next..<next + own).map { TopicPartition(topic, PartitionIndex(Int32($0))) }
                next += own
            }
        }
        return ordered.map { Share(memberID: $0.id, places: assigned[$0.id] ?? []) }
    }
}
