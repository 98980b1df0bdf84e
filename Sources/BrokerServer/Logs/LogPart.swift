/// The parts of a node that log under a name of their own: the names that Kafka's logs have, so that what is written
/// about those (levels to set, lines to look for) holds here.
package enum LogPart: String, CaseIterable, Sendable {
    /// Start, stop, configuration.
    case node = "kafka.server.KafkaRaftServer"
    /// Registration, fencing, controlled shutdown.
    case brokerLife = "kafka.server.BrokerLifecycleManager"
    /// Partitions of this broker, their log directories.
    case replicas = "kafka.server.ReplicaManager"
    /// Fetching from leaders.
    case fetchers = "kafka.server.ReplicaFetcherManager"
    /// Recovery, retention, checkpoints.
    case logs = "kafka.log.LogManager"
    /// Listeners and what they refuse.
    case network = "kafka.network.SocketServer"
    /// Every request, at DEBUG.
    case requests = "kafka.request.logger"
    /// The controller's decisions about brokers.
    case controller = "kafka.controller.KafkaController"
    /// Leaders, in-sync sets and reassignments, as the active controller decides them.
    case stateChanges = "state.change.logger"
    /// The metadata log and its quorum.
    case quorum = "kafka.raft.KafkaRaftManager"
    case groups = "kafka.coordinator.group.GroupCoordinator"
    case transactions = "kafka.coordinator.transaction.TransactionCoordinator"
    /// The admin port.
    case admin = "kafka.server.AdminEndpoint"
}
