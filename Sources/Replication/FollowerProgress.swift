package import Primitives

#if MUTANTS
    import Mutants
#endif

/// What a fetch tells a leader about the follower that sent it.
package struct FollowerFetch: Hashable, Sendable {
    package var follower: BrokerID
    /// The broker epoch in the request; nil from versions that carry none, which can never join the ISR.
    package var brokerEpoch: BrokerEpoch?
    /// What the follower acknowledges: its log end, or how far that is flushed.
    package var endOffset: Offset
    package var logStart: Offset

    package init(follower: BrokerID, brokerEpoch: BrokerEpoch?, endOffset: Offset, logStart: Offset) {
        self.follower = follower
        self.brokerEpoch = brokerEpoch
        self.endOffset = endOffset
        self.logStart = logStart
    }
}

/// How far one follower is, as its leader knows it from fetches of this epoch.
package struct FollowerProgress: Hashable, Sendable {
    package let broker: BrokerID
    /// The present registration of its broker; nil while none is known.
    package internal(set) var life: BrokerLife?
    /// Its log end by its last fetch in this leader epoch; nil before the first.
    package private(set) var endOffset: Offset?
    package private(set) var logStart: Offset?
    /// The broker epoch of its last fetch.
    package private(set) var fetchedBrokerEpoch: BrokerEpoch?
    /// The last time at which it was known to hold all that the leader had.
    package internal(set) var lastCaughtUp: MonotonicInstant?
    private var lastFetch: (at: MonotonicInstant, leaderEnd: Offset)?
    /// Until then others are proposed first: the controller has refused it.
    private var refusedUntil: MonotonicInstant?

    init(broker: BrokerID, life: BrokerLife?, caughtUpAt: MonotonicInstant?) {
        self.broker = broker
        self.life = life
        lastCaughtUp = caughtUpAt
    }

    package static func == (left: FollowerProgress, right: FollowerProgress) -> Bool {
        left.broker == right.broker && left.life == right.life && left.endOffset == right.endOffset
            && left.fetchedBrokerEpoch == right.fetchedBrokerEpoch && left.lastCaughtUp == right.lastCaughtUp
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(broker)
        hasher.combine(endOffset)
    }

    /// When it last fetched in this leader epoch; nil before.
    var lastFetchedAt: MonotonicInstant? { lastFetch?.at }

    /// Whether the controller would let it into the in-sync set: registered, unfenced, staying, and the fetches came
    /// from this very life (KIP-841, KIP-903).
    package var isEligible: Bool {
        guard let life, let fetchedBrokerEpoch else { return false }
        #if MUTANTS
            if Mutant.formerLifeCounts.isOn { return !life.isFenced && !life.isShuttingDown }
        #endif
        return !life.isFenced && !life.isShuttingDown && life.epoch == fetchedBrokerEpoch
    }

    /// The controller has refused to have it in the in-sync set.
    mutating func refused(until instant: MonotonicInstant) { refusedUntil = instant }

    func mayBeProposed(_ now: MonotonicInstant) -> Bool { refusedUntil.map { now >= $0 } ?? true }

    /// False when the fetch is from an earlier life than one already seen.
    mutating func record(_ fetch: FollowerFetch, leaderEnd: Offset, now: MonotonicInstant) -> Bool {
        if let known = newestKnownEpoch {
            #if MUTANTS
                let mayBeFormer = Mutant.formerLifeCounts.isOn
            #else
                let mayBeFormer = false
            #endif
            if let claimed = fetch.brokerEpoch, claimed < known, !mayBeFormer { return false }
            if let last = fetchedBrokerEpoch, let claimed = fetch.brokerEpoch, claimed > last { forgetLog() }
        }
        if fetch.endOffset >= leaderEnd {
            advanceCaughtUp(to: now)
        } else if let lastFetch, fetch.endOffset >= lastFetch.leaderEnd {
            advanceCaughtUp(to: lastFetch.at)
        }
        endOffset = fetch.endOffset
        logStart = fetch.logStart
        fetchedBrokerEpoch = fetch.brokerEpoch
        lastFetch = (now, leaderEnd)
        return true
    }

    /// It asked on at `instant` and did not name this partition: it has what it had, and wants what comes behind.
    ///
    /// - Parameter leaderEnd: the leader's log end since the fetch before.
    mutating func heard(at instant: MonotonicInstant, leaderEnd: Offset) {
        guard let endOffset, let last = lastFetch, instant > last.at else { return }
        if endOffset >= leaderEnd {
            advanceCaughtUp(to: instant)
        } else if endOffset >= last.leaderEnd {
            advanceCaughtUp(to: last.at)
        }
        lastFetch = (instant, leaderEnd)
    }

    /// Takes a new registration. A life other than the one that fetched may have another disk, so its progress is void.
    mutating func registered(_ new: BrokerLife?) {
        if new != life { refusedUntil = nil }
        life = new
        #if MUTANTS
            if Mutant.formerLifeCounts.isOn { return }
        #endif
        if let new, let fetchedBrokerEpoch, fetchedBrokerEpoch < new.epoch { forgetLog() }
    }

    /// Whether it had all of the leader's log within the lag limit, or has it now.
    func isInSync(leaderEnd: Offset, now: MonotonicInstant, lagMaxMilliseconds: Int64) -> Bool {
        if endOffset == leaderEnd { return true }
        guard let lastCaughtUp else { return false }
        return now.milliseconds(since: lastCaughtUp) <= lagMaxMilliseconds
    }

    private var newestKnownEpoch: BrokerEpoch? {
        switch (life?.epoch, fetchedBrokerEpoch) {
        case (let known?, let fetched?): max(known, fetched)
        case (let known?, nil): known
        case (nil, let fetched): fetched
        }
    }

    /// It left the in-sync set: nobody waits for it before it has caught up again, or it would hold the watermark back
    /// for as long as it takes to catch up.
    mutating func leftInSync() { lastCaughtUp = nil }

    private mutating func forgetLog() {
        lastCaughtUp = nil
        endOffset = nil
        logStart = nil
        fetchedBrokerEpoch = nil
        lastFetch = nil
    }

    private mutating func advanceCaughtUp(to instant: MonotonicInstant) {
        lastCaughtUp = max(lastCaughtUp ?? instant, instant)
    }
}
