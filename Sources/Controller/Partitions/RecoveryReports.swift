package import Metadata
package import Primitives

/// How much of a partition a recovery candidate has, after it checked its log.
package struct RecoveryReport: Hashable, Sendable {
    package let partition: TopicPartitionID
    /// The partition's leader epoch when the report was made: a report about an earlier state is void.
    package let leaderEpoch: LeaderEpoch
    /// The directory that holds the log.
    package let directory: DirectoryID
    /// The epoch of the last record; nil for an empty log.
    package let lastEpoch: LeaderEpoch?
    /// The exclusive end of what passed the checks.
    package let logEnd: Offset

    package init(
        partition: TopicPartitionID, leaderEpoch: LeaderEpoch, directory: DirectoryID, lastEpoch: LeaderEpoch?,
        logEnd: Offset
    ) {
        self.partition = partition
        self.leaderEpoch = leaderEpoch
        self.directory = directory
        self.lastEpoch = lastEpoch
        self.logEnd = logEnd
    }

    /// Whether it has less than another: first by the epoch of the last record, then by the end.
    func isBehind(_ other: RecoveryReport) -> Bool {
        let mine = lastEpoch?.value ?? -1
        let theirs = other.lastEpoch?.value ?? -1
        return mine == theirs ? logEnd < other.logEnd : mine < theirs
    }
}

/// What recovery candidates reported to this controller. Not replicated: each is asked again after a failover.
package struct RecoveryReports: Sendable {
    private struct Entry {
        let brokerEpoch: BrokerEpoch
        let report: RecoveryReport
    }

    private var byPartition: [TopicPartitionID: [BrokerID: Entry]] = [:]

    package init() {}

    /// Notes a report of a broker's life; only for partitions where it is a candidate, so the number is bounded.
    mutating func note(_ report: RecoveryReport, from broker: BrokerID, _ epoch: BrokerEpoch) {
        byPartition[report.partition, default: [:]][broker] = Entry(brokerEpoch: epoch, report: report)
    }

    mutating func forget(_ partition: TopicPartitionID) { byPartition[partition] = nil }

    func report(on partition: TopicPartitionID, from broker: BrokerID, _ epoch: BrokerEpoch) -> RecoveryReport? {
        guard let entry = byPartition[partition]?[broker], entry.brokerEpoch == epoch else { return nil }
        return entry.report
    }
}
