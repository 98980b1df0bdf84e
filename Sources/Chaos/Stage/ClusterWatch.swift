import ClientCore
import MartletClient
import Primitives
import Synchronization
import WireMessages
import World

/// Looks at the cluster from outside all the time, and puts changes of leaders and of the active controller down.
final class ClusterWatch: Sendable {
    private static let leaderPollMilliseconds: Int64 = 50
    private static let controllerPollMilliseconds: Int64 = 250
    private static let answerMillisecondsMax: Int64 = 500

    private struct Seen {
        var leader: BrokerID?
        var epoch = LeaderEpoch(-1)
        /// Who led when somebody did.
        var lastLeader: BrokerID?

        /// Whether a view says something newer. A node that suspects a leader says that there is none, with the epoch
        /// in which there is one: that says less.
        func isOlder(than found: ClusterView.Partition, of epoch: LeaderEpoch) -> Bool {
            epoch > self.epoch || (epoch == self.epoch && leader == nil && found.leader != nil)
        }
    }

    private struct State {
        var partitions: [Int32: Seen] = [:]
        var leaderChanges = 0
        var controller: BrokerID?
        var controllerEpoch: Int32?
        var firstControllerEpoch: Int32?
    }

    private let admin: Admin
    private let topic: LoadTopic
    private let timeline: Timeline
    private let clock: any Clock
    private let state = Mutex(State())

    init(_ configuration: ClientConfiguration, _ topic: LoadTopic, _ timeline: Timeline, clock: any Clock)
        throws(ClientError)
    {
        var own = configuration
        own.clientID = "chaos-watch"
        own.requestTimeoutMilliseconds = ClusterWatch.answerMillisecondsMax
        own.connectTimeoutMilliseconds = ClusterWatch.answerMillisecondsMax
        own.callTimeoutMilliseconds = ClusterWatch.answerMillisecondsMax
        own.bootstrapTimeoutMilliseconds = 0
        admin = try Admin(own)
        self.topic = topic
        self.timeline = timeline
        self.clock = clock
    }

    /// The leader of a partition as it was seen last.
    func leader(of partition: Int32) -> Int? {
        state.withLock { $0.partitions[partition]?.leader }.map { Int($0.value) }
    }

    /// The partitions that a node leads, as it was seen last.
    func partitions(ledBy node: Int) -> [Int32] {
        state.withLock { state in
            state.partitions.filter { $0.value.leader == BrokerID(Int32(node)) }.keys.sorted()
        }
    }

    /// The active controller as it was seen last.
    var controller: Int? { state.withLock { $0.controller }.map { Int($0.value) } }

    /// How often a partition got another leader, and how many epochs of the quorum went by.
    var changes: (leaders: Int, controllerEpochs: Int32) {
        state.withLock { ($0.leaderChanges, ($0.controllerEpoch ?? 0) - ($0.firstControllerEpoch ?? 0)) }
    }

    /// Watches until the task is cancelled.
    func run() async {
        var nextController = clock.now
        while !Task.isCancelled {
            if (try? await admin.cluster.refresh(topics: [topic.name])) != nil { look(admin.cluster.view) }
            if clock.now >= nextController {
                await lookAtController()
                nextController = clock.now.advanced(byMilliseconds: ClusterWatch.controllerPollMilliseconds)
            }
            try? await Task.sleep(for: .milliseconds(ClusterWatch.leaderPollMilliseconds))
        }
        admin.close()
    }

    private func look(_ view: ClusterView) {
        for partition in topic.partitions {
            guard let found = view.partition(TopicPartition(topic.name, PartitionIndex(partition))),
                let epoch = found.leaderEpoch
            else { continue }
            let before: Seen? = state.withLock { state in
                let before = state.partitions[partition] ?? Seen()
                guard before.isOlder(than: found, of: epoch) else { return nil }
                state.partitions[partition] = Seen(
                    leader: found.leader, epoch: epoch, lastLeader: found.leader ?? before.lastLeader)
                if let last = before.lastLeader, let leader = found.leader, leader != last { state.leaderChanges += 1 }
                return before
            }
            guard let before, before.epoch.value >= 0, found.leader != before.leader else { continue }
            let (old, new) = (before.leader?.description ?? "none", found.leader?.description ?? "none")
            timeline.note("leader of \(topic.key(partition)): \(old) -> \(new), epoch \(epoch)", at: clock.now)
        }
    }

    private func lookAtController() async {
        guard let quorum = try? await admin.describeQuorum(),
            let partition = quorum.topics.first?.partitions.first
        else { return }
        let leader = partition.leaderID
        let epoch = partition.leaderEpoch.value
        let isNew = state.withLock { state in
            guard leader.value >= 0, epoch > state.controllerEpoch ?? -1 else { return false }
            let isFirst = state.firstControllerEpoch == nil
            if isFirst { state.firstControllerEpoch = epoch }
            state.controllerEpoch = epoch
            state.controller = leader
            return !isFirst
        }
        if isNew { timeline.note("active controller: \(leader), epoch \(epoch)", at: clock.now) }
    }
}
