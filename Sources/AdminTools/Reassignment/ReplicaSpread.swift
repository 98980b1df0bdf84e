import MartletClient
import Primitives

/// Spreads the replicas of partitions over brokers evenly, and over racks where they are known: the way of Kafka's
/// tool, but that it begins with the lowest broker instead of a random one, so that the same question has the same
/// answer.
struct ReplicaSpread {
    /// Racks alternate.
    private let brokers: [BrokerID]
    private let rackOf: [BrokerID: String]
    private let rackCount: Int
    /// Where the next topic begins: leaders of many topics are spread as well.
    private var start = 0

    /// - Errors: no broker.
    init(_ nodes: [(id: BrokerID, rack: String?)]) throws(ToolFailure) {
        guard !nodes.isEmpty else { throw ToolFailure("None of the brokers of --broker-list is alive") }
        let sorted = nodes.sorted { $0.id < $1.id }
        rackOf = Dictionary(sorted.compactMap { node in node.rack.map { (node.id, $0) } }) { first, _ in first }
        let racks = Set(rackOf.values).sorted()
        rackCount = racks.count
        guard !racks.isEmpty else {
            brokers = sorted.map(\.id)
            return
        }
        let byRack = racks.map { rack in sorted.filter { $0.rack == rack }.map(\.id) }
        let longest = byRack.map(\.count).max() ?? 0
        brokers = (0..<longest).flatMap { round in byRack.filter { round < $0.count }.map { $0[round] } }
    }

    /// The replicas of `count` partitions, the preferred leader first.
    ///
    /// - Errors: fewer brokers than replicas.
    mutating func assign(_ count: Int, factor: Int) throws(ToolFailure) -> [[BrokerID]] {
        guard factor <= brokers.count else {
            throw ToolFailure("Replication factor: \(factor) larger than available brokers: \(brokers.count).")
        }
        var shift = 0
        let assignments = (0..<count).map { partition in
            if partition > 0, partition % brokers.count == 0 { shift += 1 }
            return replicas(first: (partition + start) % brokers.count, factor: factor, shift: shift)
        }
        start += count
        return assignments
    }

    private func replicas(first: Int, factor: Int, shift: Int) -> [BrokerID] {
        var chosen = [brokers[first]]
        var step = 0
        while chosen.count < factor {
            let distance = 1 + (shift * max(rackCount, 1) + step) % (brokers.count - 1)
            let candidate = brokers[(first + distance) % brokers.count]
            step += 1
            if !chosen.contains(candidate), isRackFree(of: candidate, chosen) { chosen.append(candidate) }
        }
        return chosen
    }

    /// False where the candidate's rack has a replica already and another rack has none.
    private func isRackFree(of candidate: BrokerID, _ chosen: [BrokerID]) -> Bool {
        guard let rack = rackOf[candidate] else { return true }
        let used = Set(chosen.compactMap { rackOf[$0] })
        return !used.contains(rack) || used.count == rackCount
    }
}
