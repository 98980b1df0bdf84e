package import Primitives

/// Pairs a request that this replica sent with what became of it.
package struct RequestID: NumberOfAKind {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
}

/// Names a request that somebody sent to this replica, until it is answered. The shell draws them.
package struct RequestToken: NumberOfAKind {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
}

/// Asks for a vote, or with `isPreVote` whether one would be had (KIP-595, KIP-996).
package struct VoteAsk: Hashable, Sendable {
    package var candidate: ReplicaKey
    /// The epoch to vote in; for a pre-vote the asker's present epoch.
    package var epoch: LeaderEpoch
    package var lastEpoch: LeaderEpoch
    package var lastOffset: Offset
    package var isPreVote: Bool
    /// Whom the asker believes to talk to; nil from versions that do not tell.
    package var voter: ReplicaKey?

    package init(
        candidate: ReplicaKey, epoch: LeaderEpoch, lastEpoch: LeaderEpoch, lastOffset: Offset, isPreVote: Bool,
        voter: ReplicaKey? = nil
    ) {
        self.candidate = candidate
        self.epoch = epoch
        self.lastEpoch = lastEpoch
        self.lastOffset = lastOffset
        self.isPreVote = isPreVote
        self.voter = voter
    }
}

/// A new leader tells a voter that it leads.
package struct BeginEpochNotice: Hashable, Sendable {
    package var leaderID: BrokerID
    package var epoch: LeaderEpoch
    package var voter: ReplicaKey?

    package init(leaderID: BrokerID, epoch: LeaderEpoch, voter: ReplicaKey? = nil) {
        self.leaderID = leaderID
        self.epoch = epoch
        self.voter = voter
    }
}

/// A leader tells a voter that it leads no more.
package struct EndEpochNotice: Hashable, Sendable {
    package var leaderID: BrokerID
    package var epoch: LeaderEpoch
    /// Who should stand, best first.
    package var successors: [ReplicaKey]

    package init(leaderID: BrokerID, epoch: LeaderEpoch, successors: [ReplicaKey]) {
        self.leaderID = leaderID
        self.epoch = epoch
        self.successors = successors
    }
}

/// A replica asks the leader for what follows its own log.
package struct LogFetch: Hashable, Sendable {
    package var replica: ReplicaKey
    package var epoch: LeaderEpoch
    /// The replica's durable log end.
    package var offset: Offset
    package var lastFetchedEpoch: LeaderEpoch
    /// What the replica knows of the high watermark.
    package var highWatermark: KnownHighWatermark
    package var maxWaitMilliseconds: Int64

    package init(
        replica: ReplicaKey, epoch: LeaderEpoch, offset: Offset, lastFetchedEpoch: LeaderEpoch,
        highWatermark: KnownHighWatermark, maxWaitMilliseconds: Int64
    ) {
        self.replica = replica
        self.epoch = epoch
        self.offset = offset
        self.lastFetchedEpoch = lastFetchedEpoch
        self.highWatermark = highWatermark
        self.maxWaitMilliseconds = maxWaitMilliseconds
    }
}

/// What a fetching replica says of the high watermark it knows (KIP-1166).
package enum KnownHighWatermark: Hashable, Sendable {
    /// It has learned none yet.
    case unknown
    case known(Offset)
    /// It speaks a version that cannot tell; it is never answered for the sake of the high watermark alone.
    case notTold
}

/// A replica asks the leader for a piece of a snapshot (KIP-630).
package struct SnapshotFetch: Hashable, Sendable {
    package var replica: ReplicaKey
    package var epoch: LeaderEpoch
    package var snapshot: SnapshotID
    /// The byte to go on from.
    package var position: Int64

    package init(replica: ReplicaKey, epoch: LeaderEpoch, snapshot: SnapshotID, position: Int64) {
        self.replica = replica
        self.epoch = epoch
        self.snapshot = snapshot
        self.position = position
    }
}

