package import Primitives

/// What one run of a whole cluster is like, drawn from its seed: its size, its settings, its load and its faults. Each
/// seed has some kinds of faults and not others, so that each kind is met alone and in company (swarm testing).
package struct ClusterPlan: Hashable, Sendable {
    /// A kind of fault.
    package enum FaultKind: String, CaseIterable, Hashable, Sendable {
        /// A process dies; its page cache stays.
        case kill
        /// A machine loses power: un-synchronised writes are a matter of luck.
        case powerLoss
        /// All machines lose power at once.
        case blackout
        /// A process stops in order, and starts again.
        case cleanRestart
        /// A process stands still for a while.
        case pause
        /// Some nodes are cut off from the others.
        case partition
        /// One direction between two nodes is cut.
        case oneWayCut
        /// All connections between two nodes break.
        case brokenLinks
        /// Data takes long, and is lost and sent again.
        case badWeather
        /// The disk of a node takes long.
        case slowDisk
        /// The time of day of a node jumps.
        case clockJump
        /// A disk is replaced by an empty one.
        case wipe
        /// A process dies, and its partitions' directory is an old copy when it is back.
        case rollback
        /// Replicas are moved.
        case reassignment
        /// Leaders are moved to the preferred replicas.
        case election
        /// Settings of a topic change.
        case configChange
        /// A topic is deleted and made again under its name.
        case topicChurn
        /// Brokers are fenced without a reason, as a detector that guesses would.
        case randomFencing
        /// The disk of a node has no room for a while.
        case fullDisk
        /// A disk fails to write, or to synchronise, for a while.
        case failingDisk
        /// A process dies, and a bit of what it can make anew, an index or a snapshot of producers, is another.
        case rottenIndex
        /// A process dies, and a bit of a log of records is another when it is back.
        case rottenLog
        /// All who have a partition die at nearly the same time, and the logs of all but one are cut short.
        case cutLogs
        /// A broker is struck off the cluster's list, and comes back.
        case unregistration
        /// An operator lets one lead who may lack what is committed, as those who have it are gone.
        case uncleanElection
        /// Voters of the metadata quorum come and go, and one whose metadata are lost is replaced (KIP-853).
        case voterChange
    }

    package var nodeCount = 3
    /// How many of the nodes are voters of the metadata quorum.
    package var voterCount = 3
    package var replicationFactor = 3
    package var partitionCount = 2
    package var producerCount = 2
    package var consumerCount = 1
    /// Time between two records of a producer.
    package var recordIntervalMilliseconds: Int64 = 20
    /// How long a record waits for others that go with it in a batch.
    package var lingerMilliseconds: Int64 = 5
    /// Producers write for so long, and are silent for as long; nil where they write all the time.
    package var burstMilliseconds: Int64?
    package var flushesOnAck = true
    package var segmentBytes: Int64 = 1 << 20
    /// A snapshot of the metadata is written after so many bytes of them, and what it stands for is dropped; nil where
    /// the log is kept whole.
    package var snapshotBytes: Int64?
    package var delayMicrosecondsMax: Int64 = 1_000
    package var diskMicrosecondsMax: Int64 = 2_000
    package var faults: [FaultKind] = []
    /// Whether the voters of the metadata quorum stand in its log; every node can be one then.
    package var hasDynamicVoters: Bool { faults.contains(.voterChange) }
    /// Loses more than the design promises to survive: the rules have to be broken, and to be seen to be.
    package var breaksPromises = false
    /// The mean time between two faults.
    package var faultIntervalMilliseconds: Int64 = 1_500
    /// How long there are load and faults.
    package var loadMilliseconds: Int64 = 15_000

    /// Nil where nobody writes in transactions.
    package var transactions: TransactionPlan?

    /// Nil where nobody reads in groups.
    package var groups: GroupPlan?
    /// Whether brokers soon forget offsets that nobody reads from: not where an application without members commits how
    /// far it got, as its clocks may jump over the time that it has.
    var forgetsOffsets: Bool { groups != nil && transactions?.processorCount ?? 0 == 0 }

    /// Whether coordinators write logs. Those are compacted, and the cleaner is off: the rules about logs take every
    /// committed batch for due on every disk.
    var hasCoordinators: Bool { transactions != nil || groups != nil }

    /// No faults.
    package static let calm = ClusterPlan()

    /// What the simulator's speed is measured with: three nodes, one producer with acks=all that writes about a hundred
    /// records a second, a consumer that reads them, no faults.
    package static var steady: ClusterPlan {
        var plan = ClusterPlan()
        plan.producerCount = 1
        plan.loadMilliseconds = 60_000
        return plan
    }

    private init() {}

    package init(drawnFrom generator: inout SeededGenerator) {
        func one<Value>(of values: [Value]) -> Value { values[Int(generator.next() % UInt64(values.count))] }
        nodeCount = one(of: [3, 3, 3, 4, 5, 5, 7])
        voterCount = nodeCount >= 5 && generator.chance(1, in: 2) ? 5 : 3
        partitionCount = one(of: [1, 2, 3])
        producerCount = one(of: [1, 2, 3])
        consumerCount = one(of: [1, 2])
        recordIntervalMilliseconds = one(of: [5, 20, 50])
        flushesOnAck = generator.chance(2, in: 3)
        segmentBytes = one(of: [4_096, 16_384, 65_536, 1 << 20])
        delayMicrosecondsMax = one(of: [300, 2_000, 20_000])
        diskMicrosecondsMax = one(of: [100, 2_000, 20_000])
        faultIntervalMilliseconds = one(of: [300, 1_000, 3_000])
        loadMilliseconds = one(of: [5_000, 10_000, 20_000])
        let share = one(of: [1, 2, 3, 6] as [UInt64])
        for kind in FaultKind.allCases where kind != .voterChange {
            if generator.chance(share, in: 8) { faults.append(kind) }
        }
        lingerMilliseconds = one(of: [0, 5, 30, 100])
        burstMilliseconds = one(of: [nil, nil, 500, 2_000])
        // Drawn aside, so that the seeds without it are the runs that they were before.
        var aside = generator
        if aside.chance(share, in: 8) { faults.append(.voterChange) }
        if aside.chance(1, in: 4) { snapshotBytes = aside.chance(1, in: 2) ? 500 : 3_000 }
        transactions = TransactionPlan(aside: generator)
        groups = GroupPlan(aside: generator)
    }
}

extension ClusterPlan: CustomStringConvertible {
    package var description: String {
        let kinds = faults.map(\.rawValue).joined(separator: ", ")
        return "\(nodeCount) nodes, \(voterCount) voters, \(partitionCount) partitions, \(producerCount) producers "
            + "(a record each \(recordIntervalMilliseconds) ms, linger \(lingerMilliseconds) ms"
            + "\(burstMilliseconds.map { ", bursts of \($0) ms" } ?? "")), "
            + "flush.on.ack=\(flushesOnAck), segments of \(segmentBytes), "
            + (snapshotBytes.map { "metadata snapshots each \($0) bytes, " } ?? "")
            + "delay \(delayMicrosecondsMax) µs, "
            + "disk \(diskMicrosecondsMax) µs, faults each \(faultIntervalMilliseconds) ms: \(kinds)"
            + (transactions.map { "; \($0)" } ?? "")
            + (groups.map { "; \($0)" } ?? "")
    }
}
