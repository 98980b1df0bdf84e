package import Primitives

/// The replicas whose majority decides, in order of their ids; empty on a node that has not learned of any.
package struct VoterSet: Hashable, Sendable {
    package let members: [Voter]

    package static let none = VoterSet(members: [])

    /// - Parameter members: with different ids, in any order.
    package init(members: [Voter]) {
        self.members = members.sorted { $0.key < $1.key }
        precondition(
            zip(self.members, self.members.dropFirst()).allSatisfy { $0.key.id != $1.key.id }, "a voter is named twice")
    }

    /// Voters of which nothing but the keys is known.
    package init(_ voters: [ReplicaKey]) { self.init(members: voters.map { Voter(key: $0) }) }

    package var all: [ReplicaKey] { members.map(\.key) }
    package var isEmpty: Bool { members.isEmpty }

    /// The least number of voters that is more than half.
    package var majority: Int { members.count / 2 + 1 }

    /// Whether a replica votes.
    package func contains(_ replica: ReplicaKey) -> Bool { members.contains { $0.key.admits(replica) } }

    /// Whether a node votes, whatever its directory.
    package func contains(id: BrokerID) -> Bool { members.contains { $0.key.id == id } }

    /// The voter with this node id.
    package func voter(_ id: BrokerID) -> Voter? { members.first { $0.key.id == id } }

    /// The key of the voter with this node id.
    package func key(of id: BrokerID) -> ReplicaKey? { voter(id)?.key }

    /// All but the replica with this id.
    package func others(than id: BrokerID) -> [ReplicaKey] { all.filter { $0.id != id } }

    /// With one voter more; its id is not among them yet.
    package func adding(_ voter: Voter) -> VoterSet { VoterSet(members: members + [voter]) }

    /// Without the voter of this id.
    package func removing(id: BrokerID) -> VoterSet { VoterSet(members: members.filter { $0.key.id != id }) }

    /// With what is newly known of the voter of the same id.
    package func updating(_ voter: Voter) -> VoterSet {
        VoterSet(members: members.map { $0.key.id == voter.key.id ? voter : $0 })
    }
}
