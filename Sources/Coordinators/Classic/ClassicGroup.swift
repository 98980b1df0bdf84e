import OrderedCollections
import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

/// The wait for members to (re)join.
struct JoinPhase: Hashable, Sendable {
    /// The first rebalance of an empty group: waits a while for more members, and again if one came meanwhile.
    struct InitialRound: Hashable, Sendable {
        /// How long this round lasts.
        var delayMilliseconds: Int64
        /// How much longer the rounds after it may take together.
        var remainingMilliseconds: Int64
        var memberJoined: Bool
    }

    var deadline: MonotonicInstant
    var initialRound: InitialRound?
}

/// Where a classic group stands.
enum ClassicGroupState: Hashable, Sendable {
    /// No members; offsets may remain. → preparingRebalance on a join.
    case empty
    /// Waits for members to join. → completingRebalance when they have; → empty when all are gone.
    case preparingRebalance(JoinPhase)
    /// Waits for the leader's assignment and its commitment. → stable; → preparingRebalance when the members change.
    case completingRebalance(syncDeadline: MonotonicInstant)
    /// Members work. The deadline is that of members which have not fetched their assignment yet.
    case stable(syncDeadline: MonotonicInstant?)

    /// Kafka's name.
    var name: String {
        switch self {
        case .empty: "Empty"
        case .preparingRebalance: "PreparingRebalance"
        case .completingRebalance: "CompletingRebalance"
        case .stable: "Stable"
        }
    }
}

/// What a step of one group produced: answers that may leave now, and at most one write.
struct GroupOutcome {
    var replies: [(ticket: Ticket, reply: GroupReply)] = []
    var write: GroupDecision?
    /// For the group's timeline.
    var events: [GroupEvent] = []
}

/// A record of the group, and what follows once it is committed.
struct GroupDecision {
    let record: GroupRecord
    let then: AfterCommit?
}

/// A group of the classic protocol: membership and rebalance, where the clients share out the partitions themselves.
///
/// Membership between two generations lives in memory only; the log has each generation with its assignment, and the
/// fact that a group became empty. A new coordinator therefore starts from the last complete generation.
/// - Source: KIP-62, KIP-345 (static members), KIP-394 (two-step join), KIP-814 (skip assignment); Kafka's
///   `GroupMetadataManager` and `ClassicGroup`.
struct ClassicGroup: Hashable, Sendable {
    let id: String
    var state: ClassicGroupState = .empty
    /// Number of the present generation; 0 before the first.
    var generation: Int32 = 0
    var protocolType: String?
    /// The protocol chosen for the present generation.
    var protocolName: String?
    var leaderID: String?
    /// In the order of their first join.
    var members: OrderedDictionary<String, ClassicMember> = [:]
    /// Member ids by `group.instance.id`.
    var staticMembers: [String: String] = [:]
    /// Ids handed out (KIP-394) and not used yet, with the time at which they lapse.
    var pendingMembers: OrderedDictionary<String, MonotonicInstant> = [:]
    /// When the present state began, by the calendar; ages the offsets of an empty group.
    var stateTimestamp: Timestamp?
    /// The topics that the members of the present generation subscribe to; nil where that can't be known.
    var subscribedTopics: Set<String>?
    /// Not later than the earliest deadline in the group; nil when it has none.
    var wakeAt: MonotonicInstant?

    init(id: String) { self.id = id }

    /// True when nothing would be lost by forgetting the group (its offsets are kept elsewhere).
    var isForgettable: Bool { state == .empty && generation == 0 && pendingMembers.isEmpty && members.isEmpty }

    var isPreparing: Bool {
        if case .preparingRebalance = state { true } else { false }
    }

    var isCompleting: Bool {
        if case .completingRebalance = state { true } else { false }
    }

    /// The longest rebalance timeout of its members.
    var rebalanceTimeoutMilliseconds: Int64 { Int64(members.values.map(\.rebalanceTimeoutMilliseconds).max() ?? 0) }

