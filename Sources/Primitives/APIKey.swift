/// The number of an API in a request header.
@usableFromInline package struct APIKey: NumberOfAKind {
    @usableFromInline package let value: Int16
    @inlinable package init(_ value: Int16) { self.value = value }

    package static let produce = APIKey(0)
    package static let fetch = APIKey(1)
    package static let listOffsets = APIKey(2)
    package static let metadata = APIKey(3)
    package static let leaderAndIsr = APIKey(4)
    package static let stopReplica = APIKey(5)
    package static let updateMetadata = APIKey(6)
    package static let controlledShutdown = APIKey(7)
    package static let offsetCommit = APIKey(8)
    package static let offsetFetch = APIKey(9)
    package static let findCoordinator = APIKey(10)
    package static let joinGroup = APIKey(11)
    package static let heartbeat = APIKey(12)
    package static let leaveGroup = APIKey(13)
    package static let syncGroup = APIKey(14)
    package static let describeGroups = APIKey(15)
    package static let listGroups = APIKey(16)
    package static let saslHandshake = APIKey(17)
    package static let apiVersions = APIKey(18)
    package static let createTopics = APIKey(19)
    package static let deleteTopics = APIKey(20)
    package static let deleteRecords = APIKey(21)
    package static let initProducerID = APIKey(22)
    package static let offsetForLeaderEpoch = APIKey(23)
    package static let addPartitionsToTxn = APIKey(24)
    package static let addOffsetsToTxn = APIKey(25)
    package static let endTxn = APIKey(26)
    package static let writeTxnMarkers = APIKey(27)
    package static let txnOffsetCommit = APIKey(28)
    package static let describeAcls = APIKey(29)
    package static let createAcls = APIKey(30)
    package static let deleteAcls = APIKey(31)
    package static let describeConfigs = APIKey(32)
    package static let alterConfigs = APIKey(33)
    package static let alterReplicaLogDirs = APIKey(34)
    package static let describeLogDirs = APIKey(35)
    package static let saslAuthenticate = APIKey(36)
    package static let createPartitions = APIKey(37)
    package static let createDelegationToken = APIKey(38)
    package static let renewDelegationToken = APIKey(39)
    package static let expireDelegationToken = APIKey(40)
    package static let describeDelegationToken = APIKey(41)
    package static let deleteGroups = APIKey(42)
    package static let electLeaders = APIKey(43)
    package static let incrementalAlterConfigs = APIKey(44)
    package static let alterPartitionReassignments = APIKey(45)
    package static let listPartitionReassignments = APIKey(46)
    package static let offsetDelete = APIKey(47)
    package static let describeClientQuotas = APIKey(48)
    package static let alterClientQuotas = APIKey(49)
    package static let describeUserScramCredentials = APIKey(50)
    package static let alterUserScramCredentials = APIKey(51)
    package static let vote = APIKey(52)
    package static let beginQuorumEpoch = APIKey(53)
    package static let endQuorumEpoch = APIKey(54)
    package static let describeQuorum = APIKey(55)
    package static let alterPartition = APIKey(56)
    package static let updateFeatures = APIKey(57)
    package static let envelope = APIKey(58)
    package static let fetchSnapshot = APIKey(59)
    package static let describeCluster = APIKey(60)
    package static let describeProducers = APIKey(61)
    package static let brokerRegistration = APIKey(62)
    package static let brokerHeartbeat = APIKey(63)
    package static let unregisterBroker = APIKey(64)
    package static let describeTransactions = APIKey(65)
    package static let listTransactions = APIKey(66)
    package static let allocateProducerIDs = APIKey(67)
    package static let consumerGroupHeartbeat = APIKey(68)
    package static let consumerGroupDescribe = APIKey(69)
    package static let controllerRegistration = APIKey(70)
    package static let getTelemetrySubscriptions = APIKey(71)
    package static let pushTelemetry = APIKey(72)
    package static let assignReplicasToDirs = APIKey(73)
    package static let listConfigResources = APIKey(74)
    package static let describeTopicPartitions = APIKey(75)
    package static let shareGroupHeartbeat = APIKey(76)
    package static let shareGroupDescribe = APIKey(77)
    package static let shareFetch = APIKey(78)
    package static let shareAcknowledge = APIKey(79)
    package static let addRaftVoter = APIKey(80)
    package static let removeRaftVoter = APIKey(81)
    package static let updateRaftVoter = APIKey(82)
    package static let initializeShareGroupState = APIKey(83)
    package static let readShareGroupState = APIKey(84)
    package static let writeShareGroupState = APIKey(85)
    package static let deleteShareGroupState = APIKey(86)
    package static let readShareGroupStateSummary = APIKey(87)
    package static let streamsGroupHeartbeat = APIKey(88)
    package static let streamsGroupDescribe = APIKey(89)
    package static let describeShareGroupOffsets = APIKey(90)
    package static let alterShareGroupOffsets = APIKey(91)
    package static let deleteShareGroupOffsets = APIKey(92)

    /// Kafka's name of the API.
    @usableFromInline package var description: String {
        value >= 0 && Int(value) < APIKey.names.count ? APIKey.names[Int(value)] : "Unknown(\(value))"
    }

    private static let names = [
        "Produce",
        "Fetch",
        "ListOffsets",
        "Metadata",
        "LeaderAndIsr",
        "StopReplica",
        "UpdateMetadata",
        "ControlledShutdown",
        "OffsetCommit",
        "OffsetFetch",
        "FindCoordinator",
        "JoinGroup",
        "Heartbeat",
        "LeaveGroup",
        "SyncGroup",
        "DescribeGroups",
        "ListGroups",
        "SaslHandshake",
        "ApiVersions",
        "CreateTopics",
        "DeleteTopics",
        "DeleteRecords",
        "InitProducerId",
        "OffsetForLeaderEpoch",
        "AddPartitionsToTxn",
        "AddOffsetsToTxn",
        "EndTxn",
        "WriteTxnMarkers",
        "TxnOffsetCommit",
        "DescribeAcls",
        "CreateAcls",
        "DeleteAcls",
        "DescribeConfigs",
        "AlterConfigs",
        "AlterReplicaLogDirs",
        "DescribeLogDirs",
        "SaslAuthenticate",
        "CreatePartitions",
        "CreateDelegationToken",
        "RenewDelegationToken",
        "ExpireDelegationToken",
        "DescribeDelegationToken",
        "DeleteGroups",
        "ElectLeaders",
        "IncrementalAlterConfigs",
        "AlterPartitionReassignments",
        "ListPartitionReassignments",
        "OffsetDelete",
        "DescribeClientQuotas",
        "AlterClientQuotas",
        "DescribeUserScramCredentials",
        "AlterUserScramCredentials",
        "Vote",
        "BeginQuorumEpoch",
        "EndQuorumEpoch",
        "DescribeQuorum",
        "AlterPartition",
        "UpdateFeatures",
        "Envelope",
        "FetchSnapshot",
        "DescribeCluster",
        "DescribeProducers",
        "BrokerRegistration",
        "BrokerHeartbeat",
        "UnregisterBroker",
        "DescribeTransactions",
        "ListTransactions",
        "AllocateProducerIds",
        "ConsumerGroupHeartbeat",
        "ConsumerGroupDescribe",
        "ControllerRegistration",
        "GetTelemetrySubscriptions",
        "PushTelemetry",
        "AssignReplicasToDirs",
        "ListConfigResources",
        "DescribeTopicPartitions",
        "ShareGroupHeartbeat",
        "ShareGroupDescribe",
        "ShareFetch",
        "ShareAcknowledge",
        "AddRaftVoter",
        "RemoveRaftVoter",
        "UpdateRaftVoter",
        "InitializeShareGroupState",
        "ReadShareGroupState",
        "WriteShareGroupState",
        "DeleteShareGroupState",
        "ReadShareGroupStateSummary",
        "StreamsGroupHeartbeat",
        "StreamsGroupDescribe",
        "DescribeShareGroupOffsets",
        "AlterShareGroupOffsets",
        "DeleteShareGroupOffsets",
    ]
}
