package import Primitives

/// A replica that copies the log of a leader it knows.
package struct FollowerState: Hashable, Sendable {
    /// What it does with the leader at present: one thing at a time.
    enum Work: Hashable, Sendable {
        case fetch(Errand)
        /// What it holds must be durable before it may ask for more: a fetch offset is a promise.
        case flushing
        case snapshot(SnapshotDownload, Errand)
    }

    package let leaderID: BrokerID
    /// When the leader counts as lost.
    package var fetchDeadline: MonotonicInstant
    var work: Work
    /// What it has to tell or ask the leader about its own vote, beside its fetches.
    var membership: Errand
    /// The leader has heard what this voter is, where no log says so.
    var hasReported = false
    /// The leader has answered a fetch in this epoch: a reason to refuse pre-votes.
    package var hasFetched = false
    /// The high watermark that the leader has established in this epoch, as last told.
    package var leaderHighWatermark: Offset?

    init(
        leaderID: BrokerID, fetchDeadline: MonotonicInstant, firstFetchAt: MonotonicInstant,
        firstMembershipAt: MonotonicInstant
    ) {
        self.leaderID = leaderID
        self.fetchDeadline = fetchDeadline
        work = .fetch(.due(at: firstFetchAt))
        membership = .due(at: firstMembershipAt)
    }

    var nextDue: MonotonicInstant? {
        switch work {
        case .fetch(let errand), .snapshot(_, let errand): errand.dueAt
        case .flushing: nil
        }
    }

    func waits(for id: RequestID) -> Bool {
        switch work {
        case .fetch(let errand), .snapshot(_, let errand): errand == .inFlight(id)
        case .flushing: false
        }
    }
}

/// How far a snapshot has come over.
struct SnapshotDownload: Hashable, Sendable {
    let snapshot: SnapshotID
    var position: Int64 = 0
}
