package import Primitives
package import Quorum

/// One simulated node of the quorum: its disk, and its core while the process runs.
package struct QuorumNode: Sendable {
    /// Somebody who waits for this node's answer.
    struct Asker: Sendable {
        let node: Int
        let life: Int
        let request: RequestID
    }

    /// Records that a leader of this node wrote and has not acknowledged yet.
    struct Unacknowledged: Sendable {
        let epoch: LeaderEpoch
        let base: Int
        let values: [UInt64]
    }

    package let id: BrokerID
    package internal(set) var disk: QuorumDisk
    /// Nil while the process is down.
    package internal(set) var replica: QuorumReplica?
    /// Counts the lives of the process: what was meant for an earlier one does not reach a later one.
    var life = 0
    package internal(set) var isPaused = false
    /// What a paused process will find when it goes on.
    var held: [QuorumEvent] = []
    var askers: [RequestToken: Asker] = [:]
    var lastToken: UInt64 = 0
    var tickAt: MonotonicInstant?
    var staged: [AppendTicket: [UInt64]] = [:]
    var lastTicket: UInt64 = 0
    var unacknowledged: [Unacknowledged] = []
    /// The disk was replaced, and the node has not caught up since.
    package internal(set) var isWiped = false

    /// How many disks it has had.
    var disks: UInt64 = 1
    /// A snapshot was put in place of the log, and the core has not heard what it says of the voters.
    var installed: SnapshotID?
    /// Changes of the voters that the operator waits for.
    var operations: [RequestToken: Operation] = [:]

    /// What an operator asked for: that this replica vote, or that it do not.
    struct Operation: Sendable {
        let key: ReplicaKey
        let isAdded: Bool
        /// How many sets of voters were committed when it was asked.
        let committedSets: Int
    }

    init(id: BrokerID, disk: QuorumDisk) {
        self.id = id
        self.disk = disk
    }

    /// Who the node is with its present disk.
    var key: ReplicaKey { ReplicaKey(id: id, directoryID: disk.directoryID) }
}

/// What happens in a simulated quorum.
enum QuorumEvent: Sendable {
    case request(QuorumRequest, id: RequestID, from: Int, life: Int, to: Int)
    case reply(QuorumReply, id: RequestID, to: Int, life: Int)
    case failure(RequestFailure, id: RequestID, to: Int, life: Int)
    case tick(Int, life: Int)
    case flushed(FlushTicket, end: Int, generation: Int, node: Int, life: Int)
    case produce
    case operate
    case snapshot
    case fault
    case start(Int)
    case resume(Int)
    case endPartition
    case heal

    /// The node whose process takes it; nil for the world's own.
    var process: (node: Int, life: Int)? {
        switch self {
        case .reply(_, _, let node, let life), .failure(_, _, let node, let life), .tick(let node, let life),
            .flushed(_, _, _, let node, let life):
            (node, life)
        case .request, .produce, .operate, .snapshot, .fault, .start, .resume, .endPartition, .heal: nil
        }
    }
}
