import Coordinators
import Logging
import Metadata
import Primitives
import World

/// The transaction coordinator of a broker, with what it needs of the other brokers.
final class TransactionRoom: Sendable {
    let host: TransactionCoordinatorHost
    let services: TransactionServices
    private let links: [BrokerLinks]

    init(
        _ configuration: NodeConfiguration, _ partitions: PartitionTable, _ groups: GroupCoordinatorHost,
        _ producerIDs: ProducerIDSource, cache: MetadataCache, world: World, log: Logger
    ) {
        let (node, settings) = (configuration.nodeID, configuration.settings)
        let image: @Sendable () -> MetadataImage = { cache.current }
        var limits = PeerLimits()
        limits.requestsMax = TransactionRoom.questionsMax
        let links = ["markers", "questions"].map { purpose in
            BrokerLinks(
                clientID: "broker-\(node)-transaction-\(purpose)", listener: configuration.interBrokerListenerName,
                limits: limits, world: world, loop: world.loops[0], image: image)
        }
        self.links = links
        let writer = MarkerWriter(table: partitions, groups: groups, loop: world.loops[0])
        let sender = MarkerSender(broker: node, writer: writer, links: links[0], clock: world.clock, image: image)
        let host = TransactionCoordinatorHost(
            broker: node, settings: TransactionConfiguration(settings), clock: world.clock, loops: world.loops,
            pool: world.pool, log: log, orders: sender.orders,
            recordLevel: { cache.current.features.transactionVersion }
        ) { index in
            partitions.partition(TransactionCoordinatorHost.topicName, index).map { partition in
                PartitionCoordinatorLog(partition, loop: world.loops[Int(index.value) % world.loops.count])
            }
        }
        sender.serve(host)
        self.host = host
        let verifier = TransactionVerifier(
            broker: node, host: host, links: links[1], patience: TransactionVerifier.Patience(settings),
            clock: world.clock, verifiesOld: {
                partitions.settings.current.boolean("transaction.partition.verification.enable")
            },
            image: image)
        services = TransactionServices(
            host: host, groups: groups, partitions: partitions, image: image,
            nextProducerID: { completion in producerIDs.next { completion(try? $0.get()) } }, verifier: verifier,
            markers: writer, clock: world.clock)
    }

    /// Questions to one coordinator that wait for their answers; more are refused, and producers send again.
    private static let questionsMax = 10_000

    func stop() { for link in links { link.shutDown() } }
}