/// All that one replica asks another.
package enum QuorumRequest: Hashable, Sendable {
    case vote(VoteAsk)
    case beginEpoch(BeginEpochNotice)
    case endEpoch(EndEpochNotice)
    case fetch(LogFetch)
    case fetchSnapshot(SnapshotFetch)
    case addVoter(AddVoterAsk)
    case removeVoter(RemoveVoterAsk)
    case updateVoter(UpdateVoterAsk)
    /// Asked by this node's own controller only.
    case finalizeKraftVersion(KraftVersionAsk)
    /// Which levels of `kraft.version` a node can do; answered by the shell of the other node.
    case supportedKraftVersions
}

/// What every answer of the quorum says: whether it worked, and who leads as far as the answerer knows.
package struct Verdict: Hashable, Sendable {
    package var error: ErrorCode
    package var leaderID: BrokerID?
    package var epoch: LeaderEpoch

    package init(error: ErrorCode = .noError, leaderID: BrokerID?, epoch: LeaderEpoch) {
        self.error = error
        self.leaderID = leaderID
        self.epoch = epoch
    }
}

/// A piece of log as it travels: consecutive entries of one epoch.
package struct FetchedBatch: Hashable, Sendable {
    package var base: Offset
    /// Exclusive.
    package var end: Offset
    package var epoch: LeaderEpoch
    package var bytes: Bytes
    /// What its control records change about the quorum.
    package var changes: [QuorumChange]

    package init(base: Offset, end: Offset, epoch: LeaderEpoch, bytes: Bytes, changes: [QuorumChange] = []) {
        self.base = base
        self.end = end
        self.epoch = epoch
        self.bytes = bytes
        self.changes = changes
    }
}

/// What a leader's answer to a fetch brings. `Entries` is where to read them on the leader's side, and the entries
/// themselves on the follower's.
package enum FetchContent<Entries: Hashable & Sendable>: Hashable, Sendable {
    case entries(Entries)
    /// Nothing: an error, or a wait that ended without news.
    case empty
    case diverging(EpochEnd)
    case snapshot(SnapshotID)
}

/// A piece of a snapshot as it travels.
package struct SnapshotPiece: Hashable, Sendable {
    package var snapshot: SnapshotID
    package var sizeBytes: Int64
    package var position: Int64
    package var bytes: Bytes

    package init(snapshot: SnapshotID, sizeBytes: Int64, position: Int64, bytes: Bytes) {
        self.snapshot = snapshot
        self.sizeBytes = sizeBytes
        self.position = position
        self.bytes = bytes
    }
}

/// What this replica answers; the shell adds the bytes where entries or a piece of snapshot are to be read.
package enum QuorumAnswer: Hashable, Sendable {
    case vote(Verdict, isGranted: Bool)
    case beginEpoch(Verdict)
    case endEpoch(Verdict)
    /// `highWatermark` is nil until the leader has established one in its own epoch.
    case fetch(Verdict, highWatermark: Offset?, FetchContent<Offset>)
    /// The piece to read; nil with an error.
    case fetchSnapshot(Verdict, SnapshotFetch?)
    /// To all that changes voters or `kraft.version`; says why not.
    case voterChange(Verdict, VoterRefusal?)
}

/// What another replica answered.
package enum QuorumReply: Hashable, Sendable {
    case vote(Verdict, isGranted: Bool)
    case beginEpoch(Verdict)
    case endEpoch(Verdict)
    case fetch(Verdict, highWatermark: Offset?, FetchContent<[FetchedBatch]>)
    case fetchSnapshot(Verdict, SnapshotPiece?)
    /// To AddRaftVoter and RemoveRaftVoter, whose answers name no leader.
    case voterChange(ErrorCode)
    case updateVoter(Verdict)
    /// Nil when the node names no such feature.
    case supportedKraftVersions(ClosedRange<Int16>?)

    /// What it says of leader and epoch; nil for those that say nothing.
    package var verdict: Verdict? {
        switch self {
        case .vote(let verdict, _), .beginEpoch(let verdict), .endEpoch(let verdict), .fetch(let verdict, _, _),
            .fetchSnapshot(let verdict, _), .updateVoter(let verdict):
            verdict
        case .voterChange, .supportedKraftVersions: nil
        }
    }
}

/// Why no answer came.
package enum RequestFailure: Error, Hashable, Sendable {
    /// Nothing listens at the peer's address: its process is gone.
    case refused
    /// The connection broke, or no answer came in time: silence, not proof.
    case noAnswer
}
