package import Primitives

#if MUTANTS
    import Mutants
#endif

/// A partition as its leader sees it: the in-sync set, its followers' progress and the high watermark.
///
/// - Invariant: the high watermark never decreases within a leader epoch, and everything below it is in the (flushed,
///   where `flushesOnAck`) log of every member of the maximal in-sync set.
/// - Source: KIP-497 (one change in flight, maximal ISR), KIP-841 and KIP-903 (eligibility), KIP-207 (lagging
///   watermark).
package struct LeaderReplica: Sendable {
    /// The configuration that the rules depend on.
    package struct Settings: Hashable, Sendable {
        package var minInSyncReplicas: Int
        package var replicaLagMaxMilliseconds: Int64
        /// Whether the leader's own contribution to the high watermark is its flushed end offset.
        package var flushesOnAck: Bool

        package init(minInSyncReplicas: Int, replicaLagMaxMilliseconds: Int64, flushesOnAck: Bool) {
            self.minInSyncReplicas = minInSyncReplicas
            self.replicaLagMaxMilliseconds = replicaLagMaxMilliseconds
            self.flushesOnAck = flushesOnAck
        }
    }

    /// What one step leaves to be done outside.
    package struct Outcome: Hashable, Sendable {
        package var highWatermarkMoved = false
        /// To be sent to the controller; its answer comes back through `isrAnswered`.
        package var proposal: ISRProposal?

        package init() {}
    }

    /// The wait after a refused proposal before another one is made, so that a follower's fetches do not cause a storm.
    package static let refusedProposalPauseMilliseconds: Int64 = 200
    /// The wait before a follower that was refused is proposed again: time for another one, which it would keep out.
    package static let refusedFollowerPauseMilliseconds: Int64 = 1_000

    package let me: BrokerID
    package let leaderEpoch: LeaderEpoch
    /// The log end when this epoch began: nothing below it was written by this leader in this epoch.
    package let epochStart: Offset
    /// When this replica began to lead in the epoch.
    let began: MonotonicInstant
    package private(set) var settings: Settings
    package private(set) var replicas: [BrokerID]
    package private(set) var highWatermark: Offset
    package private(set) var logEnd: Offset
    package private(set) var flushedEnd: Offset
    package private(set) var followers: [FollowerProgress]
    private var isr: InSyncReplicas
    private var myLife: BrokerLife?
    private var noProposalBefore: MonotonicInstant?

    /// Begins leading in the epoch of `assignment`. The shell has appended that epoch at `logEnd` to the epoch cache
    /// before.
    package init(
        me: BrokerID, assignment: PartitionAssignment, settings: Settings, logEnd: Offset, flushedEnd: Offset,
        highWatermark: Offset, lives: (BrokerID) -> BrokerLife?, now: MonotonicInstant
    ) {
        precondition(assignment.leader == me, "leading a partition that another broker leads")
        self.me = me
        self.settings = settings
        leaderEpoch = assignment.leaderEpoch
        epochStart = logEnd
        began = now
        replicas = assignment.replicas
        self.highWatermark = min(highWatermark, logEnd)
        #if MUTANTS
            if Mutant.allIsCommitted.isOn { self.highWatermark = logEnd }
        #endif
        self.logEnd = logEnd
        self.flushedEnd = min(flushedEnd, logEnd)
        isr = InSyncReplicas(committed: assignment.inSync, partitionEpoch: assignment.partitionEpoch)
        myLife = lives(me)
        followers = assignment.replicas.filter { $0 != me }.map {
            FollowerProgress(broker: $0, life: lives($0), caughtUpAt: assignment.inSync.contains($0) ? now : nil)
        }
    }

    package var inSync: [BrokerID] { isr.committed }
    package var maximalInSync: [BrokerID] { isr.maximal }
    package var partitionEpoch: PartitionEpoch { isr.partitionEpoch }
    package var isChangeInFlight: Bool { !isr.isSettled }

    /// `min.insync.replicas`, but never more than there are replicas.
    package var effectiveMinInSync: Int {
        #if MUTANTS
            if Mutant.minInSyncIgnored.isOn { return 1 }
        #endif
        return min(settings.minInSyncReplicas, replicas.count)
    }

    /// Whether an acks=all append may be tried now.
    package var hasEnoughInSync: Bool { isr.committed.count >= effectiveMinInSync }

    /// False after an election until all that was written before it is known to be committed (KIP-207).
    package var isHighWatermarkCurrent: Bool {
        #if MUTANTS
            if Mutant.laggingEndShown.isOn { return true }
        #endif
        return highWatermark >= epochStart
    }

    // MARK: the log grew or became durable

    /// The log now ends at `end`.
    package mutating func appended(to end: Offset, now: MonotonicInstant) -> Outcome {
        precondition(end >= logEnd, "a leader's log never shrinks")
        logEnd = end
        return settings.flushesOnAck ? Outcome() : watermarkOutcome(now)
    }

    /// All below `end` is durable here.
    package mutating func flushed(to end: Offset, now: MonotonicInstant) -> Outcome {
        guard end > flushedEnd else { return Outcome() }
        flushedEnd = min(end, logEnd)
        return settings.flushesOnAck ? watermarkOutcome(now) : Outcome()
    }

    /// The settings changed.
    package mutating func configured(_ new: Settings, now: MonotonicInstant) -> Outcome {
        settings = new
        return watermarkOutcome(now)
    }

    // MARK: followers

    /// A follower asked for records from its end offset, in this leader epoch, and its log matches ours up to there.
    ///
    /// - Errors: `UNKNOWN_LEADER_EPOCH` when it is no replica that we know of (its metadata is newer);
    ///   `NOT_LEADER_OR_FOLLOWER` when it is from a former life of its broker.
    package mutating func followerFetched(
        _ fetch: FollowerFetch, now: MonotonicInstant
    ) throws(ReplicationError) -> Outcome {
        guard let index = followers.firstIndex(where: { $0.broker == fetch.follower }) else {
            throw ReplicationError(.unknownLeaderEpoch)
        }
        guard followers[index].record(fetch, leaderEnd: logEnd, now: now) else {
            throw ReplicationError(.notLeaderOrFollower)
        }
        var outcome = Outcome()
        outcome.proposal = expansion(with: followers[index], now: now)
        outcome.highWatermarkMoved = advanceHighWatermark(now)
        return outcome
    }

    /// A follower's session asked on at `instant` without naming this partition. To be called before the log grows and
    /// before it is judged who lags: what is in a session is fetched with each request of it, named or not.
    package mutating func heard(_ follower: BrokerID, of epoch: BrokerEpoch?, at instant: MonotonicInstant) {
        guard let index = followers.firstIndex(where: { $0.broker == follower }),
            followers[index].fetchedBrokerEpoch == epoch
        else { return }
        followers[index].heard(at: instant, leaderEnd: logEnd)
    }

    /// Whether nothing depends on when a follower asks next, as long as nothing happens here: it is in sync, has told
    /// what it has, and all that there is is committed.
    package func isSettled(_ follower: BrokerID) -> Bool {
        highWatermark >= logEnd && isr.isSettled && isr.committed.contains(follower)
            && followers.contains { $0.broker == follower && $0.endOffset != nil }
    }

    /// A broker's registration changed; nil when it is gone.
    package mutating func brokerChanged(_ broker: BrokerID, _ life: BrokerLife?, now: MonotonicInstant) -> Outcome {
        if broker == me { myLife = life }
        guard let index = followers.firstIndex(where: { $0.broker == broker }) else { return Outcome() }
        followers[index].registered(life)
        return watermarkOutcome(now)
    }

    /// Looks for followers that lag too long. To be called at least each half of the lag limit.
    package mutating func checkLag(now: MonotonicInstant) -> Outcome {
        var outcome = Outcome()
        outcome.proposal = shrinkage(now: now)
        outcome.highWatermarkMoved = advanceHighWatermark(now)
        return outcome
    }

    // MARK: the controller

    /// What an answer to a proposal means for its sender.
    package enum AnswerVerdict: Hashable, Sendable {
        /// Settled one way or the other, or left to the metadata; the outcome says what follows.
        case settled(Outcome)
        /// Nothing is known: send the same proposal again after a pause.
        case sendAgain
        /// It was about a proposal that is not in flight any more.
        case outdated
    }

    /// Whether the answer to `proposal` is still of interest.
    package func awaits(_ proposal: ISRProposal) -> Bool { isr.isInFlight(proposal) }

    /// The answer to `proposal` came, or its request failed.
    package mutating func isrAnswered(
        _ proposal: ISRProposal, _ answer: ISRAnswer, now: MonotonicInstant
    ) -> AnswerVerdict {
        if answer.isForNothing, proposal.leaderEpoch == leaderEpoch {
            // Also where the metadata was faster than the answer: what is refused once is refused again.
            noProposalBefore = now.advanced(byMilliseconds: LeaderReplica.refusedProposalPauseMilliseconds)
            if answer == .refused(.ineligibleReplica) { restRefused(proposal, now: now) }
        }
        guard isr.isInFlight(proposal) else { return .outdated }
        switch answer {
        case .committed(let epoch, let partitionEpoch, let inSync):
            guard epoch == leaderEpoch, partitionEpoch > isr.partitionEpoch else {
                isr.waitForMetadata()
                return .settled(Outcome())
            }
            commit(inSync, at: partitionEpoch)
            return .settled(watermarkOutcome(now))
        case .refused(let error):
            #if MUTANTS
                if Mutant.unansweredTakenBack.isOn {
                    isr.rollBack()
                    return .settled(watermarkOutcome(now))
                }
            #endif
            if answer.isForNothing {
                isr.rollBack()
                return .settled(watermarkOutcome(now))
            }
            switch error {
            case .fencedLeaderEpoch, .invalidUpdateVersion, .unknownTopicOrPartition, .unknownTopicID, .invalidRequest,
                .newLeaderElected:
                isr.waitForMetadata()
                return .settled(Outcome())
            default:
                return .sendAgain
            }
        }
    }

    /// Newer committed state of the same leader epoch arrived with the metadata. Older or equal state changes nothing.
    package mutating func metadataChanged(
        _ assignment: PartitionAssignment, lives: (BrokerID) -> BrokerLife?, now: MonotonicInstant
    ) -> Outcome {
        precondition(assignment.leaderEpoch == leaderEpoch, "a new leader epoch needs a new leader state")
        guard assignment.partitionEpoch > isr.partitionEpoch else { return Outcome() }
        commit(assignment.inSync, at: assignment.partitionEpoch)
        replicas = assignment.replicas
        followers = assignment.replicas.filter { $0 != me }.map { broker in
            followers.first { $0.broker == broker }
                ?? FollowerProgress(broker: broker, life: lives(broker), caughtUpAt: nil)
        }
        return watermarkOutcome(now)
    }

    // MARK: acknowledgements

    /// What a waiting acks=all append is told.
    package enum AckVerdict: Hashable, Sendable {
        case wait
        case acknowledged
        /// The records are committed, but fewer copies exist than the topic asks for.
        case notEnoughReplicasAfterAppend
    }

    /// The verdict on an append whose last record lies below `required`.
    package func verdict(required: Offset) -> AckVerdict {
        #if MUTANTS
            if Mutant.acknowledgedAtOnce.isOn { return .acknowledged }
        #endif
        guard highWatermark >= required else { return .wait }
        return isr.maximalCount >= effectiveMinInSync ? .acknowledged : .notEnoughReplicasAfterAppend
    }
}

