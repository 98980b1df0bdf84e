package import Logging
package import Metadata
package import Primitives
import Synchronization
package import World

/// All fetchers of a broker: one for each leader, and another for its partitions that do not flush on acknowledgement.
package final class ReplicaFetchers: FollowerControl, MetadataSubscriber, Sendable {
    private struct Key: Hashable, Comparable {
        let leader: BrokerID
        let flushes: Bool
        /// From 0 up to `num.replica.fetchers`.
        let lane: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.leader, left.flushes ? 1 : 0, left.lane) < (right.leader, right.flushes ? 1 : 0, right.lane)
        }
    }

    /// A partition that is followed, and by which fetcher.
    private struct Assigned {
        let partition: Partition
        let key: Key
    }

    private struct State {
        var fetchers: [Key: ReplicaFetcher] = [:]
        var assigned: [TopicPartitionID: Assigned] = [:]
        var lanes: Int
        var image = MetadataImage()
        var isShutDown = false
    }

    private let setup: ReplicaFetcher.Setup
    /// The listener on which brokers reach each other.
    private let listener: String
    private let state: Mutex<State>

    /// The first pause after an error.
    private static let backoffMillisecondsMin: Int64 = 10

    /// The least time for an answer beyond the wait that was asked for.
    private static let answerGraceMilliseconds: Int64 = 500

    /// - Parameter brokerEpoch: this broker's present epoch; nil while it is not registered.
    package init(
        me: BrokerID, settings: Settings, interBrokerListener: String,
        brokerEpoch: @escaping @Sendable () -> BrokerEpoch?, world: World, log: Logger,
        leaderLost: @escaping @Sendable (BrokerID) -> Void = { _ in }
    ) {
        listener = interBrokerListener
        state = Mutex(State(lanes: Int(settings.integer("num.replica.fetchers"))))
        let longest = max(settings.integer("replica.fetch.backoff.ms"), ReplicaFetchers.backoffMillisecondsMin)
        setup = ReplicaFetcher.Setup(
            me: me, brokerEpoch: brokerEpoch, world: world,
            waitMilliseconds: Int32(clamping: settings.integer("replica.fetch.wait.max.ms")),
            minBytes: Int32(clamping: settings.integer("replica.fetch.min.bytes")),
            answerMilliseconds: max(
                settings.integer("replica.socket.timeout.ms"),
                settings.integer("replica.fetch.wait.max.ms") + ReplicaFetchers.answerGraceMilliseconds),
            responseMaxBytes: Int32(clamping: settings.integer("replica.fetch.response.max.bytes")),
            partitionMaxBytes: Int(settings.integer("replica.fetch.max.bytes")),
            backoffMilliseconds: ReplicaFetchers.backoffMillisecondsMin...longest, log: log,
            wantsHighWatermarks: ReplicaSelection(settings) == .rackAware, versions: ReplicaRequestVersions(),
            leaderLost: leaderLost)
    }

    package func follow(_ partition: Partition, leader: BrokerID) {
        let flushes = partition.settings.flushesOnAck
        state.withLock { state in
            if state.isShutDown { return }
            let lane = ReplicaFetchers.lane(partition.id, of: state.lanes)
            assign(partition, Key(leader: leader, flushes: flushes, lane: lane), &state)
        }
    }

    private func assign(_ partition: Partition, _ key: Key, _ state: inout State) {
        if let former = state.assigned[partition.id]?.key, former != key {
            state.fetchers[former]?.remove(partition.id)
        }
        state.assigned[partition.id] = Assigned(partition: partition, key: key)
        fetcher(key, &state).add(partition)
    }

    /// Spreads the partitions over another number of fetchers for each leader.
    package func resize(_ lanes: Int) {
        state.withLock { state in
            guard !state.isShutDown, lanes != state.lanes else { return }
            state.lanes = lanes
            for (id, assigned) in state.assigned.sorted(by: { $0.key < $1.key }) {
                let key = assigned.key
                let next = Key(leader: key.leader, flushes: key.flushes, lane: ReplicaFetchers.lane(id, of: lanes))
                if next != key { assign(assigned.partition, next, &state) }
            }
            for key in state.fetchers.keys.filter({ $0.lane >= lanes }) {
                state.fetchers.removeValue(forKey: key)?.shutDown()
            }
        }
    }

    private static func lane(_ id: TopicPartitionID, of lanes: Int) -> Int {
        Int((id.topic.low ^ UInt64(bitPattern: Int64(id.index.value))) % UInt64(lanes))
    }

    package func unfollow(_ partition: Partition) {
        state.withLock { state in
            guard let key = state.assigned.removeValue(forKey: partition.id)?.key else { return }
            state.fetchers[key]?.remove(partition.id)
        }
    }

    package func flushed(_ partition: Partition) {
        state.withLock { state in
            guard let key = state.assigned[partition.id]?.key else { return }
            state.fetchers[key]?.flushed(partition.id)
        }
    }

    /// The leaders of which no fetcher gets an answer though one is due, and since when.
    func unreachedLeaders(now: MonotonicInstant) -> [BrokerID: MonotonicInstant] {
        let fetchers = state.withLock { state in state.fetchers.map { ($0.key.leader, $0.value.reach) } }
        var unreached: [BrokerID: MonotonicInstant] = [:]
        var reached: Set<BrokerID> = []
        for (leader, reach) in fetchers {
            switch reach.view(now: now) {
            case .idle: break
            case .reached: reached.insert(leader)
            case .unreachedSince(let since): unreached[leader] = max(unreached[leader] ?? since, since)
            }
        }
        for leader in reached { unreached[leader] = nil }
        return unreached
    }

    /// Leaders may have moved to another address.
    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let changed = delta.changedBrokers
        setup.versions.follow(image.features)
        state.withLock { state in
            state.image = image
            let moved = state.fetchers.filter { changed.contains($0.key.leader) }
            for (key, fetcher) in moved.sorted(by: { $0.key < $1.key }) {
                fetcher.located(at: endpoint(of: key.leader, image))
            }
        }
    }

    /// Ends all fetching for good.
    package func shutDown() {
        state.withLock { state in
            state.isShutDown = true
            for (_, fetcher) in state.fetchers.sorted(by: { $0.key < $1.key }) { fetcher.shutDown() }
            state.fetchers = [:]
            state.assigned = [:]
        }
    }

    private func fetcher(_ key: Key, _ state: inout State) -> ReplicaFetcher {
        if let known = state.fetchers[key] { return known }
        let loops = setup.world.dataLoops.open
        let made = ReplicaFetcher(
            leader: key.leader, loop: loops[(Int(key.leader.value) + key.lane) % loops.count], setup: setup)
        state.fetchers[key] = made
        made.located(at: endpoint(of: key.leader, state.image))
        return made
    }

    private func endpoint(of leader: BrokerID, _ image: MetadataImage) -> Endpoint? {
        image.brokers[leader]?.listener(named: listener).map { Endpoint(host: $0.host, port: Int($0.port)) }
    }
}
