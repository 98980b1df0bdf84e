import DequeModule
import LogStorage
import Primitives
import Replication

#if MUTANTS
    import Mutants
#endif

/// All of a partition that its lock guards: the log, the role, and who waits.
///
/// - Invariant: parked produces are ordered by the offset they wait for; they exist only while this broker leads.
///   A log is there exactly while it is open, and at most one of the two roles.
///
/// The log and the roles are optionals and no payloads of enums: an optional is changed where it stands, a payload has
/// to be copied out, with a reference counted for each of its fields.
struct PartitionState: ~Copyable {
    /// Why the log is not there.
    enum Absence {
        /// The pool opens (and recovers) it.
        case opening
        case offline(reason: String)
        case closed
    }

    /// A batch on its way into the log.
    struct Incoming {
        let batch: Bytes
        let request: ProduceInFlight
        let slot: Int
        let waitsForReplicas: Bool
        /// Whether a coordinator was told where it will stand: it is not refused any more.
        var isPromised = false
        /// Of a batch that a producer sends in a transaction.
        var claim: TransactionClaim?
        /// Of a marker that ends one.
        var marker: EndMarker?
    }

    /// The log, while it is open. Put in by `opened` and `endCut`, taken out by `leaveLog`.
    var log: PartitionLog?
    private(set) var absence = Absence.opening
    /// The role, while this broker leads.
    var leader: LeaderReplica?
    /// The role, while this broker follows.
    var follower: FollowerReplica?
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
    /// The fetch sessions that watch this partition, in no order.
    var watches: [PartitionWatch] = []
    /// What they were told of last; there while there are any.
    var seen: FetchableView?
    /// Deletions that some replica has not followed yet; they exist only while this broker leads.
    var parkedDeletions: [ParkedDeletion] = []
    var isFlushing = false
    /// What replicas are given to flush together; of a leader that flushes on acknowledgement only.
    var group = FlushGroup(end: .zero)
    /// When the group is looked at next; nil when no timer is set.
    var groupAlarm: MonotonicInstant?
    /// What came while nothing may be appended; nil while all is. Bounded by `heldBytesMax`.
    var held: [Incoming]?
    var heldBytes = 0
    /// What is done to a copy of the log as its disk is slow; the log is held as long.
    var errand: LogErrand?
    /// Errands so far.
    var errandCount: UInt64 = 0
    /// The disk that the log lies on.
    var disk: DataDisk
    /// Whether the replica is on its way to another directory: it is not compacted meanwhile.
    var isMoving = false
    /// Changes with each log that takes this place: a copy or a flush of one says nothing about the next.
    private(set) var logNumber = 0
    let traffic: TopicTraffic
    /// When a leader last appended; long ago at first.
    var lastAppendAt = MonotonicInstant(-PartitionState.hotMilliseconds * 1_000_000)
    /// The disk has no more space than is reserved: no records are taken.
    var isDiskFull = false
    /// How often what it wants of the fetchers has changed.
    var followingChanges: UInt64 = 0
    /// What is wrong with the log; nil as far as nothing is known.
    var damage: ReplicaDamage?
    /// Something read from the log makes no sense and is being looked into.
    var isDiagnosing = false
    var verifications = TransactionVerifications()
    /// When unflushed records were seen first, where `flush.ms` bounds their time.
    var unflushedSince: MonotonicInstant?

    init(
        settings: PartitionSettings, assignment: PartitionAssignment, lives: [BrokerID: BrokerLife],
        checkpointedHighWatermark: Offset, traffic: TopicTraffic, disk: DataDisk
    ) {
        self.disk = disk
        self.settings = settings
        self.assignment = assignment
        self.lives = lives
        self.checkpointedHighWatermark = checkpointedHighWatermark
        self.traffic = traffic
    }

    static let parkedProducesSweepMin = 1_024
    /// The newest batches are taken to be in the page cache for so long after the last append: the kernel has hardly
    /// begun to write them by then.
    static let hotMilliseconds: Int64 = 1_000

    var isOpen: Bool { log != nil }

    var isOpening: Bool {
        if log == nil, case .opening = absence { return true }
        return false
    }

    var isOffline: Bool {
        if log == nil, case .offline = absence { return true }
        return false
    }

    /// The log is open.
    mutating func enter(_ opened: consuming PartitionLog) {
        logNumber += 1
        log = opened
    }

    /// The log is there no longer, and another will take its place; gives the last of it.
    mutating func giveUpLog() -> PartitionLog? {
        logNumber += 1
        return leaveLog(.opening)
    }

    /// The log is there no longer; gives the last of it.
    mutating func leaveLog(_ absence: Absence) -> PartitionLog? {
        self.absence = absence
        dropErrand()
        return log.take()
    }