/// A refusal by the replication rules, as the protocol's error.
package struct ReplicationError: Error, Hashable {
    package let code: ErrorCode

    package init(_ code: ErrorCode) { self.code = code }
}

extension LeaderReplica {
    private mutating func commit(_ inSync: [BrokerID], at partitionEpoch: PartitionEpoch) {
        for index in followers.indices {
            let broker = followers[index].broker
            if isr.committed.contains(broker), !inSync.contains(broker) { followers[index].leftInSync() }
        }
        isr.commit(inSync, at: partitionEpoch)
    }

    private mutating func watermarkOutcome(_ now: MonotonicInstant) -> Outcome {
        var outcome = Outcome()
        outcome.highWatermarkMoved = advanceHighWatermark(now)
        return outcome
    }

    /// Moves the high watermark to the least end offset over the maximal in-sync set and those about to join it.
    private mutating func advanceHighWatermark(_ now: MonotonicInstant) -> Bool {
        guard hasEnoughInSync else { return false }
        var least = settings.flushesOnAck ? flushedEnd : logEnd
        #if MUTANTS
            if Mutant.unflushedCounts.isOn { least = logEnd }
        #endif
        guard least > highWatermark else { return false }
        for follower in followers {
            if isr.maximalContains(follower.broker) {
                guard let end = follower.endOffset else { return false }
                least = min(least, end)
            } else if let end = follower.endOffset, follower.isEligible,
                follower.isInSync(leaderEnd: logEnd, now: now, lagMaxMilliseconds: settings.replicaLagMaxMilliseconds)
            {
                // Or a follower that is catching up could never reach the watermark and join (rule 7).
                least = min(least, end)
            }
        }
        guard least > highWatermark else { return false }
        highWatermark = least
        return true
    }

