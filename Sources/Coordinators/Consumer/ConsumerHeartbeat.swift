import Metadata
import Primitives
import WireMessages

/// Why a request of a member is not done, in words for its log.
struct ConsumerRefusal: Error, Hashable {
    let code: ErrorCode
    let message: String

    init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    static func unknownMember(_ id: String, of group: String) -> ConsumerRefusal {
        ConsumerRefusal(.unknownMemberID, "Member \(id) is not a member of group \(group).")
    }

    static func fenced(_ difference: String, _ said: Int32, _ known: Int32) -> ConsumerRefusal {
        ConsumerRefusal(
            .fencedMemberEpoch,
            "The consumer group member has a \(difference) member epoch (\(said)) than the one known by the group "
                + "coordinator (\(known)). The member must abandon all its partitions and rejoin.")
    }
}

extension ConsumerGroupHeartbeatResponse {
    static func failure(_ refusal: ConsumerRefusal) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = refusal.code
        response.errorMessage = refusal.message
        return response
    }

    static func assigned(_ owned: [OwnedPartition]) -> Assignment {
        var assignment = Assignment()
        assignment.topicPartitions = owned.map(\.partition).byTopic.map { entry in
            var topic = TopicPartitions()
            topic.topicID = entry.topic
            topic.partitions = entry.partitions
            return topic
        }
        return assignment
    }
}

extension ConsumerGroupHeartbeatRequest {
    /// True where the member says all of itself, as when it joins or after an error: it is told its assignment, then.
    var isFull: Bool {
        memberEpoch == 0
            || rebalanceTimeoutMilliseconds != -1 && topicPartitions != nil
                && (subscribedTopicNames != nil || subscribedTopicRegex != nil)
    }

    /// What the member owns; nil where it has not said.
    var ownedPartitions: Set<TopicPartitionID>? {
        topicPartitions.map { topics in
            Set(topics.flatMap { topic in topic.partitions.map { TopicPartitionID(topic.topicID, $0) } })
        }
    }

    /// Checks what can be checked without the group.
    ///
    /// - Errors: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR.
    func check(version: Int16, _ settings: GroupConfiguration) throws(ConsumerRefusal) {
        func refuse(_ message: String) -> ConsumerRefusal { ConsumerRefusal(.invalidRequest, message) }
        func isBlank(_ text: String?) -> Bool { text.map { $0.allSatisfy(\.isWhitespace) } ?? false }

        if isBlank(groupID) { throw refuse("GroupId can't be empty.") }
        if isBlank(instanceID) { throw refuse("InstanceId can't be empty.") }
        if isBlank(rackID) { throw refuse("RackId can't be empty.") }
        if memberEpoch != 0 || version >= 1, isBlank(memberID) { throw refuse("MemberId can't be empty.") }
        if memberID.utf8.count > settings.memberIDBytesMax { throw refuse("MemberId is too long.") }
        if instanceID?.utf8.count ?? 0 > settings.instanceIDBytesMax { throw refuse("InstanceId is too long.") }
        switch memberEpoch {
        case 0:
            if rebalanceTimeoutMilliseconds == -1 {
                throw refuse("RebalanceTimeoutMs must be provided in first request.")
            }
            if topicPartitions.map({ !$0.isEmpty }) ?? true {
                throw refuse("TopicPartitions must be empty when (re-)joining.")
            }
            if subscribedTopicNames == nil && subscribedTopicRegex == nil {
                throw refuse("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
            }
        case 1..., ConsumerMember.leavingEpoch: break
        case ConsumerMember.awayEpoch:
            if instanceID == nil { throw refuse("InstanceId can't be null.") }
        default: throw refuse("MemberEpoch is invalid.")
        }
        if let assignor = serverAssignor, !settings.consumerAssignors.contains(where: { $0.rawValue == assignor }) {
            let supported = settings.consumerAssignors.map(\.rawValue).joined(separator: ", ")
            throw ConsumerRefusal(
                .unsupportedAssignor,
                "ServerAssignor \(assignor) is not supported. Supported assignors: \(supported).")
        }
    }
}

extension ConsumerMember {
    /// What the member is after it has said what changed: a null leaves things as they are.
    mutating func adopt(_ request: ConsumerGroupHeartbeatRequest, from origin: RequestOrigin) {
        instanceID = request.instanceID ?? instanceID
        rackID = request.rackID ?? rackID
        if request.rebalanceTimeoutMilliseconds != -1 {
            rebalanceTimeoutMilliseconds = request.rebalanceTimeoutMilliseconds
        }
        serverAssignor = request.serverAssignor ?? serverAssignor
        if let names = request.subscribedTopicNames { subscription.names = Set(names).sorted() }
        if let expression = request.subscribedTopicRegex {
            subscription.expression = expression.isEmpty ? nil : expression
        }
        clientID = origin.clientID
        clientHost = origin.clientHost
        classic = nil
    }

    /// Checks the epoch that a member says it is in.
    ///
    /// - Errors: FENCED_MEMBER_EPOCH.
    func checkEpoch(_ said: Int32, owned: Set<TopicPartitionID>?) throws(ConsumerRefusal) {
        if said > epoch { throw .fenced("greater", said, epoch) }
        if said == epoch { return }
        // The answer that told the new epoch may have been lost: then it has nothing that it should not.
        let mine = Set(assigned.map(\.partition))
        guard said == previousEpoch, let owned, owned.isSubset(of: mine) else {
            throw .fenced("smaller", said, epoch)
        }
    }
}
