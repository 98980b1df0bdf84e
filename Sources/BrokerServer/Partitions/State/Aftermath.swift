import LogStorage
package import Primitives
import Replication

/// What a step under a partition's lock leaves to be done after the lock is given back: nothing is called under it.
struct Aftermath {
    /// A parked produce and what became of it.
    struct Verdict {
        let produce: ParkedProduce
        let error: ErrorCode
    }

    var verdicts: [Verdict] = []
    /// Deletions that are over, with how they ended.
    var deletions: [(request: DeletionInFlight, slot: Int, result: DeletionInFlight.PartitionResult)] = []
    /// Fetches that may have something to read now.
    var woken: [any ParkedFetch] = []
    /// To be sent to the controller.
    var proposals: [ISRProposal] = []
    /// The log grew and its durability is waited for: start a flush, unless one runs.
    var wantsFlush = false
    /// The log is held for an errand: its disk's threads are to go on with it.
    var wantsErrand = false
    /// When the group that is held back has to be looked at again.
    var groupAlarm: MonotonicInstant?
    /// How long a group waited that goes to be flushed now.
    var groupWaitNanoseconds: Int64?
    /// A write failed: the log directory goes offline.
    var failure: LogFailure?
    /// A log file in which something makes no sense: to be looked into.
    var suspicion: String?
    /// The high watermark moved; coordinators on this partition are told.
    var highWatermark: Offset?
    /// The role changed: what the fetchers must do.
    var following: FollowingChange?
    /// Which change of the partition's following that is.
    var followingNumber: UInt64 = 0
    /// Files of dropped segments, to be removed on the pool.
    var removals: [SegmentRemoval] = []
}

/// What a partition's change of role means for the fetchers.
enum FollowingChange: Hashable {
    case start(leader: BrokerID)
    case stop
}

/// A log that can't be written any more, with the directory it lies in.
package struct LogFailure: Error, Hashable, Sendable {
    package let directory: String
    package let reason: String

    package init(directory: String, reason: String) {
        self.directory = directory
        self.reason = reason
    }
}

/// A fetch that waits for more to read. Called after the lock is given back, from any thread.
package protocol ParkedFetch: AnyObject, Sendable {
    /// There may be more to read now, or the partition is not led here any more: look again.
    func wake()
}

/// A fetch that is to wait where it finds too little.
struct FetchParking {
    let fetch: any ParkedFetch
    /// What it does not wait with.
    let minBytes: Int
}

/// What a parked fetch waits for at one partition.
package enum FetchGoal: Hashable, Sendable {
    /// A follower: the log end moves behind the offset.
    case logEndBehind(Offset)
    /// A consumer: the high watermark moves behind the offset.
    case highWatermarkBehind(Offset)
    /// A consumer of what is committed only: the last stable offset moves behind the offset.
    case lastStableBehind(Offset)
    /// A follower that has all records but not yet the newest high watermark.
    case logEndBehindOrHighWatermarkAbove(Offset, Offset)
    /// A follower in sync of a topic that flushes on acknowledgement: the leader releases what lies behind the offset,
    /// or has a high watermark above the one that the follower knows.
    case groupBehind(Offset, Offset?)
}
