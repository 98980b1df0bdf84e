import DequeModule
import LogStorage
import Primitives
import Replication

/// All of a partition that its lock guards: the log, the role, and who waits.
///
/// - Invariant: parked produces are ordered by the offset they wait for; they exist only while this broker leads.
struct PartitionState: ~Copyable {
    enum Role {
        /// Known to metadata, but not to be led or followed here now.
        case idle
        case leader(LeaderReplica)
        case follower(FollowerReplica)
    }

    enum Storage {
        /// The pool opens (and recovers) the log.
        case opening
        case open(PartitionLog)
        case offline(reason: String)
        case closed
    }

    /// A batch on its way into the log.
    struct Incoming {
        let batch: Bytes
        let request: ProduceInFlight
        let slot: Int
        let waitsForReplicas: Bool
    }

    var storage = Storage.opening
    var role = Role.idle
    var settings: PartitionSettings
    /// The newest that metadata said; applied once the log is open.
    var assignment: PartitionAssignment
    var lives: [BrokerID: BrokerLife]
    /// The high watermark from the checkpoint, until a role takes it over.
    var checkpointedHighWatermark: Offset
    var parkedProduces: Deque<ParkedProduce> = []
    /// When there are so many, those whose requests timed out are swept out.
    var parkedProducesSweepAt = PartitionState.parkedProducesSweepMin
    var parkedFetches: [(fetch: any ParkedFetch, goal: FetchGoal)] = []
    /// Deletions that some replica has not followed yet; they exist only while this broker leads.
    var parkedDeletions: [ParkedDeletion] = []
    var isFlushing = false
    let traffic: TopicTraffic

    init(
        settings: PartitionSettings, assignment: PartitionAssignment, lives: [BrokerID: BrokerLife],
        checkpointedHighWatermark: Offset, traffic: TopicTraffic
    ) {
        self.settings = settings
        self.assignment = assignment
        self.lives = lives
        self.checkpointedHighWatermark = checkpointedHighWatermark
        self.traffic = traffic
    }

    static let parkedProducesSweepMin = 1_024

    var isOpen: Bool {
        if case .open = storage { return true }
        return false
    }

    /// The committed end as far as this replica knows.
    var highWatermark: Offset {
        switch role {
        case .leader(let leader): leader.highWatermark
        case .follower(let follower): follower.highWatermark
        case .idle: checkpointedHighWatermark
        }
    }

    var leaderSettings: LeaderReplica.Settings {
        LeaderReplica.Settings(
            minInSyncReplicas: settings.minInSyncReplicas,
            replicaLagMaxMilliseconds: settings.replicaLagMillisecondsMax, flushesOnAck: settings.flushesOnAck)
    }

    /// The error for a request that needs a leader, or nil.
    func leaderRefusal(requested: LeaderEpoch?) -> ErrorCode? {
        switch storage {
        case .offline: return .kafkaStorageError
        case .opening, .closed:
            return EpochCheck.refusal(requested: requested, current: assignment.leaderEpoch, isLeader: false)
        case .open: break
        }
        guard case .leader(let leader) = role else {
            return EpochCheck.refusal(requested: requested, current: assignment.leaderEpoch, isLeader: false)
        }
        return EpochCheck.refusal(requested: requested, current: leader.leaderEpoch, isLeader: true)
    }

    // MARK: what follows from a step

    /// Takes over what a step of the leader asks for.
    mutating func follow(_ outcome: LeaderReplica.Outcome, _ after: inout Aftermath) {
        if let proposal = outcome.proposal { after.proposals.append(proposal) }
        if outcome.highWatermarkMoved { highWatermarkMoved(&after) }
        settleDeletions(&after)
    }

    mutating func highWatermarkMoved(_ after: inout Aftermath) {
        after.highWatermark = highWatermark
        if case .leader(let leader) = role {
            while let first = parkedProduces.first {
                switch leader.verdict(required: first.required) {
                case .wait: return wakeFetches(&after)
                case .acknowledged: after.verdicts.append(Aftermath.Verdict(produce: first, error: .noError))
                case .notEnoughReplicasAfterAppend:
                    after.verdicts.append(Aftermath.Verdict(produce: first, error: .notEnoughReplicasAfterAppend))
                }
                parkedProduces.removeFirst()
            }
        }
        wakeFetches(&after)
    }

    /// Wakes the fetches whose goal is reached.
    mutating func wakeFetches(_ after: inout Aftermath) {
        guard !parkedFetches.isEmpty, case .open(let log) = storage else { return }
        let (end, watermark) = (log.logEndOffset, highWatermark)
        var kept: [(fetch: any ParkedFetch, goal: FetchGoal)] = []
        for entry in parkedFetches {
            let isReached =
                switch entry.goal {
                case .logEndBehind(let offset): end > offset
                case .highWatermarkBehind(let offset): watermark > offset
                case .logEndBehindOrHighWatermarkAbove(let offset, let known): end > offset || watermark > known
                }
            if isReached { after.woken.append(entry.fetch) } else { kept.append(entry) }
        }
        parkedFetches = kept
    }

    /// Leadership here is over, or the log is: nobody waits any longer. In the same step as the cause (design: before
    /// any truncation).
    mutating func failAllWaiting(_ error: ErrorCode, _ after: inout Aftermath) {
        for produce in parkedProduces { after.verdicts.append(Aftermath.Verdict(produce: produce, error: error)) }
        parkedProduces = []
        for deletion in parkedDeletions {
            after.deletions.append(
                (deletion.request, deletion.slot, DeletionInFlight.PartitionResult(error: error)))
        }
        parkedDeletions = []
        after.woken += parkedFetches.map(\.fetch)
        parkedFetches = []
    }

    /// The log can't be used any more.
    mutating func goOffline(_ reason: String, _ after: inout Aftermath) {
        if case .open(var log) = storage { log.abandon() }
        storage = .offline(reason: reason)
        failAllWaiting(.kafkaStorageError, &after)
        if case .follower = role { after.following = .stop }
        role = .idle
    }
}
