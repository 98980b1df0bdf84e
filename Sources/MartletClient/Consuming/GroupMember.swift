import ClientCore
import Primitives
import WireMessages
import World

/// This consumer as a member of its group, by one of the two protocols.
enum GroupMember {
    case classic(GroupMembership)
    case consumer(ConsumerMembership)

    /// The request or question that is next.
    enum Effect {
        case classic(GroupMembership.Effect)
        case consumer(ConsumerMembership.Effect)
    }

    var groupID: String {
        switch self {
        case .classic(let member): member.settings.groupID
        case .consumer(let member): member.settings.groupID
        }
    }

    /// What is subscribed to.
    var topics: [String] {
        switch self {
        case .classic(let member): member.settings.topics
        case .consumer(let member): member.settings.topics
        }
    }

    mutating func advance(now: MonotonicInstant) -> Effect? {
        switch self {
        case .classic(var member):
            defer { self = .classic(member) }
            return member.advance(now: now).map { .classic($0) }
        case .consumer(var member):
            defer { self = .consumer(member) }
            return member.advance(now: now).map { .consumer($0) }
        }
    }

    mutating func coordinatorFound() {
        change({ $0.coordinatorFound() }, { $0.coordinatorFound() })
    }

    mutating func unanswered(now: MonotonicInstant, using generator: inout SeededGenerator) {
        change({ $0.unanswered(now: now, using: &generator) }, { $0.unanswered(now: now, using: &generator) })
    }

    /// The commit of these positions in the member's name.
    func commit(_ positions: [TopicPartition: CommittedOffsets.Position]) -> OffsetCommitRequest {
        switch self {
        case .classic(let member):
            CommittedOffsets.commit(
                group: groupID, memberID: member.memberID, generation: member.generation,
                instanceID: member.settings.instanceID, positions)
        case .consumer(let member):
            CommittedOffsets.commit(
                group: groupID, memberID: member.settings.memberID, generation: member.epoch,
                instanceID: member.settings.instanceID, positions)
        }
    }

    /// Works on the member, whichever it is.
    mutating func change<Result>(
        _ classic: (inout GroupMembership) -> Result, _ consumer: (inout ConsumerMembership) -> Result
    ) -> Result {
        switch self {
        case .classic(var member):
            defer { self = .classic(member) }
            return classic(&member)
        case .consumer(var member):
            defer { self = .consumer(member) }
            return consumer(&member)
        }
    }
}
