package import Logging
package import Metadata
package import Primitives
package import World

/// What the group APIs need from the rest of the node.
package struct GroupServices: Sendable {
    package var host: GroupCoordinatorHost
    package var image: @Sendable () -> MetadataImage
    /// True for a broker that is not fenced yet but was found dead.
    package var isSuspected: @Sendable (BrokerID) -> Bool
    package var createOffsetsTopic: @Sendable () -> Void
    package var nextProducerID: @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void
    package var randomness: any Randomness

    package init(
        host: GroupCoordinatorHost, cache: MetadataCache, suspected: SuspectedBrokers, offsetsTopic: OffsetsTopic,
        creator: TopicCreator, producerIDs: ProducerIDSource, randomness: any Randomness, log: Logger
    ) {
        self.host = host
        image = { cache.current }
        isSuspected = { suspected.all.contains($0) }
        createOffsetsTopic = {
            offsetsTopic.create(with: creator) { error, message in
                log.warning(
                    "the topic of the group offsets can't be created",
                    metadata: ["error": "\(error)", "message": "\(message ?? "")"])
            }
        }
        nextProducerID = { completion in producerIDs.next { completion(try? $0.get()) } }
        self.randomness = randomness
    }
}

extension HandlerTable {
    /// Adds every API of groups and of producer ids.
    package mutating func registerGroups(_ services: GroupServices) {
        let groups = services.host
        register(
            FindCoordinatorHandler(
                image: services.image, isSuspected: services.isSuspected,
                createOffsetsTopic: services.createOffsetsTopic))
        register(JoinGroupHandler(groups, randomness: services.randomness))
        register(SyncGroupHandler(groups))
        register(HeartbeatHandler(groups))
        register(LeaveGroupHandler(groups))
        register(OffsetCommitHandler(groups, image: services.image))
        register(OffsetFetchHandler(groups, image: services.image))
        register(DescribeGroupsHandler(groups))
        register(ListGroupsHandler(groups))
        register(DeleteGroupsHandler(groups))
        register(OffsetDeleteHandler(groups, image: services.image))
        register(ConsumerGroupHeartbeatHandler(groups, randomness: services.randomness))
        register(ConsumerGroupDescribeHandler(groups))
        register(InitProducerIdHandler(nextID: services.nextProducerID))
    }
}