    private mutating func restRefused(_ proposal: ISRProposal, now: MonotonicInstant) {
        let until = now.advanced(byMilliseconds: LeaderReplica.refusedFollowerPauseMilliseconds)
        for index in followers.indices where !isr.committed.contains(followers[index].broker) {
            if proposal.members.contains(where: { $0.broker == followers[index].broker }) {
                followers[index].refused(until: until)
            }
        }
    }

    private mutating func expansion(with follower: FollowerProgress, now: MonotonicInstant) -> ISRProposal? {
        #if MUTANTS
            if Mutant.joinsBehind.isOn || Mutant.joinsBeforeEpochStart.isOn, isr.isSettled, mayPropose(now),
                !isr.committed.contains(follower.broker), follower.isEligible,
                Mutant.joinsBehind.isOn || follower.endOffset.map({ $0 >= highWatermark }) ?? false
            {
                return propose(isr.committed + [follower.broker])
            }
        #endif
        guard isr.isSettled, !isr.committed.contains(follower.broker), mayPropose(now), follower.mayBeProposed(now),
            follower.isEligible, let end = follower.endOffset, end >= highWatermark, end >= epochStart
        else { return nil }
        return propose(isr.committed + [follower.broker])
    }

    private mutating func shrinkage(now: MonotonicInstant) -> ISRProposal? {
        guard isr.isSettled, mayPropose(now) else { return nil }
        let lag = settings.replicaLagMaxMilliseconds
        let out = followers.filter { follower in
            isr.committed.contains(follower.broker)
                && !follower.isInSync(leaderEnd: logEnd, now: now, lagMaxMilliseconds: lag)
        }.map(\.broker)
        return out.isEmpty ? nil : propose(isr.committed.filter { !out.contains($0) })
    }

    private func mayPropose(_ now: MonotonicInstant) -> Bool { noProposalBefore.map { now >= $0 } ?? true }

    /// Nil while a member's registration is unknown: a proposal names the life of each member.
    private mutating func propose(_ brokers: [BrokerID]) -> ISRProposal? {
        var members: [ISRProposal.Member] = []
        for broker in brokers.sorted() {
            let life = broker == me ? myLife : followers.first { $0.broker == broker }?.life
            guard let life else { return nil }
            members.append(ISRProposal.Member(broker: broker, epoch: life.epoch))
        }
        let proposal = ISRProposal(leaderEpoch: leaderEpoch, partitionEpoch: isr.partitionEpoch, members: members)
        isr.propose(proposal)
        noProposalBefore = nil
        return proposal
    }
}
