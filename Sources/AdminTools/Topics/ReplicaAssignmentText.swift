package import Primitives

/// `--replica-assignment`: partitions divided by commas, the replicas of each by colons, the leader first.
package enum ReplicaAssignmentText {
    /// The brokers of partitions 0, 1, 2, …
    package static func parse(_ text: String) throws(ToolFailure) -> [[BrokerID]] {
        var assignments: [[BrokerID]] = []
        for (index, part) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            let brokers = try brokers(part)
            var seen: Set<BrokerID> = []
            let repeated = brokers.filter { !seen.insert($0).inserted }
            guard repeated.isEmpty else {
                let ids = repeated.map(\.description).joined(separator: ",")
                throw failure("Partition replica lists may not contain duplicate entries: \(ids)")
            }
            if let first = assignments.first, first.count != brokers.count {
                let ids = brokers.map(\.description).joined(separator: ", ")
                throw failure("Partition \(index) has different replication factor: [\(ids)]")
            }
            assignments.append(brokers)
        }
        return assignments
    }

    private static func brokers(_ part: Substring) throws(ToolFailure) -> [BrokerID] {
        var brokers: [BrokerID] = []
        for id in part.split(separator: ":", omittingEmptySubsequences: false) {
            let digits = id.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            guard let number = Int32(String(digits)), number >= 0 else { throw failure("For input string: \"\(id)\"") }
            brokers.append(BrokerID(number))
        }
        return brokers
    }

    private static func failure(_ text: String) -> ToolFailure {
        ToolFailure(TopicsCommand.failurePrefix + text, on: .output)
    }
}
