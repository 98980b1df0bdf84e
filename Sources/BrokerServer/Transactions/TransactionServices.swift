import Coordinators
package import Metadata
package import Primitives
package import World

/// What the transaction APIs need from the rest of the node.
package struct TransactionServices: Sendable {
    package var host: TransactionCoordinatorHost
    package var groups: GroupCoordinatorHost
    package var partitions: PartitionTable
    package var image: @Sendable () -> MetadataImage
    package var nextProducerID: @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void
    package var verifier: TransactionVerifier
    package var markers: MarkerWriter
    package var clock: any Clock
}

extension HandlerTable {
    /// Adds every API of transactions and of producer ids.
    ///
    /// - Parameter createTopic: has a coordinator's topic created, by its name.
    package mutating func registerTransactions(
        _ services: TransactionServices, createTopic: @escaping @Sendable (String) -> Void
    ) {
        let host = services.host
        register(InitProducerIdHandler(host, nextID: services.nextProducerID))
        register(AddPartitionsToTxnHandler(host, image: services.image))
        register(AddOffsetsToTxnHandler(host, groups: services.groups, createTopic: createTopic))
        register(EndTxnHandler(host, nextID: services.nextProducerID))
        register(TxnOffsetCommitHandler(services.groups, verifier: services.verifier, image: services.image))
        register(WriteTxnMarkersHandler(services.markers))
        register(DescribeTransactionsHandler(host))
        register(ListTransactionsHandler(host, clock: services.clock))
    }
}
