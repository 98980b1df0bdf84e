import Metadata
package import Primitives
import Synchronization

/// The cluster as a client on one listener is told about it.
package struct ClusterView: Sendable {
    package let clusterID: String
    package let nodeID: BrokerID
    let cache: MetadataCache
    let suspected: SuspectedBrokers
    private let contact: ControllerContact?

    /// - Parameter contact: nil on a node that is no broker.
    package init(
        clusterID: String, nodeID: BrokerID, cache: MetadataCache, suspected: SuspectedBrokers,
        contact: ControllerContact? = nil
    ) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.cache = cache
        self.suspected = suspected
        self.contact = contact
    }

    /// One moment of the cluster, on one listener.
    func moment(listener: String) -> Moment {
        Moment(
            image: cache.current, suspected: suspected.all, departed: suspected.departed.all, listener: listener,
            nodeID: nodeID, isCutOff: contact?.isCutOff.load(ordering: .relaxed) ?? false)
    }

    /// One image, with what answers need of it.
    struct Moment {
        let image: MetadataImage
        let suspected: Set<BrokerID>
        let departed: Set<BrokerID>
        let listener: String
        let nodeID: BrokerID
        /// Whether this node hears neither a controller nor the followers of what it leads: it sends nobody to itself.
        let isCutOff: Bool

        /// The brokers that clients are told of on the listener, by id: all that can be reached, and who was fenced a
        /// moment ago.
        var listedBrokers: [(broker: BrokerRegistration, at: RegisteredListener)] {
            image.brokers.sorted.compactMap { broker in
                guard !broker.isFenced || departed.contains(broker.id), let at = broker.listener(named: listener) else {
                    return nil
                }
                return (broker, at)
            }
        }

        /// Who is named as the controller: any broker takes administrative requests there, so this one.
        var namedController: BrokerID? {
            if image.brokers.isUnfenced(nodeID) { return nodeID }
            return image.brokers.sorted.first { !$0.isFenced && $0.listener(named: listener) != nil }?.id
        }

        /// Who leads a partition as far as clients should know, and what is wrong with that.
        func leader(of partition: PartitionRegistration) -> (leader: BrokerID?, error: ErrorCode) {
            guard let leader = partition.leader, image.brokers.isUnfenced(leader), !suspected.contains(leader),
                !(isCutOff && leader == nodeID && partition.replicas.count > 1)
            else {
                return (nil, .leaderNotAvailable)
            }
            guard image.brokers[leader]?.listener(named: listener) != nil else { return (nil, .listenerNotFound) }
            return (leader, .noError)
        }

        /// The replicas that can't be reached now.
        func offlineReplicas(of partition: PartitionRegistration) -> [BrokerID] {
            partition.replicas.filter { replica in
                guard let broker = image.brokers[replica], !broker.isFenced, broker.listener(named: listener) != nil
                else { return true }
                return partition.directory(of: replica).map { !image.brokers.isOnline($0, of: replica) } ?? false
            }
        }
    }
}

/// The sets of operations that a principal may do, as bits by Kafka's numbers; without an authorizer all that exist.
enum AuthorizedOperations {
    private static let read: Int32 = 1 << 3
    private static let write: Int32 = 1 << 4
    private static let create: Int32 = 1 << 5
    private static let delete: Int32 = 1 << 6
    private static let alter: Int32 = 1 << 7
    private static let describe: Int32 = 1 << 8
    private static let clusterAction: Int32 = 1 << 9
    private static let describeConfigs: Int32 = 1 << 10
    private static let alterConfigs: Int32 = 1 << 11
    private static let idempotentWrite: Int32 = 1 << 12

    static let topic = read | write | create | delete | alter | describe | describeConfigs | alterConfigs
    static let cluster =
        create | alter | describe | clusterAction | describeConfigs | alterConfigs | idempotentWrite
}
