package import Coordinators
package import Logging
package import Metadata
package import Primitives
import Synchronization
package import World

/// The group coordinator of a broker: one shard for each partition of `__consumer_offsets` that it leads.
package final class GroupCoordinatorHost: MetadataSubscriber, Sendable {
    package static let topicName = "__consumer_offsets"

    private struct State {
        var topicID: TopicID?
        /// By partition; grows with the topic, never shrinks.
        var shards: [GroupShardHost] = []
        /// How many of them the present topic has.
        var partitionCount: Int32 = 0
    }

    private let broker: BrokerID
    private let surroundings: GroupShardSurroundings
    private let loops: [any Loop]
    private let logOf: @Sendable (PartitionIndex) -> (any CoordinatorLog)?
    private let state = Mutex(State())

    /// - Parameter logOf: this broker's replica of a partition of `__consumer_offsets`; nil where it has none.
    package init(
        broker: BrokerID, settings: GroupConfiguration, clock: any Clock, loops: [any Loop], pool: any BlockingPool,
        log: Logger,
        logOf: @escaping @Sendable (PartitionIndex) -> (any CoordinatorLog)?
    ) {
        self.broker = broker
        surroundings = GroupShardSurroundings(settings: settings, clock: clock, pool: pool, log: log)
        self.loops = loops
        self.logOf = logOf
    }

    // MARK: Leadership

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let topic = image.topics[name: GroupCoordinatorHost.topicName]
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
        let changed: Set<String>?? = surroundings.metadata.withLock { metadata in
            guard let (next, changed) = metadata.following(image, delta, settings) else { return nil }
            metadata = next
            return .some(changed)
        }
        if let changed { for shard in shards { shard.metadataChanged(changed) } }
        let gone = Set(delta.deletedTopics.map(\.name))
        if !gone.isEmpty { for shard in shards { shard.topicsDeleted(gone) } }
    }

    private func makeShard(_ index: Int) -> GroupShardHost {
        GroupShardHost(
            PartitionIndex(Int32(index)), surroundings, loop: loops[index % loops.count], logOf: logOf)
    }

    /// Takes over and gives up what the change says; nil stands for all partitions.
    private func follow(_ topic: TopicImage, _ shards: [GroupShardHost], _ delta: MetadataDelta?) {
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

    /// Whether ConsumerGroupHeartbeat is served: the settings allow it, and the cluster has agreed on it.
    var servesConsumerProtocol: Bool {
        surroundings.settings.servesConsumerProtocol
            && surroundings.metadata.withLock(\.isConsumerProtocolFinalized)
    }

    /// The partition that keeps a group; nil while `__consumer_offsets` does not exist.
    package func partition(of group: String) -> PartitionIndex? {
        let count = state.withLock { $0.partitionCount }
        return count == 0 ? nil : CoordinatorPartition.index(of: group, among: count)
    }

    func shard(of group: String) -> GroupShardHost? {
        guard let index = partition(of: group) else { return nil }
        return state.withLock { $0.shards[Int(index.value)] }
    }

    /// Lets a request step the shard of its group. Exactly one of the two is called: `refused` at once with
    /// NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS, or `answered` when the shard's reply may leave.
    func submit(
        _ group: String, answered: @escaping GroupShardHost.Answer, refused: (ErrorCode) -> Void,
        _ body: (inout GroupShard, Ticket, CoordinatorTime) -> [GroupEffect]
    ) {
        guard let shard = shard(of: group) else { return refused(.notCoordinator) }
        if let error = shard.submit(answered, body) { refused(error) }
    }

    /// Reads or changes the shard of a group where nothing has to be written.
    func access<Value>(
        _ group: String, _ body: (inout GroupShard, CoordinatorTime) -> Value
    ) -> Result<Value, GroupRefusal> {
        guard let shard = shard(of: group) else { return .failure(GroupRefusal(.notCoordinator)) }
        return shard.access(body)
    }

    /// Reads every shard that this broker leads and that is loaded.
    func readLed<Value>(_ body: (GroupShard) -> Value) -> [Value] {
        let shards = state.withLock { Array($0.shards.prefix(Int($0.partitionCount))) }
        return shards.compactMap { try? $0.access { shard, _ in body(shard) }.get() }
    }

    /// Reads every shard that this broker leads; fails while one of them is loading.
    func accessAll<Value>(_ body: (GroupShard) -> Value) -> Result<[Value], GroupRefusal> {
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
