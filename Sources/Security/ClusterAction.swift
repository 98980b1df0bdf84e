package import Primitives

/// Who may speak for a node of the cluster (Kafka's operation CLUSTER_ACTION).
///
/// Without an authorizer the listener decides: nodes talk to controllers on controller listeners, and brokers to
/// brokers on the inter-broker listener. A client on another listener can't pass for a broker, whatever it sends.
package struct ClusterAction: Hashable, Sendable {
    private let interBrokerListener: String

    /// - Parameter interBrokerListener: `inter.broker.listener.name`, or the one that stands for it.
    package init(interBrokerListener: String) { self.interBrokerListener = interBrokerListener }

    /// True where a request that came in on a listener may be a node's own.
    package func isAllowed(onListener name: String, isController: Bool) -> Bool {
        isController || name == interBrokerListener
    }

    /// True for an API that only nodes of the cluster use, so that it has no place on a client's listener.
    ///
    /// Fetch, ListOffsets and OffsetForLeaderEpoch are not among them: clients use them too, and it is the replica id
    /// in them that needs `isAllowed`.
    package static func isForNodesOnly(_ key: APIKey) -> Bool {
        switch key {
        case .vote, .beginQuorumEpoch, .endQuorumEpoch, .fetchSnapshot, .brokerRegistration, .brokerHeartbeat,
            .controllerRegistration, .alterPartition, .allocateProducerIDs, .envelope, .assignReplicasToDirs,
            .controlledShutdown, .updateRaftVoter:
            true
        default: false
        }
    }
}
