import Synchronization

/// A rule of the cluster that can be switched off, to see whether the simulator notices (reliability 2.2).
///
/// Only a build with `MARTLET_MUTANTS=1` has this module, and what asks for it stands inside of `#if MUTANTS`.
package enum Mutant: String, CaseIterable, Sendable {
    // Rules 1 to 6: leader epochs, truncation, fetching.
    /// Rule 1: a leader does not note its epoch, neither before it serves nor as it appends.
    case epochUncached = "epoch-uncached"
    /// Rule 2: who becomes a follower cuts to its own high watermark.
    case cutToWatermark = "cut-to-watermark"
    /// Rule 2: a follower cuts to the leader's end though the epochs differ (KIP-279).
    case cutByLeaderOnly = "cut-by-leader-only"
    /// Rule 3: a leader sees no divergence.
    case divergenceUnseen = "divergence-unseen"
    /// Rule 3: an answer with a divergence moves the follower's watermark.
    case divergenceMovesWatermark = "divergence-moves-watermark"
    /// Rules 4 and 5: nobody compares epochs of requests.
    case fetchEpochUnchecked = "fetch-epoch-unchecked"

    // Rules 7 to 11: the high watermark and what is shown.
    /// Rule 7: the watermark needs no `min.insync.replicas`.
    case minInSyncIgnored = "min-in-sync-ignored"
    /// Rules 7 and 13: a leader counts on the confirmed in-sync set alone.
    case onlyConfirmedInSync = "only-confirmed-in-sync"
    /// acks=all is answered by the append.
    case acknowledgedAtOnce = "acknowledged-at-once"
    /// P1b: what is not flushed counts, at leaders and followers.
    case unflushedCounts = "unflushed-counts"
    /// Rule 9: who is elected takes all it has for committed.
    case allIsCommitted = "all-is-committed"
    /// Rule 9: a lagging watermark is told as the end.
    case laggingEndShown = "lagging-end-shown"
    /// Rule 9: what is not committed yet is out of range.
    case uncommittedOutOfRange = "uncommitted-out-of-range"
    /// Rule 11: consumers read to the end of the log.
    case uncommittedRead = "uncommitted-read"

    /// ADR 15: fetch sessions do not hear that the watermark moved.
    case watermarkUnmarked = "watermark-unmarked"
    /// ADR 10: what was checked once is sent unchecked, though it has left memory since.
    case absentTrusted = "absent-trusted"

    // Rules 12 to 16: changes of the in-sync set.
    /// Rule 12: a follower joins wherever it is.
    case joinsBehind = "joins-behind"
    /// Rule 12: a follower joins before it has what was there when the epoch began.
    case joinsBeforeEpochStart = "joins-before-epoch-start"
    /// Rule 12: what a former life fetched counts for the present one.
    case formerLifeCounts = "former-life-counts"
    /// Rule 13: a change without a clear answer is taken back.
    case unansweredTakenBack = "unanswered-taken-back"
    /// Rule 14: the controller compares no epochs.
    case alterEpochsUnchecked = "alter-epochs-unchecked"
    /// Rule 14: anybody may join.
    case alterMembersUnchecked = "alter-members-unchecked"
    /// Elections: one outside of ISR and ELR is elected though nobody allowed it.
    case uncleanElection = "unclean-election"
    /// Elections: the leader epoch stays the same.
    case leaderEpochStays = "leader-epoch-stays"

    // Rules 17 to 22: the life of a broker.
    /// Rule 17: a new life is registered and the old one stays in sync.
    case formerLifeInSync = "former-life-in-sync"
    /// Rule 17: every restart is taken for one in order.
    case everyStopIsClean = "every-stop-is-clean"
    /// KIP-966: who restarts in doubt stays eligible.
    case doubtedStaysEligible = "doubted-stays-eligible"
    /// KIP-966: the eligible are not forgotten when the in-sync set is whole.
    case eligibleForGood = "eligible-for-good"
    /// KIP-966: nobody remembers who was last in sync.
    case candidatesForgotten = "candidates-forgotten"
    /// Recovery: the first candidate that reports leads.
    case firstCandidateLeads = "first-candidate-leads"
    /// Recovery: only those are heard who left the in-sync set last.
    case onlyCandidatesHeard = "only-candidates-heard"
    /// Recovery: nobody but the candidates is waited for, however lately it was seen.
    case latelySeenUnwaited = "lately-seen-unwaited"
    /// Recovery: a controller that begins takes those whom it finds fenced for long gone.
    case foundFencedUnwaited = "found-fenced-unwaited"
    /// A fenced broker stays in its in-sync sets.
    case fencedInSync = "fenced-in-sync"
    /// Rule 21: a reassignment ends before its target is in sync.
    case reassignedBehind = "reassigned-behind"

    // Rules 23 to 27: producers.
    /// Rule 23: sequences are not compared.
    case sequencesUnchecked = "sequences-unchecked"
    /// Rule 23: a repeat is answered before the first copy is committed.
    case repeatAcknowledgedAtOnce = "repeat-acknowledged-at-once"
    /// Rule 25: followers keep no producer state.
    case followersForgetProducers = "followers-forget-producers"
    /// Rule 25: a cut log remembers batches that it has no more.
    case producersOutliveCut = "producers-outlive-cut"
    /// Recovery reads batches without comparing checksums.
    case recoveryTrustsBytes = "recovery-trusts-bytes"

    // Rules 28 to 33: transactions.
    /// Rule 28: markers are sent as soon as the decision is appended.
    case markersBeforeDecision = "markers-before-decision"
    /// Rule 28: a coordinator that takes over sends no markers of what was decided before.
    case decidedForgotten = "decided-forgotten"
    /// Rule 28: a transaction is over with its first marker.
    case completeEarly = "complete-early"
    /// Rule 29: the coordinator epochs of markers are not compared.
    case coordinatorEpochUnchecked = "coordinator-epoch-unchecked"
    /// Rule 30: the end of a transaction leaves the epoch as it is.
    case epochUnbumped = "epoch-unbumped"
    /// Rule 30: what comes again of an end is not compared with what was decided.
    case verdictUnchecked = "verdict-unchecked"
    /// Rule 30: a transaction that is aborted for its producer leaves it its epoch (KAFKA-6119).
    case fencedKeepsEpoch = "fenced-keeps-epoch"
    /// Rule 30: nobody asks the coordinator before a batch is appended.
    case transactionsUnverified = "transactions-unverified"
    /// Rule 11: what is read as committed goes up to the watermark.
    case stableIsWatermark = "stable-is-watermark"
    /// Rule 11: a marker counts before it is committed.
    case uncommittedMarkerCounts = "uncommitted-marker-counts"
    /// Rule 25: recovery forgets which transactions were aborted.
    case abortedForgotten = "aborted-forgotten"
    /// Rule 33: a group's offsets count before their transaction is committed.
    case offsetsCountAtOnce = "offsets-count-at-once"

    // Rules 31 to 34 and groups: coordinators.
    /// Rules 31 and 32: a coordinator answers by the append.
    case coordinatorAnswersAtOnce = "coordinator-answers-at-once"
    /// Rule 31: a coordinator serves before it has read its log.
    case servedUnloaded = "served-unloaded"
    /// Rules 9 and 31: a coordinator loads up to a watermark that lags behind the start of its epoch.
    case loadedToLaggingWatermark = "loaded-to-lagging-watermark"
    /// Rule 32: reads see what is not committed.
    case uncommittedOffsetRead = "uncommitted-offset-read"
    /// Rule 33: members of old generations and epochs commit.
    case oldGenerationCommits = "old-generation-commits"
    /// Rule 34: offsets of topics that a group is subscribed to are forgotten.
    case subscribedOffsetsExpire = "subscribed-offsets-expire"
    /// Rule 34: who has committed nothing is told 0.
    case noOffsetIsZero = "no-offset-is-zero"
    /// KIP-848: a partition is handed over before its owner has given it up.
    case handedOverUnrevoked = "handed-over-unrevoked"
    /// KIP-848: a member that left keeps its target.
    case leftKeepTargets = "left-keep-targets"
    /// Who is not heard of any more stays in its group.
    case silentMembersStay = "silent-members-stay"
    /// A new coordinator takes members for silent whose heartbeats went to the former one.
    case sessionsEndAtLoad = "sessions-end-at-load"
    /// A classic group shares out without waiting for those who have not joined again.
    case rebalanceUnawaited = "rebalance-unawaited"

    // The metadata quorum.
    /// A voter votes for everybody who asks.
    case votesTwice = "votes-twice"
    /// A voter forgets its epoch and vote with its process.
    case voteUnpersisted = "vote-unpersisted"
    /// A voter does not compare logs.
    case shorterLogWins = "shorter-log-wins"
    /// The leader's own copy is enough.
    case minorityCommits = "minority-commits"
    /// Raft 5.4.2: entries of earlier epochs are committed by counting copies.
    case earlierEpochCommitted = "earlier-epoch-committed"
    /// KIP-853: a change of the voters begins though the one before is not committed.
    case voterChangesOverlap = "voter-changes-overlap"
    /// KIP-853: whoever fetches counts for the majority, with a vote or without.
    case strangersCount = "strangers-count"
    /// KIP-853: a voter is added before it has caught up.
    case voterAddedBehind = "voter-added-behind"
    /// Nodes apply what is not committed.
    case uncommittedMetadata = "uncommitted-metadata"
    /// The controller answers before its decision is committed.
    case controllerAnswersAtOnce = "controller-answers-at-once"

    private static let chosen = Atomic<Int>(-1)

    /// Breaks one rule from now on, or none.
    package static func choose(_ mutant: Mutant?) {
        let number = mutant.flatMap { allCases.firstIndex(of: $0) } ?? -1
        chosen.store(number, ordering: .relaxed)
        isAny.store(number >= 0, ordering: .relaxed)
    }

    private static let isAny = Atomic(false)

    /// Whether this rule is broken.
    package var isOn: Bool {
        guard Mutant.isAny.load(ordering: .relaxed) else { return false }
        return Mutant.allCases[Mutant.chosen.load(ordering: .relaxed)] == self
    }
}
