package import Primitives
package import WireMessages
import WireProtocol

/// One member of a group of consumers, by the classic protocol, without its sockets.
///
/// At most one request is under way; `advance` says which. Rebalances are eager: all partitions are given back before
/// the member joins again.
package struct GroupMembership: Sendable {
    /// Who the member is and how it shows that it lives.
    package struct Settings: Hashable, Sendable {
        package var groupID: String
        package var instanceID: String?
        package var topics: [String]
        package var sessionTimeoutMilliseconds: Int32 = 45_000
        package var rebalanceTimeoutMilliseconds: Int32 = 300_000
        package var heartbeatIntervalMilliseconds: Int64 = 3_000
        package var retry = RetryPolicy(backoffMilliseconds: 50, backoffMillisecondsMax: 1_000)

        package init(groupID: String, topics: [String], instanceID: String? = nil) {
            self.groupID = groupID
            self.topics = topics
            self.instanceID = instanceID
        }
    }

    /// The request that is to be sent now, or the question to be answered; each has its answering function.
    package enum Effect: Hashable, Sendable {
        case findCoordinator
        case join(JoinGroupRequest)
        /// This member leads: it needs the partition counts of these topics.
        case countPartitions(topics: [String])
        case sync(SyncGroupRequest)
        case heartbeat(HeartbeatRequest)
    }

    /// What changed for the reader of records.
    package enum Change: Hashable, Sendable {
        case assigned([TopicPartition])
        /// To be given back: positions can still be committed.
        case revoked([TopicPartition])
        /// Another member may have them already: nothing can be committed.
        case lost([TopicPartition])
        /// The group refuses this member for good.
        case refused(ErrorCode)
    }

    private enum Phase: Hashable {
        case coordinatorUnknown
        case unjoined
        case dividing([JoinGroupResponse.JoinGroupResponseMember], protocolName: String)
        case joined(SyncGroupRequest)
        case stable(nextHeartbeat: MonotonicInstant)
        case refused
    }

    package private(set) var settings: Settings
    package private(set) var memberID = ""
    package private(set) var generation: Int32?
    private var phase = Phase.coordinatorUnknown
    /// A stable member keeps its share while it looks for another coordinator: that one goes on with the generation.
    private var hasLostCoordinator = false
    private var isWaitingForAnswer = false
    private var assigned: [TopicPartition] = []
    private var failedAttempts = 0
    private var notBefore: MonotonicInstant?
    /// The partition counts by which this member has divided the topics; nil where another one leads.
    private var dividedBy: [String: Int]?

    package init(settings: Settings) {
        precondition(!settings.groupID.isEmpty, "a group has a name")
        self.settings = settings
    }

    /// True while the member has its share and nobody asked it to give it back.
    package var isStable: Bool { if case .stable = phase { true } else { false } }

    /// Subscribes to other topics; the member gives its partitions back and joins again.
    ///
    /// - Returns: nil while it is about to join: it has to be called again later.
    package mutating func subscribe(to topics: [String]) -> [Change]? {
        if settings.topics == topics { return [] }
        switch phase {
        case .coordinatorUnknown, .unjoined:
            guard !isWaitingForAnswer else { return nil }
            settings.topics = topics
            return []
        case .stable:
            settings.topics = topics
            phase = .unjoined
            return giveBack { .revoked($0) }
        case .dividing, .joined, .refused: return nil
        }
    }

    /// What the topics have now, none where one does not exist: a member that has divided other counts joins again, to
    /// divide them anew.
    package mutating func seen(_ partitionCounts: [String: Int]) -> [Change] {
        guard case .stable = phase, let dividedBy,
            dividedBy.contains(where: { topic, count in partitionCounts[topic] ?? 0 != count })
        else { return [] }
        phase = .unjoined
        return giveBack { .revoked($0) }
    }

    /// What to send now; nil while an answer or a wait is under way.
    package mutating func advance(now: MonotonicInstant) -> Effect? {
        if isWaitingForAnswer { return nil }
        if let notBefore, now < notBefore { return nil }
        notBefore = nil
        let effect: Effect
        switch phase {
        case .stable where hasLostCoordinator: effect = .findCoordinator
        case .coordinatorUnknown: effect = .findCoordinator
        case .unjoined: effect = .join(joinRequest())
        case .dividing(let members, _):
            let topics = members.flatMap { (try? ConsumerProtocol.topics(ofSubscription: $0.metadata)) ?? [] }
            effect = .countPartitions(topics: Set(topics).sorted())
        case .joined(let request): effect = .sync(request)
        case .stable(let nextHeartbeat):
            guard now >= nextHeartbeat else { return nil }
            effect = .heartbeat(heartbeatRequest())
        case .refused: return nil
        }
        isWaitingForAnswer = true
        return effect
    }

    /// When `advance` has something to do, if no answer comes before; nil while one is awaited.
    package var nextWake: MonotonicInstant? {
        if isWaitingForAnswer || phase == .refused { return nil }
        if case .stable(let nextHeartbeat) = phase, !hasLostCoordinator {
            return max(nextHeartbeat, notBefore ?? nextHeartbeat)
        }
        return notBefore ?? MonotonicInstant(0)
    }

    /// The coordinator is known and can be reached.
    package mutating func coordinatorFound() {
        isWaitingForAnswer = false
        failedAttempts = 0
        hasLostCoordinator = false
        if phase == .coordinatorUnknown { phase = .unjoined }
    }

    /// No answer: the connection broke, time ran out, or no coordinator is known yet.
    package mutating func unanswered(now: MonotonicInstant, using generator: inout some RandomNumberGenerator) {
        isWaitingForAnswer = false
        backOff(now: now, using: &generator)
        if case .dividing = phase { return }
        loseCoordinator()
    }

    /// JoinGroup was answered.
    package mutating func answered(
        _ response: JoinGroupResponse, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [Change] {
        isWaitingForAnswer = false
        if response.errorCode == .memberIDRequired {
            memberID = response.memberID
            return []
        }
        guard response.errorCode == .noError else {
            return failed(response.errorCode, now: now, using: &generator)
        }
        failedAttempts = 0
        memberID = response.memberID
        generation = response.generationID
        let protocolName = response.protocolName ?? RangeAssignor.name
        dividedBy = nil
        if response.leader == memberID, !response.skipAssignment {
            phase = .dividing(response.members, protocolName: protocolName)
        } else {
            phase = .joined(syncRequest(protocolName: protocolName, assignments: []))
        }
        return []
    }

    /// The partition counts that the leader asked for; topics that do not exist are left out.
    package mutating func counted(_ partitionCounts: [String: Int]) {
        // Also where the error of a commit has led elsewhere meanwhile: else the member would wait for ever.
        isWaitingForAnswer = false
        guard case .dividing(let members, let protocolName) = phase else { return }
        let subscribed = members.map { member in
            RangeAssignor.Member(
                id: member.memberID, instanceID: member.groupInstanceID,
                topics: (try? ConsumerProtocol.topics(ofSubscription: member.metadata)) ?? [])
        }
        let wanted = Set(subscribed.flatMap(\.topics))
        dividedBy = Dictionary(uniqueKeysWithValues: wanted.map { ($0, partitionCounts[$0] ?? 0) })
        let shares = RangeAssignor.assign(subscribed, partitionCounts: partitionCounts)
        let assignments = shares.map { share in
            var entry = SyncGroupRequest.SyncGroupRequestAssignment()
            entry.memberID = share.memberID
            entry.assignment = ConsumerProtocol.assignment(share.places)
            return entry
        }
        phase = .joined(syncRequest(protocolName: protocolName, assignments: assignments))
    }

    /// SyncGroup was answered.
    package mutating func answered(
        _ response: SyncGroupResponse, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [Change] {
        isWaitingForAnswer = false
        guard response.errorCode == .noError,
            let places = try? ConsumerProtocol.places(ofAssignment: response.assignment)
        else {
            let error = response.errorCode == .noError ? ErrorCode.inconsistentGroupProtocol : response.errorCode
            return failed(error, now: now, using: &generator)
        }
        failedAttempts = 0
        assigned = places
        phase = .stable(nextHeartbeat: now.advanced(byMilliseconds: settings.heartbeatIntervalMilliseconds))
        return [.assigned(places)]
    }

    /// Heartbeat was answered.
    package mutating func answered(
        _ response: HeartbeatResponse, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [Change] {
        isWaitingForAnswer = false
        guard response.errorCode == .noError else { return failed(response.errorCode, now: now, using: &generator) }
        failedAttempts = 0
        if case .stable = phase {
            phase = .stable(nextHeartbeat: now.advanced(byMilliseconds: settings.heartbeatIntervalMilliseconds))
        }
        return []
    }

    /// The LeaveGroup request with which a dynamic member says good-bye; nil if it never joined.
    package func leaveRequest() -> LeaveGroupRequest? {
        guard generation != nil, settings.instanceID == nil else { return nil }
        var member = LeaveGroupRequest.MemberIdentity()
        member.memberID = memberID
        var request = LeaveGroupRequest()
        request.groupID = settings.groupID
        request.members = [member]
        return request
    }

    /// An error of the group from any of its requests, OffsetCommit included.
    package mutating func failed(
        _ error: ErrorCode, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [Change] {
        switch error {
        case .rebalanceInProgress:
            phase = .unjoined
            return giveBack { .revoked($0) }
        case .unknownMemberID, .illegalGeneration:
            memberID = error == .unknownMemberID ? "" : memberID
            generation = nil
            phase = .unjoined
            return giveBack { .lost($0) }
        case .notCoordinator, .coordinatorNotAvailable:
            backOff(now: now, using: &generator)
            loseCoordinator()
            return []
        case _ where error.isRetriable:
            backOff(now: now, using: &generator)
            return []
        default:
            phase = .refused
            return giveBack { .lost($0) } + [.refused(error)]
        }
    }

    private mutating func loseCoordinator() {
        hasLostCoordinator = isStable
        if !isStable { phase = .coordinatorUnknown }
    }

    private mutating func giveBack(_ change: ([TopicPartition]) -> Change) -> [Change] {
        defer { assigned = [] }
        return assigned.isEmpty ? [] : [change(assigned)]
    }

    /// A wait is not begun anew before it has led to something: commits that fail again and again would put that off.
    private mutating func backOff(now: MonotonicInstant, using generator: inout some RandomNumberGenerator) {
        guard notBefore == nil else { return }
        notBefore = now.advanced(byMilliseconds: settings.retry.wait(after: failedAttempts, using: &generator))
        failedAttempts += 1
    }

    private func joinRequest() -> JoinGroupRequest {
        var offer = JoinGroupRequest.JoinGroupRequestProtocol()
        offer.name = RangeAssignor.name
        offer.metadata = ConsumerProtocol.subscription(settings.topics, owned: [])
        var request = JoinGroupRequest()
        request.groupID = settings.groupID
        request.sessionTimeoutMilliseconds = settings.sessionTimeoutMilliseconds
        request.rebalanceTimeoutMilliseconds = settings.rebalanceTimeoutMilliseconds
        request.memberID = memberID
        request.groupInstanceID = settings.instanceID
        request.protocolType = ConsumerProtocol.type
        request.protocols = [offer]
        return request
    }

    private func syncRequest(
        protocolName: String, assignments: [SyncGroupRequest.SyncGroupRequestAssignment]
    ) -> SyncGroupRequest {
        var request = SyncGroupRequest()
        request.groupID = settings.groupID
        request.generationID = generation ?? -1
        request.memberID = memberID
        request.groupInstanceID = settings.instanceID
        request.protocolType = ConsumerProtocol.type
        request.protocolName = protocolName
        request.assignments = assignments
        return request
    }

    private func heartbeatRequest() -> HeartbeatRequest {
        var request = HeartbeatRequest()
        request.groupID = settings.groupID
        request.generationID = generation ?? -1
        request.memberID = memberID
        request.groupInstanceID = settings.instanceID
        return request
    }
}
