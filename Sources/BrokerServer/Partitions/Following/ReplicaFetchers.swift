package import Logging
package import Metadata
package import Primitives
import Synchronization
package import World

/// All fetchers of a broker: one for each leader, and another for its partitions that do not flush on acknowledgement.
package final class ReplicaFetchers: FollowerControl, MetadataSubscriber, Sendable {
    private struct Key: Hashable {
        let leader: BrokerID
        let flushes: Bool
    }

    private struct State {
        var fetchers: [Key: ReplicaFetcher] = [:]
        var assigned: [TopicPartitionID: Key] = [:]
        var image = MetadataImage()
        var isShutDown = false
    }

    private let setup: ReplicaFetcher.Setup
    /// The listener on which brokers reach each other.
    private let listener: String
    private let state = Mutex(State())

    /// The first pause after an error.
    private static let backoffMillisecondsMin: Int64 = 10

    /// - Parameter brokerEpoch: this broker's present epoch; nil while it is not registered.
    package init(
        me: BrokerID, settings: Settings, interBrokerListener: String,
        brokerEpoch: @escaping @Sendable () -> BrokerEpoch?, world: World, log: Logger,
        leaderLost: @escaping @Sendable (BrokerID) -> Void = { _ in }
    ) {
        listener = interBrokerListener
        let longest = max(settings.integer("replica.fetch.backoff.ms"), ReplicaFetchers.backoffMillisecondsMin)
        setup = ReplicaFetcher.Setup(
            me: me, brokerEpoch: brokerEpoch, world: world,
            waitMilliseconds: Int32(clamping: settings.integer("replica.fetch.wait.max.ms")),
            minBytes: Int32(clamping: settings.integer("replica.fetch.min.bytes")),
            responseMaxBytes: Int32(clamping: settings.integer("replica.fetch.response.max.bytes")),
            partitionMaxBytes: Int(settings.integer("replica.fetch.max.bytes")),
            backoffMilliseconds: ReplicaFetchers.backoffMillisecondsMin...longest, log: log,
            wantsHighWatermarks: ReplicaSelection(settings) == .rackAware,
            leaderLost: leaderLost)
    }

    package func follow(_ partition: Partition, leader: BrokerID) {
        let key = Key(leader: leader, flushes: partition.settings.flushesOnAck)
        state.withLock { state in
            if state.isShutDown { return }
            if let former = state.assigned[partition.id], former != key { state.fetchers[former]?.remove(partition.id) }
            state.assigned[partition.id] = key
            fetcher(key, &state).add(partition)
        }
    }

    package func unfollow(_ partition: Partition) {
        state.withLock { state in
            guard let key = state.assigned.removeValue(forKey: partition.id) else { return }
            state.fetchers[key]?.remove(partition.id)
        }
    }

    package func flushed(_ partition: Partition) {
        state.withLock { state in
            guard let key = state.assigned[partition.id] else { return }
            state.fetchers[key]?.flushed(partition.id)
        }
    }

    /// Leaders may have moved to another address.
    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let changed = delta.changedBrokers
        state.withLock { state in
            state.image = image
            for (key, fetcher) in state.fetchers where changed.contains(key.leader) {
                fetcher.located(at: endpoint(of: key.leader, image))
            }
        }
    }

    /// Ends all fetching for good.
    package func shutDown() {
        state.withLock { state in
            state.isShutDown = true
            for fetcher in state.fetchers.values { fetcher.shutDown() }
            state.fetchers = [:]
            state.assigned = [:]
        }
    }

    private func fetcher(_ key: Key, _ state: inout State) -> ReplicaFetcher {
        if let known = state.fetchers[key] { return known }
        let loops = setup.world.loops
        let made = ReplicaFetcher(leader: key.leader, loop: loops[Int(key.leader.value) % loops.count], setup: setup)
        state.fetchers[key] = made
        made.located(at: endpoint(of: key.leader, state.image))
        return made
    }

    private func endpoint(of leader: BrokerID, _ image: MetadataImage) -> Endpoint? {
        image.brokers[leader]?.listener(named: listener).map { Endpoint(host: $0.host, port: Int($0.port)) }
    }
}
