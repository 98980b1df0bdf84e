import Primitives

/// What an operator sets about the controller.
package struct ControllerConfiguration: Hashable, Sendable {
    package let clusterID: String
    /// Longest silence of a broker before it is fenced (`broker.session.timeout.ms`).
    package var sessionTimeoutMilliseconds: Int64 = 3_000
    /// The thresholds of failure detection below the session.
    package var detection = DetectionSettings()
    /// Partitions of a topic that does not ask for a number (`num.partitions`).
    package var defaultPartitions: Int32 = 1
    /// Replicas of a topic that does not ask for a number (`default.replication.factor`).
    package var defaultReplicationFactor: Int16 = 1
    /// `min.insync.replicas` of topics that do not set it.
    package var defaultMinInSyncReplicas = 1
    /// `unclean.leader.election.enable` of topics that do not set it.
    package var isUncleanElectionDefault = false
    /// Whether DeleteTopics is served (`delete.topic.enable`).
    package var isTopicDeletionEnabled = true
    /// Defaults of topic configurations that the operator changed, by topic key.
    package var topicDefaults: [String: String] = [:]
    /// Longest time without a record before a NoOp is written (`metadata.max.idle.interval.ms`).
    package var idleIntervalMilliseconds: Int64 = 500
    /// How often leaderships are returned to preferred replicas; nil for never.
    package var rebalanceIntervalMilliseconds: Int64? = 300_000
    /// The features that a fresh cluster finalizes, in this order.
    package var bootstrapFeatures = ClusterFeatures.bootstrap

    package init(clusterID: String) { self.clusterID = clusterID }
}
