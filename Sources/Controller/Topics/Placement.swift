import Metadata
import Primitives

/// Where the replicas of new partitions go: striped over the brokers, so that leaders and followers are spread evenly,
/// and each partition over as many racks as there are.
struct Placement {
    /// A broker that can take a replica.
    struct Candidate: Hashable {
        let id: BrokerID
        /// Brokers that name no rack are in one of their own.
        let rack: String?
    }

    /// Brokers that can serve at once, neighbours in different racks where possible.
    private let active: [Candidate]
    /// Registered brokers that can't, used only if there are not enough others.
    private let inactive: [Candidate]

    /// - Parameter active: the brokers that can serve at once, by id.
    /// - Parameter inactive: the other registered ones, by id.
    init(active: [Candidate], inactive: [Candidate]) {
        self.active = Placement.alternating(active)
        self.inactive = Placement.alternating(inactive)
    }

    /// The replicas of `count` partitions.
    ///
    /// The first partition of a fresh cluster of three gets 1, 2, 3, the next 2, 3, 1; each round over all brokers
    /// pairs a leader with other followers than the round before.
    ///
    /// - Parameter start: how many partitions were placed before, so that small topics do not all begin at one broker.
    func replicas(
        partitions count: Int, replicationFactor: Int, start: Int
    ) throws(Refusal) -> [[BrokerID]] {
        let registered = active.count + inactive.count
        guard replicationFactor > 0 else {
            throw Refusal(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): Invalid replication factor "
                    + "\(replicationFactor): the replication factor must be positive.")
        }
        guard replicationFactor <= registered else {
            throw Refusal(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): The target replication factor of "
                    + "\(replicationFactor) cannot be reached because only \(registered) broker(s) are registered.")
        }
        guard !active.isEmpty else {
            throw Refusal(
                .invalidReplicationFactor,
                "Unable to replicate the partition \(replicationFactor) time(s): All brokers are currently fenced.")
        }
        return (0..<count).map { striped(partition: $0, replicationFactor, start) }
    }

    private func striped(partition: Int, _ replicationFactor: Int, _ start: Int) -> [BrokerID] {
        let total = active.count
        let first = (start + partition) % total
        let round = (start + partition) / total
        var replicas = [active[first]]
        var followers: [Candidate] = []
        for position in 0..<(total - 1) {
            followers.append(active[(first + 1 + (round + position) % (total - 1)) % total])
        }
        Placement.take(replicationFactor, of: followers, into: &replicas)
        let spares = inactive.indices.map { inactive[(first + $0) % inactive.count] }
        Placement.take(replicationFactor, of: spares, into: &replicas)
        return replicas.map(\.id)
    }

    /// Fills `replicas` up to `count`: first with one of each rack that has none, then with whoever is next.
    private static func take(_ count: Int, of candidates: [Candidate], into replicas: inout [Candidate]) {
        var left: [Candidate] = []
        for candidate in candidates where replicas.count < count {
            if replicas.contains(where: { $0.rack == candidate.rack }) {
                left.append(candidate)
            } else {
                replicas.append(candidate)
            }
        }
        replicas += left.prefix(count - replicas.count)
    }

    /// The brokers in an order in which each rack comes in turn.
    private static func alternating(_ brokers: [Candidate]) -> [Candidate] {
        let racks = Set(brokers.map(\.rack)).sorted { ($0 ?? "", $0 != nil ? 1 : 0) < ($1 ?? "", $1 != nil ? 1 : 0) }
        let groups = racks.map { rack in brokers.filter { $0.rack == rack } }
        let longest = groups.map(\.count).max() ?? 0
        return (0..<longest).flatMap { turn in groups.compactMap { turn < $0.count ? $0[turn] : nil } }
    }
}

extension ClusterController {
    var placement: Placement {
        let brokers = image.brokers.sorted
        let candidate = { (broker: BrokerRegistration) in Placement.Candidate(id: broker.id, rack: broker.rack) }
        return Placement(
            active: brokers.filter(\.isActive).map(candidate), inactive: brokers.filter { !$0.isActive }.map(candidate))
    }

    /// How many partitions clients have in the cluster.
    var placedPartitions: Int {
        image.topics.clientPartitionCount
    }
}
