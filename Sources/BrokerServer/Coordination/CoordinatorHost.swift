package import Coordinators
package import Logging
package import Metadata
package import Primitives
import Synchronization
package import World

/// A coordinator of a broker: one shard for each partition of its topic that the broker leads.
package final class CoordinatorHost<Shard: HostedShard>: MetadataSubscriber, Sendable {
    package static var topicName: String { Shard.topicName }

    private struct State {
        var topicID: TopicID?
        /// By partition; grows with the topic, never shrinks.
        var shards: [ShardHost<Shard>] = []
        /// How many of them the present topic has.
        var partitionCount: Int32 = 0
    }

    private let broker: BrokerID
    let surroundings: ShardSurroundings<Shard>
    private let loops: [any Loop]
    private let logOf: @Sendable (PartitionIndex) -> (any CoordinatorLog)?
    private let state = Mutex(State())

    /// - Parameter logOf: this broker's replica of a partition of the topic; nil where it has none.
    package init(
        broker: BrokerID, settings: Shard.Settings, clock: any Clock, loops: [any Loop], pool: any BlockingPool,
        log: Logger, orders: ShardOrders<Shard>, recordLevel: @escaping @Sendable () -> Int16 = { 0 },
        logOf: @escaping @Sendable (PartitionIndex) -> (any CoordinatorLog)?
    ) {
        self.broker = broker
        surroundings = ShardSurroundings<Shard>(
            settings: settings, clock: clock, pool: pool, log: log, recordLevel: recordLevel, orders: orders)
        self.loops = loops
        self.logOf = logOf
    }

    // MARK: Leadership

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let topic = image.topics[name: Shard.topicName]
        let (shards, isNewTopic, hadTopic) = state.withLock { state in
            let isNewTopic = topic?.id != state.topicID
            let hadTopic = state.topicID != nil
            state.topicID = topic?.id
            state.partitionCount = Int32(topic?.partitions.count ?? 0)
            while state.shards.count < Int(state.partitionCount) { state.shards.append(makeShard(state.shards.count)) }
            return (state.shards, isNewTopic, hadTopic)
        }
        if isNewTopic && hadTopic { for shard in shards { shard.resign(for: nil) } }
        if let topic { follow(topic, shards, isNewTopic ? nil : delta) }
        // A topic that was made anew under the name at once counts, too: its offsets start from nothing.
        let settings = surroundings.settings
        let changed: Set<String>?? = surroundings.known.withLock { known in
            guard let (next, changed) = Shard.following(known.metadata, image, delta, settings) else { return nil }
            known = (known.number + 1, next)
            return .some(changed)
        }
        if let changed { for shard in shards { shard.metadataChanged(changed) } }
        let gone = Set(delta.deletedTopics.map(\.name))
        guard !gone.isEmpty else { return }
        for shard in shards { shard.post { shard, time in shard.topicsDeleted(gone, at: time) } }
    }

    private func makeShard(_ index: Int) -> ShardHost<Shard> {
        ShardHost(
            PartitionIndex(Int32(index)), surroundings, loop: loops[index % loops.count], logOf: logOf)
    }

    /// Takes over and gives up what the change says; nil stands for all partitions.
    private func follow(_ topic: TopicImage, _ shards: [ShardHost<Shard>], _ delta: MetadataDelta?) {
        let changed = delta.map { delta in
            delta.changedPartitions.filter { $0.topic == topic.id }.map { Int($0.index.value) }
        }
        for index in changed ?? Array(topic.partitions.indices) {
            let partition = topic.partitions[index]
            if partition.leader == broker {
                shards[index].lead(in: partition.leaderEpoch)
            } else {
                shards[index].resign(for: partition.leaderEpoch)
            }
        }
    }

    /// The node stops: everyone who waits is sent to look for the next coordinator.
    package func stop() {
        let shards = state.withLock { $0.shards }
        for shard in shards { shard.resign(for: nil) }
    }

    // MARK: Requests

    /// The partition that keeps a group or transactional id; nil while the topic does not exist.
    package func partition(of key: String) -> PartitionIndex? {
        let count = state.withLock { $0.partitionCount }
        return count == 0 ? nil : CoordinatorPartition.index(of: key, among: count)
    }

    func shard(of key: String) -> ShardHost<Shard>? {
        guard let index = partition(of: key) else { return nil }
        return state.withLock { $0.shards[Int(index.value)] }
    }

    /// Lets a request step the shard of its key. Exactly one of the two is called: `refused` at once with
    /// NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS, or `answered` when the shard's reply may leave.
    func submit(
        _ key: String, answered: @escaping ShardHost<Shard>.Answer, refused: (ErrorCode) -> Void,
        _ body: (inout Shard, Ticket, CoordinatorTime) -> [Shard.Effect]
    ) {
        guard let shard = shard(of: key) else { return refused(.notCoordinator) }
        if let error = shard.submit(answered, body) { refused(error) }
    }

    /// The shard of a partition; nil where the topic has none of that number.
    func shard(at partition: PartitionIndex) -> ShardHost<Shard>? {
        state.withLock { state in
            partition.value >= 0 && partition.value < state.partitionCount ? state.shards[Int(partition.value)] : nil
        }
    }

    /// Reads or changes the shard of a key where nothing has to be written: no write would fail where another broker
    /// coordinates by now, so a broker that is cut off refuses. A processor that was told old offsets would process
    /// records again, and commit that.
    func access<Value>(
        _ key: String, _ body: (inout Shard, CoordinatorTime) -> Value
    ) -> Result<Value, ShardRefusal> {
        guard let shard = shard(of: key), !shard.isCutOff else { return .failure(ShardRefusal(.notCoordinator)) }
        return shard.access(body)
    }

    /// Reads every shard that this broker leads and that is loaded.
    func readLed<Value>(_ body: (Shard) -> Value) -> [Value] {
        let shards = state.withLock { Array($0.shards.prefix(Int($0.partitionCount))) }
        return shards.compactMap { try? $0.access { shard, _ in body(shard) }.get() }
    }

    /// Reads every shard that this broker leads; fails while one of them is loading.
    func accessAll<Value>(_ body: (Shard) -> Value) -> Result<[Value], ShardRefusal> {
        let shards = state.withLock { Array($0.shards.prefix(Int($0.partitionCount))) }
        var values: [Value] = []
        for shard in shards {
            switch shard.access({ shard, _ in body(shard) }) {
            case .success(let value): values.append(value)
            case .failure(let refusal) where refusal.code == .notCoordinator: continue
            case .failure(let refusal): return .failure(refusal)
            }
        }
        return .success(values)
    }
}
