package import Metadata
package import Primitives
package import World

/// What the group APIs need from the rest of the node.
package struct GroupServices: Sendable {
    package var host: GroupCoordinatorHost
    package var image: @Sendable () -> MetadataImage
    package var createOffsetsTopic: @Sendable () -> Void
    package var nextProducerID: @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void
    package var randomness: any Randomness

    package init(
        host: GroupCoordinatorHost, cache: MetadataCache, offsetsTopic: OffsetsTopic, creator: TopicCreator,
        producerIDs: ProducerIDSource, randomness: any Randomness
    ) {
        self.host = host
        image = { cache.current }
        createOffsetsTopic = { offsetsTopic.create(with: creator) }
        nextProducerID = { completion in producerIDs.next { completion(try? $0.get()) } }
        self.randomness = randomness
    }
}

extension HandlerTable {
    /// Adds every API of groups and of producer ids.
    package mutating func registerGroups(_ services: GroupServices) {
        let groups = services.host
        register(FindCoordinatorHandler(image: services.image, createOffsetsTopic: services.createOffsetsTopic))
        register(JoinGroupHandler(groups, randomness: services.randomness))
        register(SyncGroupHandler(groups))
        register(HeartbeatHandler(groups))
        register(LeaveGroupHandler(groups))
        register(OffsetCommitHandler(groups, image: services.image))
        register(OffsetFetchHandler(groups, image: services.image))
        register(DescribeGroupsHandler(groups))
        register(ListGroupsHandler(groups))
        register(DeleteGroupsHandler(groups))
        register(InitProducerIdHandler(nextID: services.nextProducerID))
    }
}
