package import Primitives

/// Why a change of the voters is not made.
package enum VoterRefusal: Hashable, Sendable, CustomStringConvertible {
    case changeUnderWay
    case noHighWatermark
    case lastChangeUncommitted(Offset)
    case voterUnreachable(ReplicaKey)
    case voterBehind(ReplicaKey)
    case notCommittedInTime
    case staticVoters
    case voterExists(BrokerID)
    case voterUnknown(ReplicaKey)
    case lastVoter(ReplicaKey)
    case directoryMissing
    case kraftVersionUnsupported(BrokerID, needed: Int16)
    case kraftVersionUnknown(Int16)
    case kraftVersionLowered(from: Int16)
    case votersUnreported([BrokerID])
    case kraftVersionUnfinalizable(Int16, forWantOf: BrokerID)
    case leadershipLost
    case notLeading

    /// The protocol's code for it.
    package var error: ErrorCode {
        switch self {
        case .changeUnderWay, .noHighWatermark, .lastChangeUncommitted, .voterUnreachable, .voterBehind,
            .notCommittedInTime:
            .requestTimedOut
        case .staticVoters: .unsupportedVersion
        case .voterExists: .duplicateVoter
        case .voterUnknown: .voterNotFound
        case .lastVoter, .directoryMissing, .kraftVersionUnsupported: .invalidRequest
        case .kraftVersionUnknown, .kraftVersionLowered, .votersUnreported, .kraftVersionUnfinalizable:
            .invalidUpdateVersion
        case .leadershipLost, .notLeading: .notLeaderOrFollower
        }
    }

    package var description: String {
        switch self {
        case .changeUnderWay: "Another change of the voters is under way; ask again when it is done."
        case .noHighWatermark: "The leader has committed nothing in its epoch yet; ask again."
        case .lastChangeUncommitted(let offset):
            "The last change of the voters, at offset \(offset), is not committed yet; ask again."
        case .voterUnreachable(let key): "Voter \(key) did not answer at the given endpoint."
        case .voterBehind(let key):
            "Replica \(key) did not catch up with the leader's log in time. Is it running, with this directory id?"
        case .notCommittedInTime: "The change is written but was not committed in time; it may still be."
        case .staticVoters: "The voters of this cluster are static: its kraft.version is 0."
        case .voterExists(let id): "Node \(id) is a voter already."
        case .voterUnknown(let key): "There is no voter \(key)."
        case .lastVoter(let key): "\(key) is the last voter; a quorum needs one."
        case .directoryMissing: "A voter is named by its node id and its directory id."
        case .kraftVersionUnsupported(let id, let needed): "Node \(id) does not support kraft.version \(needed)."
        case .kraftVersionUnknown(let level): "There is no kraft.version \(level); this release knows 0 and 1."
        case .kraftVersionLowered(let level): "kraft.version is \(level) and is never lowered."
        case .votersUnreported(let ids):
            "The leader has not heard which directory and kraft.version these voters have: "
                + ids.map { "\($0)" }.joined(separator: ", ")
        case .kraftVersionUnfinalizable(let level, let id): "Voter \(id) does not support kraft.version \(level)."
        case .notLeading: "This node does not lead the metadata quorum."
        case .leadershipLost: "The leader lost its epoch before the change was committed; it may still be."
        }
    }
}
