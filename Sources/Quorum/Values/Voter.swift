package import Primitives

/// Where a voter's controller listener is reached.
package struct VoterEndpoint: Hashable, Sendable, CustomStringConvertible {
    package let listenerName: String
    package let host: String
    package let port: UInt16

    package init(listenerName: String, host: String, port: UInt16) {
        self.listenerName = listenerName
        self.host = host
        self.port = port
    }

    package var description: String { "\(listenerName)://\(host):\(port)" }
}

/// An address where a node of the quorum is expected, whoever it is (`controller.quorum.bootstrap.servers`).
package struct QuorumAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String { "\(host):\(port)" }
}

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

    /// Whether a replica is the voter that this key names: one that is named with its directory must have that one.
    package func admits(_ replica: ReplicaKey) -> Bool {
        id == replica.id && (directoryID == nil || directoryID == replica.directoryID)
    }

    package static func < (left: ReplicaKey, right: ReplicaKey) -> Bool {
        left.id != right.id
            ? left.id < right.id : (left.directoryID ?? .zero) < (right.directoryID ?? .zero)
    }

    package var description: String { directoryID.map { "\(id)/\($0)" } ?? "\(id)" }
}

/// A replica with a vote: who it is, where it listens and what it can do (a `VotersRecord` of KIP-853).
package struct Voter: Hashable, Sendable {
    package var key: ReplicaKey
    /// None where only the configuration tells them.
    package var endpoints: [VoterEndpoint]
    /// The levels of the feature `kraft.version` that it can work with.
    package var kraftVersions: ClosedRange<Int16>

    package init(
        key: ReplicaKey, endpoints: [VoterEndpoint] = [], kraftVersions: ClosedRange<Int16> = Voter.builtKraftVersions
    ) {
        self.key = key
        self.endpoints = endpoints
        self.kraftVersions = kraftVersions
    }

    /// What this release can do: static voters (0) and dynamic ones (1).
    package static let builtKraftVersions: ClosedRange<Int16> = 0...1
}
