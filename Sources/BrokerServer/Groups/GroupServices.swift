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
    /// Has a coordinator's topic created, by its name.
    package var createTopic: @Sendable (String) -> Void
    package var randomness: any Randomness

    package init(
        host: GroupCoordinatorHost, cache: MetadataCache, suspected: SuspectedBrokers, topics: [CoordinatorTopic],
        creator: TopicCreator, randomness: any Randomness, log: Logger
    ) {
        self.host = host
        image = { cache.current }
        isSuspected = { suspected.all.contains($0) }
        createTopic = { name in
            topics.first { $0.name == name }?.create(with: creator) { error, message in
                log.warning(
                    "the topic of a coordinator can't be created",
                    metadata: ["topic": "\(name)", "error": "\(error)", "message": "\(message ?? "")"])
            }
        }
        self.randomness = randomness
    }
}

extension HandlerTable {
    /// Adds every API of groups.
    package mutating func registerGroups(_ services: GroupServices) {
        let groups = services.host
        register(
            FindCoordinatorHandler(
                image: services.image, isSuspected: services.isSuspected,
                createTopic: services.createTopic))
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
    }
}
