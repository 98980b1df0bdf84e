import OrderedCollections
import Primitives
import WireMessages

/// What follows once the records of a write are committed, or have failed.
indirect enum AfterCommit: Hashable, Sendable {
    case reply(Ticket, GroupReply)
    case several([AfterCommit])
    /// The assignments of a generation reach its members.
    case assign(group: String, generation: Int32, leaderID: String, assignments: [String: Bytes])
    /// A static member's new id is known; `before` is the group to go back to when the record was not taken.
    case staticMemberReplaced(Ticket, GroupReply, memberID: String, before: ClassicGroup)
}

/// Groups that end with a write.
struct EndingGroups: Sendable {
    var deleted: [String] = []
    /// The classic group that a consumer group becomes.
    var becomes: ClassicGroup?
}

extension AfterCommit {
    /// The answers that wait for it.
    var replies: [(ticket: Ticket, reply: GroupReply)] {
        switch self {
        case .assign: []
        case .several(let all): all.flatMap(\.replies)
        case .reply(let ticket, let reply), .staticMemberReplaced(let ticket, let reply, _, _): [(ticket, reply)]
        }
    }
}

extension GroupReply {
    /// The same answer with every part that had succeeded failed: its records were not committed.
    func failed(with error: ErrorCode, memberID: String = "") -> GroupReply {
        switch self {
        case .join: return .join(.failure(error, memberID: memberID))
        case .sync: return .sync(.failure(error))
        case .leave(var response):
            response.errorCode = error
            return .leave(response)
        case .offsetCommit(var response):
            for topic in response.topics.indices {
                for index in response.topics[topic].partitions.indices
                where response.topics[topic].partitions[index].errorCode == .noError {
                    response.topics[topic].partitions[index].errorCode = error
                }
            }
            return .offsetCommit(response)
        case .offsetDelete:
            var response = OffsetDeleteResponse()
            response.errorCode = error
            return .offsetDelete(response)
        case .deleteGroups(var results):
            for index in results.indices where results[index].errorCode == .noError { results[index].errorCode = error }
            return .deleteGroups(results)
        case .consumerHeartbeat:
            return .consumerHeartbeat(.failure(ConsumerRefusal(error, "The group could not be written: \(error).")))
        case .transactionalCommit(var response):
            for topic in response.topics.indices {
                for index in response.topics[topic].partitions.indices
                where response.topics[topic].partitions[index].errorCode == .noError {
                    response.topics[topic].partitions[index].errorCode = error
                }
            }
            return .transactionalCommit(response)
        case .transactionEnded: return .transactionEnded(error)
        }
    }
}

extension ErrorCode {
    /// What a client is told when the write behind its request met this error.
    ///
    /// - Source: Kafka's `CoordinatorOperationExceptionHelper` and `toApiError`: errors of the log that mean "look for
    ///   the coordinator" or "try again" to a client.
    func asCoordinatorError(isOffsetCommit: Bool) -> ErrorCode {
        switch self {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .kafkaStorageError, .fencedLeaderEpoch, .unknownLeaderEpoch: .notCoordinator
        case .messageTooLarge, .recordListTooLarge, .invalidFetchSize:
            isOffsetCommit ? .invalidCommitOffsetSize : .unknownServerError
        default: self
        }
    }
}
