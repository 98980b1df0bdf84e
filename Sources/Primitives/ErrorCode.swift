/// The protocol's error codes, as Kafka 4.3 numbers and names them.
@usableFromInline package struct ErrorCode: NumberOfAKind {
    @usableFromInline package let value: Int16
    @inlinable package init(_ value: Int16) { self.value = value }

    package static let unknownServerError = ErrorCode(-1)
    @inlinable package static var noError: ErrorCode { ErrorCode(0) }
    package static let offsetOutOfRange = ErrorCode(1)
    package static let corruptMessage = ErrorCode(2)
    package static let unknownTopicOrPartition = ErrorCode(3)
    package static let invalidFetchSize = ErrorCode(4)
    package static let leaderNotAvailable = ErrorCode(5)
    package static let notLeaderOrFollower = ErrorCode(6)
    package static let requestTimedOut = ErrorCode(7)
    package static let brokerNotAvailable = ErrorCode(8)
    package static let replicaNotAvailable = ErrorCode(9)
    package static let messageTooLarge = ErrorCode(10)
    package static let staleControllerEpoch = ErrorCode(11)
    package static let offsetMetadataTooLarge = ErrorCode(12)
    package static let networkException = ErrorCode(13)
    package static let coordinatorLoadInProgress = ErrorCode(14)
    package static let coordinatorNotAvailable = ErrorCode(15)
    package static let notCoordinator = ErrorCode(16)
    package static let invalidTopicException = ErrorCode(17)
    package static let recordListTooLarge = ErrorCode(18)
    package static let notEnoughReplicas = ErrorCode(19)
    package static let notEnoughReplicasAfterAppend = ErrorCode(20)
    package static let invalidRequiredAcks = ErrorCode(21)
    package static let illegalGeneration = ErrorCode(22)
    package static let inconsistentGroupProtocol = ErrorCode(23)
    package static let invalidGroupID = ErrorCode(24)
    package static let unknownMemberID = ErrorCode(25)
    package static let invalidSessionTimeout = ErrorCode(26)
    package static let rebalanceInProgress = ErrorCode(27)
    package static let invalidCommitOffsetSize = ErrorCode(28)
    package static let topicAuthorizationFailed = ErrorCode(29)
    package static let groupAuthorizationFailed = ErrorCode(30)
    package static let clusterAuthorizationFailed = ErrorCode(31)
    package static let invalidTimestamp = ErrorCode(32)
    package static let unsupportedSASLMechanism = ErrorCode(33)
    package static let illegalSASLState = ErrorCode(34)
    package static let unsupportedVersion = ErrorCode(35)
    package static let topicAlreadyExists = ErrorCode(36)
    package static let invalidPartitions = ErrorCode(37)
    package static let invalidReplicationFactor = ErrorCode(38)
    package static let invalidReplicaAssignment = ErrorCode(39)
    package static let invalidConfig = ErrorCode(40)
    package static let notController = ErrorCode(41)
    package static let invalidRequest = ErrorCode(42)
    package static let unsupportedForMessageFormat = ErrorCode(43)
    package static let policyViolation = ErrorCode(44)
    package static let outOfOrderSequenceNumber = ErrorCode(45)
    package static let duplicateSequenceNumber = ErrorCode(46)
    package static let invalidProducerEpoch = ErrorCode(47)
    package static let invalidTxnState = ErrorCode(48)
    package static let invalidProducerIDMapping = ErrorCode(49)
    package static let invalidTransactionTimeout = ErrorCode(50)
    package static let concurrentTransactions = ErrorCode(51)
    package static let transactionCoordinatorFenced = ErrorCode(52)
    package static let transactionalIDAuthorizationFailed = ErrorCode(53)
    package static let securityDisabled = ErrorCode(54)
    package static let operationNotAttempted = ErrorCode(55)
    package static let kafkaStorageError = ErrorCode(56)
    package static let logDirNotFound = ErrorCode(57)
    package static let saslAuthenticationFailed = ErrorCode(58)
    package static let unknownProducerID = ErrorCode(59)
    package static let reassignmentInProgress = ErrorCode(60)
    package static let delegationTokenAuthDisabled = ErrorCode(61)
    package static let delegationTokenNotFound = ErrorCode(62)
    package static let delegationTokenOwnerMismatch = ErrorCode(63)
    package static let delegationTokenRequestNotAllowed = ErrorCode(64)
    package static let delegationTokenAuthorizationFailed = ErrorCode(65)
    package static let delegationTokenExpired = ErrorCode(66)
    package static let invalidPrincipalType = ErrorCode(67)
    package static let nonEmptyGroup = ErrorCode(68)
    package static let groupIDNotFound = ErrorCode(69)
    package static let fetchSessionIDNotFound = ErrorCode(70)
    package static let invalidFetchSessionEpoch = ErrorCode(71)
    package static let listenerNotFound = ErrorCode(72)
    package static let topicDeletionDisabled = ErrorCode(73)
    package static let fencedLeaderEpoch = ErrorCode(74)
    package static let unknownLeaderEpoch = ErrorCode(75)
    package static let unsupportedCompressionType = ErrorCode(76)
    package static let staleBrokerEpoch = ErrorCode(77)
    package static let offsetNotAvailable = ErrorCode(78)
    package static let memberIDRequired = ErrorCode(79)
    package static let preferredLeaderNotAvailable = ErrorCode(80)
    package static let groupMaxSizeReached = ErrorCode(81)
    package static let fencedInstanceID = ErrorCode(82)
    package static let eligibleLeadersNotAvailable = ErrorCode(83)
    package static let electionNotNeeded = ErrorCode(84)
    package static let noReassignmentInProgress = ErrorCode(85)
    package static let groupSubscribedToTopic = ErrorCode(86)
    package static let invalidRecord = ErrorCode(87)
    package static let unstableOffsetCommit = ErrorCode(88)
    package static let throttlingQuotaExceeded = ErrorCode(89)
    package static let producerFenced = ErrorCode(90)
    package static let resourceNotFound = ErrorCode(91)
    package static let duplicateResource = ErrorCode(92)
    package static let unacceptableCredential = ErrorCode(93)
    package static let inconsistentVoterSet = ErrorCode(94)
    package static let invalidUpdateVersion = ErrorCode(95)
    package static let featureUpdateFailed = ErrorCode(96)
    package static let principalDeserializationFailure = ErrorCode(97)
    package static let snapshotNotFound = ErrorCode(98)
    package static let positionOutOfRange = ErrorCode(99)
    package static let unknownTopicID = ErrorCode(100)
    package static let duplicateBrokerRegistration = ErrorCode(101)
    package static let brokerIDNotRegistered = ErrorCode(102)
    package static let inconsistentTopicID = ErrorCode(103)
    package static let inconsistentClusterID = ErrorCode(104)
    package static let transactionalIDNotFound = ErrorCode(105)
    package static let fetchSessionTopicIDError = ErrorCode(106)
    package static let ineligibleReplica = ErrorCode(107)
    package static let newLeaderElected = ErrorCode(108)
    package static let offsetMovedToTieredStorage = ErrorCode(109)
    package static let fencedMemberEpoch = ErrorCode(110)
    package static let unreleasedInstanceID = ErrorCode(111)
    package static let unsupportedAssignor = ErrorCode(112)
    package static let staleMemberEpoch = ErrorCode(113)
    package static let mismatchedEndpointType = ErrorCode(114)
    package static let unsupportedEndpointType = ErrorCode(115)
    package static let unknownControllerID = ErrorCode(116)
    package static let unknownSubscriptionID = ErrorCode(117)
    package static let telemetryTooLarge = ErrorCode(118)
    package static let invalidRegistration = ErrorCode(119)
    package static let transactionAbortable = ErrorCode(120)
    package static let invalidRecordState = ErrorCode(121)
    package static let shareSessionNotFound = ErrorCode(122)
    package static let invalidShareSessionEpoch = ErrorCode(123)
    package static let fencedStateEpoch = ErrorCode(124)
    package static let invalidVoterKey = ErrorCode(125)
    package static let duplicateVoter = ErrorCode(126)
    package static let voterNotFound = ErrorCode(127)
    package static let invalidRegularExpression = ErrorCode(128)
    package static let rebootstrapRequired = ErrorCode(129)
    package static let streamsInvalidTopology = ErrorCode(130)
    package static let streamsInvalidTopologyEpoch = ErrorCode(131)
    package static let streamsTopologyFenced = ErrorCode(132)
    package static let shareSessionLimitReached = ErrorCode(133)

    /// Kafka's name, as tools and logs show it.
    package var name: String { ErrorCode.names[Int(value) + 1] ?? "UNKNOWN_\(value)" }

    @usableFromInline package var description: String { name }

    /// True where clients try again by themselves.
    package var isRetriable: Bool { ErrorCode.retriable.contains(value) }

    private static let retriable: Set<Int16> = [
        2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106,
        122, 123, 133,
    ]

    private static let names: [Int: String] = [
        0: "UNKNOWN_SERVER_ERROR",
        1: "NONE",
        2: "OFFSET_OUT_OF_RANGE",
        3: "CORRUPT_MESSAGE",
        4: "UNKNOWN_TOPIC_OR_PARTITION",
        5: "INVALID_FETCH_SIZE",
        6: "LEADER_NOT_AVAILABLE",
        7: "NOT_LEADER_OR_FOLLOWER",
        8: "REQUEST_TIMED_OUT",
        9: "BROKER_NOT_AVAILABLE",
        10: "REPLICA_NOT_AVAILABLE",
        11: "MESSAGE_TOO_LARGE",
        12: "STALE_CONTROLLER_EPOCH",
        13: "OFFSET_METADATA_TOO_LARGE",
        14: "NETWORK_EXCEPTION",
        15: "COORDINATOR_LOAD_IN_PROGRESS",
        16: "COORDINATOR_NOT_AVAILABLE",
        17: "NOT_COORDINATOR",
        18: "INVALID_TOPIC_EXCEPTION",
        19: "RECORD_LIST_TOO_LARGE",
        20: "NOT_ENOUGH_REPLICAS",
        21: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        22: "INVALID_REQUIRED_ACKS",
        23: "ILLEGAL_GENERATION",
        24: "INCONSISTENT_GROUP_PROTOCOL",
        25: "INVALID_GROUP_ID",
        26: "UNKNOWN_MEMBER_ID",
        27: "INVALID_SESSION_TIMEOUT",
        28: "REBALANCE_IN_PROGRESS",
        29: "INVALID_COMMIT_OFFSET_SIZE",
        30: "TOPIC_AUTHORIZATION_FAILED",
        31: "GROUP_AUTHORIZATION_FAILED",
        32: "CLUSTER_AUTHORIZATION_FAILED",
        33: "INVALID_TIMESTAMP",
        34: "UNSUPPORTED_SASL_MECHANISM",
        35: "ILLEGAL_SASL_STATE",
        36: "UNSUPPORTED_VERSION",
        37: "TOPIC_ALREADY_EXISTS",
        38: "INVALID_PARTITIONS",
        39: "INVALID_REPLICATION_FACTOR",
        40: "INVALID_REPLICA_ASSIGNMENT",
        41: "INVALID_CONFIG",
        42: "NOT_CONTROLLER",
        43: "INVALID_REQUEST",
        44: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        45: "POLICY_VIOLATION",
        46: "OUT_OF_ORDER_SEQUENCE_NUMBER",
        47: "DUPLICATE_SEQUENCE_NUMBER",
        48: "INVALID_PRODUCER_EPOCH",
        49: "INVALID_TXN_STATE",
        50: "INVALID_PRODUCER_ID_MAPPING",
        51: "INVALID_TRANSACTION_TIMEOUT",
        52: "CONCURRENT_TRANSACTIONS",
        53: "TRANSACTION_COORDINATOR_FENCED",
        54: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        55: "SECURITY_DISABLED",
        56: "OPERATION_NOT_ATTEMPTED",
        57: "KAFKA_STORAGE_ERROR",
        58: "LOG_DIR_NOT_FOUND",
        59: "SASL_AUTHENTICATION_FAILED",
        60: "UNKNOWN_PRODUCER_ID",
        61: "REASSIGNMENT_IN_PROGRESS",
        62: "DELEGATION_TOKEN_AUTH_DISABLED",
        63: "DELEGATION_TOKEN_NOT_FOUND",
        64: "DELEGATION_TOKEN_OWNER_MISMATCH",
        65: "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
        66: "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
        67: "DELEGATION_TOKEN_EXPIRED",
        68: "INVALID_PRINCIPAL_TYPE",
        69: "NON_EMPTY_GROUP",
        70: "GROUP_ID_NOT_FOUND",
        71: "FETCH_SESSION_ID_NOT_FOUND",
        72: "INVALID_FETCH_SESSION_EPOCH",
        73: "LISTENER_NOT_FOUND",
        74: "TOPIC_DELETION_DISABLED",
        75: "FENCED_LEADER_EPOCH",
        76: "UNKNOWN_LEADER_EPOCH",
        77: "UNSUPPORTED_COMPRESSION_TYPE",
        78: "STALE_BROKER_EPOCH",
        79: "OFFSET_NOT_AVAILABLE",
        80: "MEMBER_ID_REQUIRED",
        81: "PREFERRED_LEADER_NOT_AVAILABLE",
        82: "GROUP_MAX_SIZE_REACHED",
        83: "FENCED_INSTANCE_ID",
        84: "ELIGIBLE_LEADERS_NOT_AVAILABLE",
        85: "ELECTION_NOT_NEEDED",
        86: "NO_REASSIGNMENT_IN_PROGRESS",
        87: "GROUP_SUBSCRIBED_TO_TOPIC",
        88: "INVALID_RECORD",
        89: "UNSTABLE_OFFSET_COMMIT",
        90: "THROTTLING_QUOTA_EXCEEDED",
        91: "PRODUCER_FENCED",
        92: "RESOURCE_NOT_FOUND",
        93: "DUPLICATE_RESOURCE",
        94: "UNACCEPTABLE_CREDENTIAL",
        95: "INCONSISTENT_VOTER_SET",
        96: "INVALID_UPDATE_VERSION",
        97: "FEATURE_UPDATE_FAILED",
        98: "PRINCIPAL_DESERIALIZATION_FAILURE",
        99: "SNAPSHOT_NOT_FOUND",
        100: "POSITION_OUT_OF_RANGE",
        101: "UNKNOWN_TOPIC_ID",
        102: "DUPLICATE_BROKER_REGISTRATION",
        103: "BROKER_ID_NOT_REGISTERED",
        104: "INCONSISTENT_TOPIC_ID",
        105: "INCONSISTENT_CLUSTER_ID",
        106: "TRANSACTIONAL_ID_NOT_FOUND",
        107: "FETCH_SESSION_TOPIC_ID_ERROR",
        108: "INELIGIBLE_REPLICA",
        109: "NEW_LEADER_ELECTED",
        110: "OFFSET_MOVED_TO_TIERED_STORAGE",
        111: "FENCED_MEMBER_EPOCH",
        112: "UNRELEASED_INSTANCE_ID",
        113: "UNSUPPORTED_ASSIGNOR",
        114: "STALE_MEMBER_EPOCH",
        115: "MISMATCHED_ENDPOINT_TYPE",
        116: "UNSUPPORTED_ENDPOINT_TYPE",
        117: "UNKNOWN_CONTROLLER_ID",
        118: "UNKNOWN_SUBSCRIPTION_ID",
        119: "TELEMETRY_TOO_LARGE",
        120: "INVALID_REGISTRATION",
        121: "TRANSACTION_ABORTABLE",
        122: "INVALID_RECORD_STATE",
        123: "SHARE_SESSION_NOT_FOUND",
        124: "INVALID_SHARE_SESSION_EPOCH",
        125: "FENCED_STATE_EPOCH",
        126: "INVALID_VOTER_KEY",
        127: "DUPLICATE_VOTER",
        128: "VOTER_NOT_FOUND",
        129: "INVALID_REGULAR_EXPRESSION",
        130: "REBOOTSTRAP_REQUIRED",
        131: "STREAMS_INVALID_TOPOLOGY",
        132: "STREAMS_INVALID_TOPOLOGY_EPOCH",
        133: "STREAMS_TOPOLOGY_FENCED",
        134: "SHARE_SESSION_LIMIT_REACHED",
    ]
}
