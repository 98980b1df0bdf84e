import LogStorage
package import Metadata
package import Primitives
import Replication
import Synchronization
import World

/// One replica of a partition on this broker: its log, its role, and who waits for it.
///
/// Whichever loop has a request for it works on it, under one lock. What a step leaves to be done (answers, wakes, a
/// flush, a question to the controller) is done after the lock is given back.
package final class Partition: Sendable {
    package let id: TopicPartitionID
    package let topicName: String
    let services: PartitionServices
    let traffic: TopicTraffic
    let state: Mutex<PartitionState>
    /// Held by work on the files that is done beside the log's lock, and by the removal of the directory; false once
    /// the directory is not this replica's any more. Taken before the lock of the state, never under it.
    private let holdsDirectory = Mutex(true)
    /// The same for errands, which write beside a flush. Taken behind the other, before the lock of the state.
    private let holdsForWriting = Mutex(true)
    private let home: Mutex<Home>
    /// The newest change of its following that the fetchers were told of.
    private let toldFollowing = Mutex<UInt64>(0)

    /// Where it lies.
    private struct Home {
        let logDirectory: String
        let directory: String
        let disk: DataDisk

        init(_ logDirectory: String, _ name: PartitionDirectoryName, _ disks: DataDisks) {
            self.logDirectory = logDirectory
            directory = "\(logDirectory)/\(name)"
            disk = disks[logDirectory]
        }
    }

    init(
        id: TopicPartitionID, topicName: String, logDirectory: String, services: PartitionServices,
        settings: PartitionSettings, assignment: PartitionAssignment, lives: [BrokerID: BrokerLife],
        checkpointedHighWatermark: Offset
    ) {
        self.id = id
        self.topicName = topicName
        self.services = services
        let place = Home(logDirectory, PartitionDirectoryName(topic: topicName, partition: id.index), services.disks)
        home = Mutex(place)
        traffic = services.traffic.topic(topicName)
        state = Mutex(
            PartitionState(
                settings: settings, assignment: assignment, lives: lives,
                checkpointedHighWatermark: checkpointedHighWatermark, traffic: traffic, disk: place.disk))
    }

    /// `<log dir>/<topic>-<partition>`; another once the replica was moved.
    package var directory: String { home.withLock { $0.directory } }

    /// Whether it lies there.
    func isDirectory(_ path: String) -> Bool { home.withLock { $0.directory == path } }

    package var logDirectory: String { home.withLock { $0.logDirectory } }

    /// The disk that its log lies on: what waits for it runs on its threads.
    var disk: DataDisk { home.withLock { $0.disk } }

    /// The directory as it is called in each log directory.
    var directoryName: PartitionDirectoryName { PartitionDirectoryName(topic: topicName, partition: id.index) }

    /// The replica lies in another log directory from now on; only while its directory is held.
    func moved(to logDirectory: String) {
        let new = Home(logDirectory, directoryName, services.disks)
        home.withLock { $0 = new }
        state.withLock { $0.disk = new.disk }
    }

    // MARK: what others ask

    /// Where it stands, for listings and checkpoints.
    package struct Position: Hashable, Sendable {
        package var logStart: Offset
        package var logEnd: Offset
        package var flushedEnd: Offset
        package var highWatermark: Offset
        package var sizeBytes: Int64
        package var leaderEpoch: LeaderEpoch
        package var isLeader: Bool
        /// All below it is compacted; zero where nothing is.
        package var cleanedEnd: Offset
    }

    /// Nil while the log is not open.
    package var position: Position? {
        state.withLock { state in
            guard let log = state.log else { return nil }
            return Position(
                logStart: log.logStartOffset, logEnd: log.logEndOffset, flushedEnd: log.flushedEndOffset,
                highWatermark: state.highWatermark, sizeBytes: log.sizeBytes,
                leaderEpoch: state.assignment.leaderEpoch, isLeader: state.leader != nil,
                cleanedEnd: log.cleanedEndOffset)
        }
    }

    /// Whom to ask instead, for errors that tell of a newer leader (KIP-951).
    var leaderHint: LeaderHint {
        state.withLock { LeaderHint(leader: $0.assignment.leader, leaderEpoch: $0.assignment.leaderEpoch) }
    }

    /// `max.message.bytes` and what else a batch is checked against.
    var settings: PartitionSettings { state.withLock { $0.settings } }

    // MARK: steps

    /// Runs one step under the lock and does what follows from it.
    func step<Result>(_ body: (inout PartitionState, inout Aftermath) -> Result) -> Result {
        var after = Aftermath()
        let result = state.withLock { state in
            let result = body(&state, &after)
            state.tellWatches(&after)
            if after.following != nil {
                state.followingChanges += 1
                after.followingNumber = state.followingChanges
            }
            return result
        }
        settle(after)
        return result
    }

    /// Two steps may settle in the other order on two threads: the fetchers keep to the newer.
    private func tell(_ change: FollowingChange, numbered number: UInt64) {
        toldFollowing.withLock { told in
            guard number > told else { return }
            told = number
            switch change {
            case .start(let leader): services.followers.follow(self, leader: leader)
            case .stop: services.followers.unfollow(self)
            }
        }
    }

    /// Does what a step asks for; never under the lock.
    private func settle(_ after: Aftermath) {
        for verdict in after.verdicts {
            let isMoved = verdict.error == .notLeaderOrFollower
            verdict.produce.request.resolve(
                slot: verdict.produce.slot, verdict.error, leader: isMoved ? leaderHint : nil)
        }
        for deletion in after.deletions { deletion.request.resolve(slot: deletion.slot, deletion.result) }
        for fetch in after.woken { fetch.wake() }
        for proposal in after.proposals { propose(proposal) }
        if let change = after.following { tell(change, numbered: after.followingNumber) }
        if !after.removals.isEmpty { remove(after.removals) }
        if let path = after.suspicion { suspect(path) }
        if let failure = after.failure { services.logFailed(failure) }
        if after.wantsErrand { runErrand() }
        if after.wantsFlush { startFlush() }
        if let alarm = after.groupAlarm { lookAtGroup(at: alarm) }
        if let waited = after.groupWaitNanoseconds {
            services.traffic.groupWaits.record(microseconds: waited / 1_000)
        }
        if let watermark = after.highWatermark { services.highWatermarkMoved(self, watermark) }
    }

    private func remove(_ removals: [SegmentRemoval]) {
        disk.pool.run {
            do throws(FileError) { for removal in removals { try removal.run(self.services.files) } } catch {
                self.services.logFailed(LogFailure(directory: self.directory, reason: "\(error)"))
            }
        }
    }

    /// Appends what came for it in one round.
    ///
    /// - Returns: the file that keeps what was written, until it is told to forget it: once those who waited have read.
    func append(_ incoming: [PartitionState.Incoming]) -> SegmentFile? {
        let (now, timeOfDay) = (services.clock.now, services.clock.timeOfDay)
        let isControllerLost = services.contact.isLost(now: now)
        let written: SegmentFile? = step { state, after in
            let incoming = state.vouched(incoming, &after)
            if state.isHeld {
                state.hold(incoming, &after)
            } else if isControllerLost, state.isCutOff(services.contact, now: now) {
                // Before the append: what is appended by a leader that is cut off may be cut away again.
                state.refuse(incoming, .notLeaderOrFollower, &after)
            } else if state.isDiskFull, state.leader != nil {
                state.refuse(incoming, .kafkaStorageError, &after)
            } else if state.disk.handsOver, state.leader != nil {
                state.handOver(incoming, &after)
            } else {
                state.append(incoming, timeOfDay: timeOfDay, now: now, keepsNewest: true, &after)
                return state.log?.activeFile
            }
            return nil
        }
        loopWaited(since: now)
        return written
    }

    /// What was done since then on a loop may have waited for a write.
    func loopWaited(since begun: MonotonicInstant) {
        let now = services.clock.now
        if WritePace.isSlow(from: begun, to: now) { disk.loopWaited(from: begun, to: now) }
    }

    /// Whether this broker leads the partition and has fenced itself there: it hears neither a controller nor enough
    /// followers.
    var isCutOff: Bool {
        let now = services.clock.now
        guard services.contact.isLost(now: now) else { return false }
        return state.withLock { $0.isCutOff(services.contact, now: now) }
    }

    /// Fails what waits for replicas or records where this leader is cut off: another may lead by now.
    func failWaitingIfCutOff() {
        let now = services.clock.now
        guard services.contact.isLost(now: now) else { return }
        step { state, after in
            guard state.isCutOff(services.contact, now: now) else { return }
            state.failAllWaiting(.notLeaderOrFollower, isLeader: true, &after)
            state.ringConsumers(&after)
        }
    }

    /// Waits until there is more to read; false when the goal is reached already or nothing can come.
    package func park(_ fetch: any ParkedFetch, until goal: FetchGoal) {
        step { state, after in
            state.parkedFetches.append((fetch, goal))
            state.wakeFetches(&after)
        }
    }

    /// Forgets a fetch that was answered otherwise.
    package func unpark(_ fetch: any ParkedFetch) {
        state.withLock { state in state.parkedFetches.removeAll { $0.fetch === fetch } }
    }

    // MARK: the directory

    /// Does what names files in the directory while it surely is this replica's; nil where it is not any more. Blocks.
    ///
    /// A replica of the same name may be made where this one was: what is still under way for this one must not touch
    /// the other's files, nor fail because they are gone.
    func onDirectory<Result: Sendable, Failure: Error>(
        _ work: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        try holdsDirectory.withLock { (holds) throws(Failure) -> Result? in
            guard holds else { return nil }
            return try work()
        }
    }

    /// The same for an errand. Blocks.
    func onDirectoryForWriting<Result: Sendable, Failure: Error>(
        _ work: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        try holdsForWriting.withLock { (holds) throws(Failure) -> Result? in
            guard holds else { return nil }
            return try work()
        }
    }

    /// Gives the directory up by `work`, when nothing is under way in it. Blocks.
    func leaveDirectory<Failure: Error>(_ work: () throws(Failure) -> Void) throws(Failure) {
        try holdsDirectory.withLock { (holds) throws(Failure) -> Void in
            holds = false
            try holdsForWriting.withLock { (holds) throws(Failure) -> Void in
                holds = false
                try work()
            }
        }
    }

    // MARK: flushing

    /// Starts a flush on its disk's threads unless one runs: that one covers what came meanwhile with another round
    /// (group commit).
    func startFlush() {
        let starts = state.withLock { state in
            guard state.isOpen, !state.isFlushing else { return false }
            state.isFlushing = true
            return true
        }
        if starts { disk.pool.run { self.flushUntilClean() } }
    }

    private func flushUntilClean() {
        while let flush = nextFlush() {
            let watch = disk.flushes
            let begun = services.clock.now
            let watched = watch.began(at: begun)
            defer { watch.ended(watched, at: services.clock.now) }
            guard run(flush) else { return }
            let taken = (services.clock.now.value - begun.value) / 1_000
            services.traffic.flushes.record(microseconds: taken)
        }
    }

    /// Makes durable what a flush is of, and says so; false where no other may follow. Blocks.
    func run(_ flush: PartitionFlush) -> Bool {
        let begun = services.clock.now
        do throws(FileError) {
            let isThere = try onDirectory { () throws(FileError) -> Bool in
                // Another log may lie here by now: its files are not this flush's to write.
                let isOfThisLog = state.withLock { $0.logNumber == flush.logNumber }
                if isOfThisLog { try flush.ticket.run(services.files) }
                return true
            }
            guard isThere ?? false else {
                state.withLock { $0.isFlushing = false }
                return false
            }
        } catch {
            // Never tried again: what the system dropped is gone (fault F14).
            flushFailed(flush, error)
            return false
        }
        let now = services.clock.now
        step { state, after in
            guard state.logNumber == flush.logNumber else { return }
            state.log?.flushed(flush.ticket)
            state.errand?.flushed.append(flush.ticket)
            state.group.flushTook(nanoseconds: now.value - begun.value)
            state.flushed(now: now, &after)
        }
        services.followers.flushed(self)
        return true
    }

    /// Looks at what is held back for one flush when its time is over.
    private func lookAtGroup(at instant: MonotonicInstant) {
        let microseconds = max(instant.value - services.clock.now.value, 0) / 1_000 + 1
        services.groupTimers(id).schedule(afterMicroseconds: microseconds) { [weak self] in
            guard let self else { return }
            let now = services.clock.now
            step { state, after in
                if state.groupAlarm == instant { state.groupAlarm = nil }
                state.regroup(now: now, &after)
            }
        }
    }

    private func flushFailed(_ flush: PartitionFlush, _ error: FileError) {
        step { state, after in
            state.isFlushing = false
            // Another log has taken its place meanwhile: what failed is the one that was given up.
            guard state.logNumber == flush.logNumber else {
                after.failure = LogFailure(directory: flush.ticket.directory, reason: "\(error)")
                after.wantsFlush = true
                return
            }
            state.log?.fail(error)
            state.logFailed(.file(error), &after)
        }
    }

    /// The next flush, or nil (and the end of flushing) when all is durable.
    func nextFlush() -> PartitionFlush? {
        state.withLock { state in
            let ticket = state.isGroupFlushed ? nil : state.log?.prepareFlush()
            state.isFlushing = ticket != nil
            return ticket.map { PartitionFlush(ticket: $0, logNumber: state.logNumber) }
        }
    }

    // MARK: ISR

    /// Asks the controller; one question at a time, asked again until it is settled.
    private func propose(_ proposal: ISRProposal) {
        services.isrChanges.propose(id, proposal) { [weak self] answer in self?.answered(proposal, answer) }
    }

    /// The pause before a proposal whose fate is unknown is sent again.
    private static let proposalRetryMilliseconds: Int64 = 50

    private func answered(_ proposal: ISRProposal, _ answer: ISRAnswer) {
        if case .refused = answer { services.traffic.failedISRUpdates.wrappingAdd(1, ordering: .relaxed) }
        let now = services.clock.now
        let isOpenQuestion = step { state, after in
            switch state.leader?.isrAnswered(proposal, answer, now: now) {
            case .settled(let outcome):
                state.follow(outcome, now: now, &after)
                return false
            case .outdated, nil: return false
            case .sendAgain: return true
            }
        }
        guard isOpenQuestion else { return }
        services.timers.schedule(afterMilliseconds: Partition.proposalRetryMilliseconds) { [weak self] in
            self?.proposeAgain(proposal)
        }
    }

    /// Another leader's term may have begun meanwhile, or newer metadata may have settled the question.
    private func proposeAgain(_ proposal: ISRProposal) {
        if state.withLock({ $0.leader?.awaits(proposal) ?? false }) { propose(proposal) }
    }

    /// Looks for followers that lag too long (rule 15).
    func checkLag() {
        let now = services.clock.now
        step { state, after in
            state.hearFollowers()
            state.lead(now: now, &after) { $0.checkLag(now: now) }
        }
    }
}
