package import Primitives
package import Replication

#if MUTANTS
    import Mutants
#endif

/// One broker with a replica of the simulated partition: its disk, its process, what it knows of the metadata.
package struct ReplicaNode: Sendable {
    /// What it does for the partition now.
    package enum Role: Sendable {
        case idle
        case leader(LeaderReplica)
        case follower(FollowerReplica)
    }

    /// An append that a client waits for.
    struct Waiting: Hashable, Sendable {
        let required: Offset
        let value: UInt64
    }

    package let id: BrokerID
    package internal(set) var disk = ReplicaDisk()
    /// Counts its processes: what was sent for an earlier one is void.
    package internal(set) var life = 0
    package internal(set) var isUp = false
    package internal(set) var isPaused = false
    package internal(set) var role = Role.idle
    /// From its registration; nil while it is not registered.
    package internal(set) var brokerEpoch: BrokerEpoch?
    /// How many committed images it has applied.
    package internal(set) var appliedImages = 0
    /// The most that any of its processes has applied: who starts again sees old ones again, and removes nothing for
    /// what they say.
    var knownImages = 0
    /// What came while it was paused.
    var held: [ReplicationEvent] = []
    var waiting: [Waiting] = []
    var isFlushing = false
    /// The fetch that is unanswered, if any; each has its own number.
    var fetchInFlight: Int?
    var lastFetch = 0

    init(id: BrokerID) { self.id = id }

    package var leader: LeaderReplica? { if case .leader(let leader) = role { leader } else { nil } }
    package var follower: FollowerReplica? { if case .follower(let follower) = role { follower } else { nil } }

    package var highWatermark: Offset {
        switch role {
        case .idle: min(disk.checkpointedHighWatermark, disk.end)
        case .leader(let leader): leader.highWatermark
        case .follower(let follower): follower.highWatermark
        }
    }

    /// The end offset that its fetches tell: nothing that it does not keep, where it has to flush.
    func fetchEnd(flushes: Bool) -> Offset { owesFlush(flushes: flushes) ? disk.flushed : disk.end }

    /// Whether it has to flush before it asks on.
    func owesFlush(flushes: Bool) -> Bool {
        #if MUTANTS
            if Mutant.unflushedCounts.isOn { return false }
        #endif
        return flushes && (isFlushing || disk.flushed < disk.end)
    }
}

/// What happens in a replication simulation. A process's events carry its life.
enum ReplicationEvent: Sendable {
    struct Fetch: Hashable, Sendable {
        let from: Int
        let life: Int
        let number: Int
        let brokerEpoch: BrokerEpoch
        let position: FollowerReplica.Position
    }

    struct FetchReply: Hashable, Sendable {
        let number: Int
        let position: FollowerReplica.Position
        let reply: FollowerReplica.Reply
        let entries: [ReplicaEntry]
    }

    case produce
    case fetchDue(node: Int, life: Int)
    case fetchTimeout(node: Int, life: Int, number: Int)
    case fetch(Fetch, to: Int)
    case fetched(FetchReply, node: Int, life: Int)
    case flushed(end: Int, generation: Int, node: Int, life: Int)
    case alter(ISRProposal, BrokerEpoch, node: Int, life: Int)
    case altered(ISRProposal, ISRAnswer, node: Int, life: Int)
    case sendAgain(ISRProposal, node: Int, life: Int)
    case metadata(node: Int, life: Int)
    case register(node: Int, life: Int)
    case heartbeat(node: Int, life: Int)
    case lagCheck(node: Int, life: Int)
    case sessions
    case fault
    case fenceLeader
    case elect
    case wipeOnceWhole
    /// One of those that die together.
    case death(node: Int)
    /// They are all dead.
    case cutLogs
    case start(node: Int)
    case resume(node: Int)
    case endPartition
    case heal

    /// Whether it brings committed metadata.
    var isMetadata: Bool { if case .metadata = self { true } else { false } }

    /// The process that the event belongs to; nil where it is of the world, or of a message to a node.
    var process: (node: Int, life: Int)? {
        switch self {
        case .fetchDue(let node, let life), .fetchTimeout(let node, let life, _), .fetched(_, let node, let life),
            .flushed(_, _, let node, let life), .altered(_, _, let node, let life), .sendAgain(_, let node, let life),
            .metadata(let node, let life), .register(let node, let life), .heartbeat(let node, let life),
            .lagCheck(let node, let life):
            (node, life)
        case .produce, .fetch, .alter, .sessions, .fault, .fenceLeader, .elect, .wipeOnceWhole, .death, .cutLogs,
            .start, .resume, .endPartition, .heal:
            nil
        }
    }
}
