package import MartletClient
package import Primitives

/// How Kafka's tools show an error of the cluster: the class of an exception, and its text.
package enum ExceptionText {
    private static let package = "org.apache.kafka.common.errors."

    /// `org.apache.kafka.common.errors.GroupNotEmptyException: The group is not empty.`
    package static func of(_ error: ClientError) -> String {
        switch error.kind {
        case .broker: "\(className(of: error.code ?? .unknownServerError)): \(message(of: error))"
        case .timeout: "\(package)TimeoutException: \(error)"
        case .unsupported: "\(package)UnsupportedVersionException: \(error)"
        case .connection, .invalid, .closed: error.description
        }
    }

    /// What the cluster said, or what Kafka's client says where the cluster sent no text.
    package static func message(of error: ClientError) -> String {
        guard let code = error.code, error.description == code.name else { return error.description }
        return message(of: code)
    }

    /// The text that belongs to a code; its name where Kafka's text is not known here.
    package static func message(of code: ErrorCode) -> String { known[code.value]?.message ?? code.name }

    /// The full name of the exception that belongs to a code.
    package static func className(of code: ErrorCode) -> String {
        if let name = known[code.value]?.name { return "\(package)\(name)Exception" }
        let words = code.name.split(separator: "_").map { $0.prefix(1) + $0.dropFirst().lowercased() }
        return "\(package)\(words.joined())Exception"
    }

    private static let known: [Int16: (name: String, message: String)] = [
        -1: ("UnknownServer", "The server experienced an unexpected error when processing the request."),
        1: (
            "OffsetOutOfRange",
            "The requested offset is not within the range of offsets maintained by the server."
        ),
        3: ("UnknownTopicOrPartition", "This server does not host this topic-partition."),
        5: (
            "LeaderNotAvailable",
            "There is no leader for this topic-partition as we are in the middle of a leadership election."
        ),
        6: (
            "NotLeaderOrFollower",
            "For requests intended only for the leader, this error indicates that the broker is not the current "
                + "leader. For requests intended for any replica, this error indicates that the broker is not a "
                + "replica of the topic partition."
        ),
        7: ("Timeout", "The request timed out."),
        8: ("BrokerNotAvailable", "The broker is not available."),
        9: (
            "ReplicaNotAvailable",
            "The replica is not available for the requested topic-partition. Produce/Fetch requests and other "
                + "requests intended only for the leader or follower return NOT_LEADER_OR_FOLLOWER if the broker is "
                + "not a replica of the topic-partition."
        ),
        14: ("CoordinatorLoadInProgress", "The coordinator is loading and hence can't process requests."),
        15: ("CoordinatorNotAvailable", "The coordinator is not available."),
        16: ("NotCoordinator", "This is not the correct coordinator."),
        17: ("InvalidTopic", "The request attempted to perform an operation on an invalid topic."),
        22: ("IllegalGeneration", "Specified group generation id is not valid."),
        24: ("InvalidGroupId", "The configured groupId is invalid."),
        25: ("UnknownMemberId", "The coordinator is not aware of this member."),
        27: ("RebalanceInProgress", "The group is rebalancing, so a rejoin is needed."),
        29: ("TopicAuthorization", "Topic authorization failed."),
        30: ("GroupAuthorization", "Group authorization failed."),
        31: ("ClusterAuthorization", "Cluster authorization failed."),
        35: ("UnsupportedVersion", "The version of API is not supported."),
        36: ("TopicExists", "Topic with this name already exists."),
        37: ("InvalidPartitions", "Number of partitions is below 1."),
        38: (
            "InvalidReplicationFactor",
            "Replication factor is below 1 or larger than the number of available brokers."
        ),
        39: ("InvalidReplicaAssignment", "Replica assignment is invalid."),
        40: ("InvalidConfiguration", "Configuration is invalid."),
        41: ("NotController", "This is not the correct controller for this cluster."),
        42: (
            "InvalidRequest",
            "This most likely occurs because of a request being malformed by the client library or the message was "
                + "sent to an incompatible broker. See the broker logs for more details."
        ),
        56: ("KafkaStorage", "Disk error when trying to access log file on the disk."),
        57: ("LogDirNotFound", "The user-specified log directory is not found in the broker config."),
        60: ("ReassignmentInProgress", "A partition reassignment is in progress."),
        68: ("GroupNotEmpty", "The group is not empty."),
        69: ("GroupIdNotFound", "The group id does not exist."),
        80: ("PreferredLeaderNotAvailable", "The preferred leader was not available."),
        81: ("GroupMaxSizeReached", "The consumer group has reached its max size."),
        83: ("EligibleLeadersNotAvailable", "Eligible topic partition leaders are not available."),
        84: ("ElectionNotNeeded", "Leader election not needed for topic partition."),
        85: ("NoReassignmentInProgress", "No partition reassignment is in progress."),
        86: (
            "GroupSubscribedToTopic",
            "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."
        ),
        102: ("BrokerIdNotRegistered", "The given broker ID was not registered."),
        105: ("TransactionalIdNotFound", "The transactionalId could not be found"),
        128: ("InvalidRegularExpression", "The regular expression is not valid."),
    ]
}
