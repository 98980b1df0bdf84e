package import Primitives

/// Who a replica of the metadata log is: its node id and the directory its log lives in (KIP-853).
///
/// A node whose disk was replaced keeps its id and gets another directory id.
package struct ReplicaKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let id: BrokerID
    /// Nil where it is not known: static voters name only node ids.
    package let directoryID: DirectoryID?

    package init(id: BrokerID, directoryID: DirectoryID? = nil) {
        self.id = id
        self.directoryID = directoryID
    }

    /// Whether both can be the same replica: equal ids, and no two different directories.
    package func matches(_ other: ReplicaKey) -> Bool {
        guard id == other.id else { return false }
        guard let mine = directoryID, let theirs = other.directoryID else { return true }
        return mine == theirs
    }

    package static func < (left: ReplicaKey, right: ReplicaKey) -> Bool {
        left.id != right.id
            ? left.id < right.id : (left.directoryID ?? .zero) < (right.directoryID ?? .zero)
    }

    package var description: String { directoryID.map { "\(id)/\($0)" } ?? "\(id)" }
}

/// The replicas whose majority decides, in order of their ids.
package struct VoterSet: Hashable, Sendable {
    package let all: [ReplicaKey]

    /// - Parameter voters: at least one, with different ids; in any order.
    package init(_ voters: [ReplicaKey]) {
        all = voters.sorted()
        precondition(!all.isEmpty, "a quorum needs a voter")
        precondition(zip(all, all.dropFirst()).allSatisfy { $0.id != $1.id }, "a voter is named twice")
    }

    /// The least number of voters that is more than half.
    package var majority: Int { all.count / 2 + 1 }

    /// Whether a replica votes.
    package func contains(_ replica: ReplicaKey) -> Bool { all.contains { $0.matches(replica) } }

    /// Whether a node votes, whatever its directory.
    package func contains(id: BrokerID) -> Bool { all.contains { $0.id == id } }

    /// The voter with this node id.
    package func key(of id: BrokerID) -> ReplicaKey? { all.first { $0.id == id } }

    /// All but the replica with this id.
    package func others(than id: BrokerID) -> [ReplicaKey] { all.filter { $0.id != id } }
}
