import ClientCore

/// What a consumer reads and how.
public struct ConsumerOptions: Hashable, Sendable {
    /// Where to start in a partition for which the group has committed nothing.
    public enum Start: Hashable, Sendable {
        case earliest
        case latest
    }

    /// Where to start in a partition that was named by hand.
    public enum ManualStart: Hashable, Sendable {
        case earliest
        case latest
        case offset(Int64)
    }

    /// How partitions are shared out in a group.
    public enum GroupProtocol: Hashable, Sendable {
        /// By one of the members, all at once.
        case classic
        /// By the coordinator, and only what moves (KIP-848), with the assignor of this name or the broker's first.
        case consumer(assignor: String?)
    }

    public var start = Start.latest
    public var groupProtocol = GroupProtocol.classic
    /// Whether positions are committed in the name of the group, every `autoCommitMilliseconds` and on leaving it.
    public var commitsAutomatically = true
    public var autoCommitMilliseconds: Int64 = 5_000
    /// This and `heartbeatIntervalMilliseconds` are the broker's to say in the consumer protocol.
    public var sessionTimeoutMilliseconds: Int32 = 45_000
    public var heartbeatIntervalMilliseconds: Int64 = 3_000
    /// The member's fixed name (KIP-345): it keeps its partitions over a restart.
    public var groupInstanceID: String?
    /// Whether records of transactions that are open or were given up stay unread.
    public var readsCommittedOnly = false
    public var fetchWaitMilliseconds: Int32 = 500
    /// Bytes for which a fetch waits, as long as `fetchWaitMilliseconds`.
    public var fetchBytesMin: Int32 = 1
    public var fetchBytesMax: Int32 = 52_428_800
    public var partitionBytesMax: Int32 = 1_048_576

    public init() {}

    var resetPolicy: ConsumerPositions.ResetPolicy {
        switch start {
        case .earliest: .earliest
        case .latest: .latest
        }
    }

    var fetchLimits: FetchQuestion.Limits {
        var limits = FetchQuestion.Limits()
        limits.waitMillisecondsMax = fetchWaitMilliseconds
        limits.bytesMin = fetchBytesMin
        limits.bytesMax = fetchBytesMax
        limits.partitionBytesMax = partitionBytesMax
        limits.readsCommittedOnly = readsCommittedOnly
        return limits
    }
}
