package import Primitives
package import WireMessages

/// One member of a group by the consumer protocol, without its sockets: the coordinator shares the partitions out, and
/// moves the member there step by step in the answers to its heartbeats.
///
/// At most one heartbeat is under way. What the member has to give up it gives up before it says so, and what it may
/// take it takes only then.
/// - Source: KIP-848.
package struct ConsumerMembership: Sendable {
    /// Who the member is and how it shows that it lives.
    package struct Settings: Hashable, Sendable {
        package var groupID: String
        /// Chosen by the member, for its whole life.
        package var memberID: String
        package var instanceID: String?
        package var topics: [String]
        /// The coordinator's first assignor where none is named.
        package var assignor: String?
        package var rebalanceTimeoutMilliseconds: Int32 = 300_000
        package var retry = RetryPolicy(backoffMilliseconds: 50, backoffMillisecondsMax: 1_000)

        package init(groupID: String, memberID: String, topics: [String], instanceID: String? = nil) {
            self.groupID = groupID
            self.memberID = memberID
            self.topics = topics
            self.instanceID = instanceID
        }
    }

    /// A partition by its topic's id.
    package struct Share: Hashable, Comparable, Sendable {
        package let topic: TopicID
        package let partition: PartitionIndex

        package init(_ topic: TopicID, _ partition: PartitionIndex) {
            self.topic = topic
            self.partition = partition
        }

        package static func < (left: Share, right: Share) -> Bool {
            left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
        }
    }

    /// The request that is to be sent now; each has its answering function.
    package enum Effect: Hashable, Sendable {
        case findCoordinator
        case heartbeat(ConsumerGroupHeartbeatRequest)
    }

    /// What changed for the reader of records.
    package enum Change: Hashable, Sendable {
        case assigned([Share])
        /// To be given up: positions can still be committed. `gaveUp` is to be called when that is done.
        case revoked([Share])
        /// Another member may have them already: nothing can be committed.
        case lost([Share])
        /// The group refuses this member for good.
        case refused(ErrorCode)
    }

    private enum Phase: Hashable {
        /// Not in the group: the next heartbeat joins.
        case outside
        case inside(nextHeartbeat: MonotonicInstant)
        /// Until the reader has given up what it has to.
        case givingUp([Share], nextHeartbeat: MonotonicInstant)
        case refused
    }

    package private(set) var settings: Settings
    /// The epoch that the coordinator told last; 0 outside of the group.
    package private(set) var epoch: Int32 = 0
    /// What the member owns; sorted.
    package private(set) var owned: [Share] = []
    /// What the coordinator wants it to own; nil while that is not known to differ.
    private var target: [Share]?
    private var phase = Phase.outside
    private var isCoordinatorKnown = false
    private var isWaitingForAnswer = false
    private var isFullDue = true
    private var isOwnedDue = false
    /// What the heartbeat under way says: errors of commits and what is given up meanwhile make that old.
    private var said: (epoch: Int32, owned: [Share]?) = (0, nil)
    private var isSubscriptionDue = false
    private var heartbeatMilliseconds: Int64 = 0
    private var failedAttempts = 0
    private var notBefore: MonotonicInstant?

    package init(settings: Settings) {
        precondition(!settings.groupID.isEmpty && !settings.memberID.isEmpty, "a group and its member have names")
        self.settings = settings
    }

    /// True while the member is in the group and has nothing to give up.
    package var isStable: Bool { if case .inside = phase { target == nil && !isOwnedDue } else { false } }

    /// Subscribes to other topics, which the next heartbeat tells at once.
    package mutating func subscribe(to topics: [String]) {
        guard settings.topics != topics else { return }
        settings.topics = topics
        isSubscriptionDue = true
    }

    /// What to send now; nil while an answer or a wait is under way.
    package mutating func advance(now: MonotonicInstant) -> Effect? {
        if isWaitingForAnswer || phase == .refused { return nil }
        if let notBefore, now < notBefore { return nil }
        notBefore = nil
        guard isCoordinatorKnown else {
            isWaitingForAnswer = true
            return .findCoordinator
        }
        switch phase {
        case .inside(let next), .givingUp(_, let next):
            // What it has given up is told at once.
            if now < next && !isOwnedDue && !isSubscriptionDue { return nil }
        case .outside, .refused: break
        }
        isWaitingForAnswer = true
        defer { isSubscriptionDue = false }
        said = (epoch, isFullDue || isOwnedDue ? owned : nil)
        return .heartbeat(request())
    }

    /// When `advance` has something to do, if no answer comes before; nil while one is awaited.
    package var nextWake: MonotonicInstant? {
        if isWaitingForAnswer || phase == .refused { return nil }
        let soon = notBefore ?? MonotonicInstant(0)
        switch phase {
        case .inside(let next), .givingUp(_, let next):
            return isOwnedDue || isSubscriptionDue || !isCoordinatorKnown ? soon : max(next, soon)
        case .outside, .refused: return soon
        }
    }

    private func request() -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = settings.groupID
        request.memberID = settings.memberID
        request.memberEpoch = epoch
        request.instanceID = settings.instanceID
        if isFullDue {
            request.rebalanceTimeoutMilliseconds = settings.rebalanceTimeoutMilliseconds
            request.serverAssignor = settings.assignor
        }
        if isFullDue || isSubscriptionDue { request.subscribedTopicNames = settings.topics }
        if isFullDue || isOwnedDue { request.topicPartitions = ConsumerMembership.byTopic(owned) }
        return request
    }

    private static func byTopic(_ shares: [Share]) -> [ConsumerGroupHeartbeatRequest.TopicPartitions] {
        var topics: [ConsumerGroupHeartbeatRequest.TopicPartitions] = []
        for share in shares {
            if topics.last?.topicID != share.topic {
                topics.append(ConsumerGroupHeartbeatRequest.TopicPartitions())
                topics[topics.count - 1].topicID = share.topic
            }
            topics[topics.count - 1].partitions.append(share.partition)
        }
        return topics
    }

    /// The coordinator is known and can be reached.
    package mutating func coordinatorFound() {
        isWaitingForAnswer = false
        isCoordinatorKnown = true
        failedAttempts = 0
    }

    /// No answer: the connection broke, time ran out, or no coordinator is known yet. The coordinator may have taken
    /// the heartbeat: all is said again.
    package mutating func unanswered(now: MonotonicInstant, using generator: inout some RandomNumberGenerator) {
        isWaitingForAnswer = false
        isCoordinatorKnown = false
        isFullDue = true
        backOff(now: now, using: &generator)
    }

    /// A heartbeat was answered.
    package mutating func answered(
        _ response: ConsumerGroupHeartbeatResponse, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Change] {
        isWaitingForAnswer = false
        guard response.errorCode == .noError else { return failed(response.errorCode, now: now, using: &generator) }
        failedAttempts = 0
        // It has begun anew since: the next heartbeat joins.
        if epoch == 0 && said.epoch != 0 { return [] }
        isFullDue = false
        if said.owned == owned { isOwnedDue = false }
        epoch = response.memberEpoch
        heartbeatMilliseconds = Int64(response.heartbeatIntervalMilliseconds)
        let next = now.advanced(byMilliseconds: heartbeatMilliseconds)
        if let assignment = response.assignment {
            target = assignment.topicPartitions.flatMap { topic in
                topic.partitions.map { Share(topic.topicID, $0) }
            }.sorted()
        }
        if case .givingUp(let shares, _) = phase {
            phase = .givingUp(shares, nextHeartbeat: next)
            return []
        }
        phase = .inside(nextHeartbeat: next)
        return move(next)
    }

    /// Goes one step towards the target.
    private mutating func move(_ next: MonotonicInstant) -> [Change] {
        guard let wanted = target else { return [] }
        let surplus = owned.filter { !wanted.contains($0) }
        if !surplus.isEmpty {
            phase = .givingUp(surplus, nextHeartbeat: next)
            return [.revoked(surplus)]
        }
        let fresh = wanted.filter { !owned.contains($0) }
        target = nil
        owned = wanted
        isOwnedDue = isOwnedDue || !fresh.isEmpty
        return fresh.isEmpty ? [] : [.assigned(fresh)]
    }

    /// The reader has given up what it was told to.
    package mutating func gaveUp() -> [Change] {
        guard case .givingUp(let shares, let next) = phase else { return [] }
        owned.removeAll(where: shares.contains)
        isOwnedDue = true
        phase = .inside(nextHeartbeat: next)
        return move(next)
    }

    /// The heartbeat with which the member says good-bye, for a while where it is static and comes back; nil outside of
    /// the group.
    package func leaveRequest(comesBack: Bool) -> ConsumerGroupHeartbeatRequest? {
        guard epoch > 0 else { return nil }
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = settings.groupID
        request.memberID = settings.memberID
        request.memberEpoch = comesBack && settings.instanceID != nil ? -2 : -1
        request.instanceID = settings.instanceID
        return request
    }

    /// An error of the group from any of its requests, OffsetCommit included.
    package mutating func failed(
        _ error: ErrorCode, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [Change] {
        isFullDue = true
        switch error {
        case .fencedMemberEpoch, .unknownMemberID, .groupIDNotFound:
            return beginAnew()
        case .staleMemberEpoch:
            // A commit under way while the epoch moved on: the next heartbeat tells.
            return []
        case .unreleasedInstanceID:
            // The former life's session has to end first.
            backOff(now: now, using: &generator)
            return []
        case .notCoordinator, .coordinatorNotAvailable:
            isCoordinatorKnown = false
            backOff(now: now, using: &generator)
            return []
        case _ where error.isRetriable:
            backOff(now: now, using: &generator)
            return []
        default:
            phase = .refused
            return giveBack() + [.refused(error)]
        }
    }

    private mutating func beginAnew() -> [Change] {
        epoch = 0
        phase = .outside
        return giveBack()
    }

    private mutating func giveBack() -> [Change] {
        defer {
            owned = []
            target = nil
            isOwnedDue = false
        }
        return owned.isEmpty ? [] : [.lost(owned)]
    }

    /// A wait is not begun anew before it has led to something: commits that fail again and again would put that off.
    private mutating func backOff(now: MonotonicInstant, using generator: inout some RandomNumberGenerator) {
        guard notBefore == nil else { return }
        notBefore = now.advanced(byMilliseconds: settings.retry.wait(after: failedAttempts, using: &generator))
        failedAttempts += 1
    }
}