    /// True when every member waits in its join and no handed-out id is still to come.
    var hasAllMembersJoined: Bool {
        #if MUTANTS
            if Mutant.rebalanceUnawaited.isOn { return true }
        #endif
        return pendingMembers.isEmpty && members.values.allSatisfy(\.isAwaitingJoin)
    }

    mutating func enter(_ next: ClassicGroupState, at time: CoordinatorTime) {
        state = next
        stateTimestamp = time.timeOfDay
    }

    /// Makes sure that the group is looked at when `deadline` passes.
    mutating func wake(at deadline: MonotonicInstant) { wakeAt = wakeAt.map { min($0, deadline) } ?? deadline }

    /// Starts a member's session anew.
    mutating func heard(_ memberID: String, at now: MonotonicInstant) {
        members[memberID]?.heard(at: now)
        if let deadline = members[memberID]?.sessionDeadline { wake(at: deadline) }
    }

    // MARK: Who may speak

    /// Checks that a member id and instance id are those of a present member.
    /// - Returns: UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID, or nil.
    func errorOfMember(_ memberID: String, instanceID: String?) -> ErrorCode? {
        if let instanceID {
            guard let current = staticMembers[instanceID] else { return .unknownMemberID }
            if current != memberID { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : nil
    }

    // MARK: Membership

    mutating func add(_ member: ClassicMember, protocolType: String) {
        precondition(members[member.id] == nil, "member \(member.id) is added twice")
        if members.isEmpty { self.protocolType = protocolType }
        if leaderID == nil { leaderID = member.id }
        if let instanceID = member.instanceID { staticMembers[instanceID] = member.id }
        pendingMembers[member.id] = nil
        members[member.id] = member
    }

    /// Takes a member out; the caller has answered what it had parked.
    mutating func drop(_ memberID: String) {
        guard let member = members.removeValue(forKey: memberID) else { return }
        if let instanceID = member.instanceID, staticMembers[instanceID] == memberID { staticMembers[instanceID] = nil }
        if leaderID == memberID { leaderID = members.keys.first }
    }

    /// Answers what the member has parked with `error`.
    mutating func answerParked(of memberID: String, with error: ErrorCode, into outcome: inout GroupOutcome) {
        guard let parked = members[memberID]?.parked else { return }
        members[memberID]?.parked = .nothing
        switch parked {
        case .nothing: break
        case .join(let ticket):
            let shownID = error == .unknownMemberID ? "" : memberID
            outcome.replies.append((ticket, .join(.failure(error, memberID: shownID))))
        case .sync(let ticket): outcome.replies.append((ticket, .sync(.failure(error))))
        }
    }

    // MARK: Protocols

    /// True where a member with these protocols can take part: it shares the type and one protocol with all members.
    func supports(protocolType: String, protocols: [MemberProtocol]) -> Bool {
        guard !protocolType.isEmpty, !protocols.isEmpty else { return false }
        if members.isEmpty { return true }
        return protocolType == self.protocolType
            && protocols.contains { offered in members.values.allSatisfy { $0.metadata(of: offered.name) != nil } }
    }

    /// The protocol that all members know and most of them prefer; among equals the one that the earliest member votes
    /// for.
    var favouriteProtocol: String? {
        guard let first = members.values.first else { return nil }
        let candidates = first.protocols.map(\.name).filter { name in
            members.values.allSatisfy { $0.metadata(of: name) != nil }
        }
        var votes: OrderedDictionary<String, Int> = [:]
        for member in members.values {
            let vote = member.protocols.first { candidates.contains($0.name) }
            if let vote { votes[vote.name, default: 0] += 1 }
        }
        let most = votes.values.max()
        return votes.first { $0.value == most }?.key
    }
}

extension JoinGroupResponse {
    static func failure(_ error: ErrorCode, memberID: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.errorCode = error
        response.memberID = memberID
        response.protocolName = nil
        return response
    }
}

extension SyncGroupResponse {
    static func failure(_ error: ErrorCode) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.errorCode = error
        return response
    }
}
