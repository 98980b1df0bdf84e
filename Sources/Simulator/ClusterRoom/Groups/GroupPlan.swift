import Primitives

/// What a run has of groups.
package struct GroupPlan: Hashable, Sendable {
    /// How the members of a group speak.
    package enum Speech: String, CaseIterable, Hashable, Sendable {
        case classic, consumer
        /// Members of both come and go: the group changes its protocol while it works (KIP-848).
        case mixed
    }

    /// What happens to groups beside the faults of the cluster.
    package enum Trouble: String, CaseIterable, Hashable, Sendable {
        /// A member dies without a word, and another one comes.
        case crash
        /// A member leaves, and another one comes.
        case leave
        /// A member stands still, mostly for longer than its session, and goes on.
        case pause
        /// Another broker leads a partition of `__consumer_offsets`.
        case coordinatorMove
    }

    /// One for each group.
    package var groups: [Speech] = [.classic]
    package var membersMax = 2
    /// One of so many members has a name of its own (`group.instance.id`); nil for none.
    package var staticOneIn: UInt64?
    /// Partitions of `__consumer_offsets`.
    package var logPartitionCount = 1
    package var troubles: [Trouble] = []
    /// The mean time between two of them.
    package var troubleMilliseconds: Int64 = 1_000
    package var commitMilliseconds: Int64 = 200

    package init() {}

    /// Every fourth run has groups. Drawn from a generator of its own.
    init?(aside generator: SeededGenerator) {
        var former = generator
        var own = SeededGenerator(seed: former.next() ^ 0x6772_6f75_7073)
        func one<Value>(of values: [Value]) -> Value { values[Int(own.next() % UInt64(values.count))] }
        guard own.chance(1, in: 4) else { return nil }
        groups = (0..<one(of: [1, 1, 2])).map { _ in one(of: [.classic, .classic, .consumer, .consumer, .mixed]) }
        membersMax = one(of: [1, 2, 3])
        staticOneIn = one(of: [nil, 2, 1])
        logPartitionCount = one(of: [1, 2])
        for trouble in Trouble.allCases where own.chance(1, in: 2) { troubles.append(trouble) }
        troubleMilliseconds = one(of: [300, 1_000, 3_000])
        commitMilliseconds = one(of: [50, 200, 1_000])
    }

    /// What members ask for, and what the brokers give to those that can't ask.
    static let sessionMilliseconds: Int64 = 2_000
    static let rebalanceMilliseconds: Int64 = 3_000
    static let heartbeatMilliseconds: Int64 = 300
    /// How long offsets stay that nobody reads from, and how often brokers look for such.
    static let retentionMilliseconds: Int64 = 60_000
    static let retentionCheckMilliseconds: Int64 = 1_000

    /// What the brokers are told where offsets are to be forgotten soon.
    static let forgettingProperties = """
        offsets.retention.minutes=\(GroupPlan.retentionMilliseconds / 60_000)
        offsets.retention.check.interval.ms=\(GroupPlan.retentionCheckMilliseconds)
        """

    /// What the brokers are told.
    var properties: String {
        """
        group.initial.rebalance.delay.ms=200
        group.min.session.timeout.ms=\(GroupPlan.sessionMilliseconds)
        group.consumer.session.timeout.ms=\(GroupPlan.sessionMilliseconds)
        group.consumer.min.session.timeout.ms=\(GroupPlan.sessionMilliseconds)
        group.consumer.heartbeat.interval.ms=\(GroupPlan.heartbeatMilliseconds)
        group.consumer.min.heartbeat.interval.ms=\(GroupPlan.heartbeatMilliseconds)
        """
    }
}

extension GroupPlan: CustomStringConvertible {
    package var description: String {
        "groups \(groups.map(\.rawValue)) of up to \(membersMax) members, static "
            + "\(staticOneIn.map { "one in \($0)" } ?? "none"), \(logPartitionCount) coordinators, commits each "
            + "\(commitMilliseconds) ms, each \(troubleMilliseconds) ms: "
            + troubles.map(\.rawValue).joined(separator: ", ")
    }
}
