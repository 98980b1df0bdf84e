import Primitives
import Security
import Replication
import Synchronization
package import WireMessages
import WireProtocol
package import World

/// Fetch (API key 1), versions 4 to 18: records for consumers and for followers.
///
/// Errors: `OFFSET_OUT_OF_RANGE`, `NOT_LEADER_OR_FOLLOWER`, `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`,
/// `UNKNOWN_TOPIC_OR_PARTITION`, `UNKNOWN_TOPIC_ID`, `KAFKA_STORAGE_ERROR`; for the whole request
/// `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH`, `FETCH_SESSION_TOPIC_ID_ERROR`,
/// `CLUSTER_AUTHORIZATION_FAILED`.
/// `OFFSET_NOT_AVAILABLE` from a follower that can't know whether its leader has the position.
/// Not implemented: tiered storage.
/// Source: KIP-227 (sessions), KIP-320 (epochs), KIP-392 (followers in the consumer's rack), KIP-516 (topic ids),
/// KIP-903 (broker epochs), KIP-951 (leader hints), KIP-1166 (a follower's high watermark).
package struct FetchHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 4...18
    package static let listeners: ListenerKinds = .all

    /// From this version on topics are named by their ids (KIP-516).
    static let topicIDsSince: Int16 = 13
    /// From this version on a follower names its broker epoch (KIP-903).
    static let replicaStateSince: Int16 = 15
    /// From this version on consumers may be sent to a follower (KIP-392).
    static let rackSince: Int16 = 11
    /// From this version on a follower names its high watermark (KIP-1166).
    static let highWatermarkSince: Int16 = 18

    /// Answers fetches of the metadata log, which come in on controller listeners.
    package typealias MetadataFetch = @Sendable (FetchRequest, RequestContext, Reply<FetchResponse>) -> Void

    private let services: FetchServices
    private let deadlines: PerLoop<FetchDeadlines>
    private let clusterAction: ClusterAction
    private let metadataFetch: MetadataFetch?

    /// - Parameter interBrokerListener: the listener on which followers fetch; elsewhere nobody acts as a broker.
    package init(
        table: PartitionTable, world: World, settings: Settings, interBrokerListener: String,
        metadataFetch: MetadataFetch?
    ) {
        services = FetchServices(
            table: table, world: world, bytesMax: Int(settings.integer("fetch.max.bytes")),
            sessionSlots: Int(settings.integer("max.incremental.fetch.session.cache.slots")),
            isRackAware: ReplicaSelection(settings) == .rackAware)
        deadlines = PerLoop { FetchDeadlines(loop: $0, clock: world.clock) }
        clusterAction = ClusterAction(interBrokerListener: interBrokerListener)
        self.metadataFetch = metadataFetch
    }

    /// How often fetches have looked at a partition.
    var looks: UInt64 { services.looks.load(ordering: .relaxed) }

    package func handle(_ request: FetchRequest, _ context: RequestContext, _ reply: Reply<FetchResponse>) {
        if context.listener.kind == .controller {
            guard let metadataFetch else { return reply.closeConnection() }
            return metadataFetch(request, context, reply)
        }
        let requester = FetchHandler.requester(request, version: context.version)
        if case .follower = requester.kind,
            !clusterAction.isAllowed(onListener: context.listener.name, isController: false)
        {
            return refuse(.clusterAuthorizationFailed, context, reply)
        }
        let plan: FetchSessionCache.Plan
        let watch: SessionWatch?
        do throws(ReplicationError) {
            (plan, watch) = try services.plan(FetchHandler.session(request, requester, context), requester)
        } catch {
            return refuse(error.code, context, reply)
        }
        let job = FetchJob(
            request, plan: plan, watch: watch, requester: requester,
            places: plan.items.map { services.place($0, watch) }, services: services,
            deadlines: deadlines[context.loop], context: context, reply: reply)
        job.run()
    }

    private func refuse(_ error: ErrorCode, _ context: RequestContext, _ reply: Reply<FetchResponse>) {
        // Before version 7 an answer has no place for it.
        guard context.version >= 7 else { return reply.closeConnection() }
        var writer = FetchResponseWriter(for: reply)
        writer.write(error: error)
        reply.send(frame: writer.finish())
    }

    private static func requester(_ request: FetchRequest, version: Int16) -> FetchRequester {
        let id = version >= replicaStateSince ? request.replicaState.replicaID : request.replicaID
        guard id.value < 0 else {
            let epoch = version >= replicaStateSince ? request.replicaState.replicaEpoch : -1
            return FetchRequester(kind: .follower(id), brokerEpoch: epoch < 0 ? nil : BrokerEpoch(epoch))
        }
        return FetchRequester(
            kind: .consumer(readsCommittedOnly: request.isolationLevel == 1), mayReadFollower: version >= rackSince)
    }

    private static func session(
        _ request: FetchRequest, _ requester: FetchRequester, _ context: RequestContext
    ) -> FetchSessionCache.Request {
        let usesIDs = context.version >= topicIDsSince
        var items: [FetchItem] = []
        for topic in request.topics {
            let named: FetchedTopic = usesIDs ? .id(topic.topicID) : .name(topic.topic)
            for partition in topic.partitions {
                let wish = FetchWish(
                    offset: partition.fetchOffset,
                    currentLeaderEpoch: LeaderEpoch.optional(partition.currentLeaderEpoch),
                    lastFetchedEpoch: LeaderEpoch.optional(LeaderEpoch(partition.lastFetchedEpoch)),
                    logStart: partition.logStartOffset.value < 0 ? nil : partition.logStartOffset,
                    highWatermark: highWatermark(partition, requester),
                    flushedEnd: partition.flushedOffset.value < 0 ? nil : partition.flushedOffset,
                    maxBytes: Int(max(partition.partitionMaxBytes, 0)))
                items.append(FetchItem(key: FetchKey(topic: named, partition: partition.partition), wish: wish))
            }
        }
        return session(request, items, requester, context)
    }

    /// The watermark that a follower has, where it wants to hear of a newer one at once.
    private static func highWatermark(
        _ partition: FetchRequest.FetchPartition, _ requester: FetchRequester
    ) -> Offset? {
        guard requester.brokerEpoch != nil, partition.highWatermark != Int64.max else { return nil }
        return Offset(partition.highWatermark)
    }

    private static func session(
        _ request: FetchRequest, _ items: [FetchItem], _ requester: FetchRequester, _ context: RequestContext
    ) -> FetchSessionCache.Request {
        let usesIDs = context.version >= topicIDsSince
        var forgotten: [FetchKey] = []
        for topic in request.forgottenTopicsData {
            let named: FetchedTopic = usesIDs ? .id(topic.topicID) : .name(topic.topic)
            forgotten += topic.partitions.map { FetchKey(topic: named, partition: $0) }
        }
        let isFollower = requester.brokerEpoch != nil
        return FetchSessionCache.Request(
            sessionID: request.sessionID, sessionEpoch: request.sessionEpoch, items: items, forgotten: forgotten,
            usesTopicIDs: usesIDs, principal: context.principal.description, isFollower: isFollower)
    }
}

extension LeaderEpoch {
    /// The wire's −1 for "not known" as an optional.
    static func optional(_ epoch: LeaderEpoch) -> LeaderEpoch? { epoch.value >= 0 ? epoch : nil }
}
