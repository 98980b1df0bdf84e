package import Controller

extension ControllerConfiguration {
    /// The controller's part of a node's properties.
    package init(clusterID: String, settings: Settings) {
        self.init(clusterID: clusterID)
        sessionTimeoutMilliseconds = settings.integer("broker.session.timeout.ms")
        defaultPartitions = Int32(clamping: settings.integer("num.partitions"))
        defaultReplicationFactor = Int16(clamping: settings.integer("default.replication.factor"))
        defaultMinInSyncReplicas = Int(settings.integer("min.insync.replicas"))
        isUncleanElectionDefault = settings.boolean("unclean.leader.election.enable")
        isTopicDeletionEnabled = settings.boolean("delete.topic.enable")
        topicDefaults = TopicDefaults.given(in: settings)
        idleIntervalMilliseconds = settings.integer("metadata.max.idle.interval.ms")
    }
}