    /// The committed end as far as this replica knows.
    var highWatermark: Offset {
        if let known = leader?.highWatermark { return known }
        return follower?.highWatermark ?? checkpointedHighWatermark
    }

    /// The end of what is decided for good: the high watermark where no transaction keeps readers back.
    var lastStableOffset: Offset {
        let watermark = highWatermark
        #if MUTANTS
            if Mutant.stableIsWatermark.isOn { return watermark }
        #endif
        guard log?.hasUndecidedTransactions == true else { return watermark }
        return log?.lastStableOffset(highWatermark: watermark) ?? watermark
    }

    var leaderSettings: LeaderReplica.Settings {
        LeaderReplica.Settings(
            minInSyncReplicas: settings.minInSyncReplicas,
            replicaLagMaxMilliseconds: settings.replicaLagMillisecondsMax, flushesOnAck: settings.flushesOnAck)
    }

    /// The error for a request that needs a leader, or nil.
    func leaderRefusal(requested: LeaderEpoch?) -> ErrorCode? {
        if isOffline { return .kafkaStorageError }
        guard log != nil, let epoch = leader?.leaderEpoch else {
            return EpochCheck.refusal(requested: requested, current: assignment.leaderEpoch, isLeader: false)
        }
        return EpochCheck.refusal(requested: requested, current: epoch, isLeader: true)
    }

    // MARK: what follows from a step

    /// Takes over what a step of the leader asks for.
    mutating func follow(_ outcome: LeaderReplica.Outcome, now: MonotonicInstant, _ after: inout Aftermath) {
        if let proposal = outcome.proposal { after.proposals.append(proposal) }
        if outcome.highWatermarkMoved {
            group.acknowledged(requests: highWatermarkMoved(&after), now: now)
        }
        settleDeletions(&after)
        regroup(now: now, &after)
    }

    /// Answers and wakes who waited for it; gives how many requests were answered.
    @discardableResult
    mutating func highWatermarkMoved(_ after: inout Aftermath) -> Int {
        let waiting = parkedProduces.count
        let watermark = highWatermark
        after.highWatermark = watermark
        if log?.hasUndecidedTransactions == true { log?.committed(upTo: watermark) }
        loop: while let required = parkedProduces.first?.required, let verdict = leader?.verdict(required: required) {
            let error: ErrorCode
            switch verdict {
            case .wait: break loop
            case .acknowledged: error = .noError
            case .notEnoughReplicasAfterAppend: error = .notEnoughReplicasAfterAppend
            }
            after.verdicts.append(Aftermath.Verdict(produce: parkedProduces.removeFirst(), error: error))
        }
        wakeFetches(&after)
        return waiting - parkedProduces.count
    }

    /// Wakes the fetches whose goal is reached.
    mutating func wakeFetches(_ after: inout Aftermath) {
        guard !parkedFetches.isEmpty, let end = log?.logEndOffset else { return }
        let watermark = highWatermark
        let given = endGivenToInSync ?? end
        let stable = lastStableOffset
        parkedFetches.removeAll { entry in
            let isReached =
                switch entry.goal {
                case .logEndBehind(let offset): end > offset
                case .highWatermarkBehind(let offset): watermark > offset
                case .lastStableBehind(let offset): stable > offset
                case .logEndBehindOrHighWatermarkAbove(let offset, let known): end > offset || watermark > known
                case .groupBehind(let offset, let known): given > offset || known.map { watermark > $0 } ?? false
                }
            if isReached { after.woken.append(entry.fetch) }
            return isReached
        }
    }

    /// Leadership here is over, or the log is: nobody waits any longer. In the same step as the cause (design: before
    /// any truncation).
    ///
    /// - Parameter isLeader: this replica leads on as far as it knows, cut off from the others.
    mutating func failAllWaiting(_ error: ErrorCode, isLeader: Bool = false, _ after: inout Aftermath) {
        failParkedProduces(error, &after)
        failHeld(error, isLeader: isLeader, &after)
        for deletion in parkedDeletions {
            after.deletions.append(
                (deletion.request, deletion.slot, DeletionInFlight.PartitionResult(error: error)))
        }
        parkedDeletions = []
        after.woken += parkedFetches.map(\.fetch)
        parkedFetches = []
    }

    /// Nobody waits any longer for replicas to follow.
    mutating func failParkedProduces(_ error: ErrorCode, _ after: inout Aftermath) {
        for produce in parkedProduces { after.verdicts.append(Aftermath.Verdict(produce: produce, error: error)) }
        parkedProduces = []
    }

    /// The log can't be used any more.
    mutating func goOffline(_ reason: String, _ after: inout Aftermath) {
        log?.abandon()
        log = nil
        absence = .offline(reason: reason)
        failAllWaiting(.kafkaStorageError, &after)
        dropErrand()
        if follower != nil { after.following = .stop }
        leader = nil
        follower = nil
    }
}
