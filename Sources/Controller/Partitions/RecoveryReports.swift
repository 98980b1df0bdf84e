package import Metadata
package import Primitives

/// How much of a partition a replica has, after its log was checked.
package struct RecoveryReport: Hashable, Sendable {
    /// A leader epoch and the offset of its first record.
    package struct EpochStart: Hashable, Sendable {
        package let epoch: LeaderEpoch
        package let startOffset: Offset

        package init(epoch: LeaderEpoch, startOffset: Offset) {
            self.epoch = epoch
            self.startOffset = startOffset
        }
    }

    /// The most epochs that a report names, the newest: what lies in older ones is not compared.
    package static let epochsMax = 32

    package let partition: TopicPartitionID
    /// The partition's leader epoch when the report was made: a report about an earlier state is void.
    package let leaderEpoch: LeaderEpoch
    /// The directory that holds the log.
    package let directory: DirectoryID
    /// The epoch of the last record; nil for an empty log.
    package let lastEpoch: LeaderEpoch?
    /// The exclusive end of what passed the checks.
    package let logEnd: Offset
    /// Its newest epochs, in order; none of a broker that does not tell.
    package let epochStarts: [EpochStart]

    package init(
        partition: TopicPartitionID, leaderEpoch: LeaderEpoch, directory: DirectoryID, lastEpoch: LeaderEpoch?,
        logEnd: Offset, epochStarts: [EpochStart] = []
    ) {
        self.partition = partition
        self.leaderEpoch = leaderEpoch
        self.directory = directory
        self.lastEpoch = lastEpoch
        self.logEnd = logEnd
        self.epochStarts = epochStarts
    }

    /// Whether its log is known to begin with all of another's: it has the other's last record. An epoch has one
    /// leader, so a record's offset and epoch name it, and all that lies before.
    func contains(_ other: RecoveryReport) -> Bool {
        guard let epoch = other.lastEpoch, other.logEnd > .zero else { return true }
        if lastEpoch == epoch { return logEnd >= other.logEnd }
        let last = Offset(other.logEnd.value - 1)
        return last < logEnd && epochStarts.last { $0.startOffset <= last }?.epoch == epoch
    }

    /// Whether it has less than another: first by the epoch of the last record, then by the end.
    func isBehind(_ other: RecoveryReport) -> Bool {
        let mine = lastEpoch?.value ?? -1
        let theirs = other.lastEpoch?.value ?? -1
        return mine == theirs ? logEnd < other.logEnd : mine < theirs
    }
}

/// What the witnesses of recoveries reported to this controller. Not replicated: each is asked again after a failover.
package struct RecoveryReports: Sendable {
    private struct Entry {
        let brokerEpoch: BrokerEpoch
        let report: RecoveryReport
    }

    /// The recovery of a partition in one leader epoch.
    private struct Round {
        let leaderEpoch: LeaderEpoch
        /// Who applied the metadata up to here knows of the recovery.
        let askedOffset: Offset
        var byBroker: [BrokerID: Entry] = [:]
    }

    private var rounds: [TopicPartitionID: Round] = [:]

    package init() {}

    /// Notes a report of a broker's life; only for partitions of which it is a witness, so the number is bounded.
    ///
    /// - Parameter nextOffset: the end of the metadata as the controller knows it.
    mutating func note(
        _ report: RecoveryReport, from broker: BrokerID, _ epoch: BrokerEpoch, nextOffset: Offset
    ) {
        if rounds[report.partition]?.leaderEpoch != report.leaderEpoch {
            rounds[report.partition] = Round(leaderEpoch: report.leaderEpoch, askedOffset: nextOffset)
        }
        rounds[report.partition]!.byBroker[broker] = Entry(brokerEpoch: epoch, report: report)
    }

    mutating func forget(_ partition: TopicPartitionID) { rounds[partition] = nil }

    /// The exclusive end of the metadata that tells of a partition's recovery; nil where nobody reported.
    func askedOffset(_ partition: TopicPartitionID) -> Offset? { rounds[partition]?.askedOffset }

    func report(on partition: TopicPartitionID, from broker: BrokerID, _ epoch: BrokerEpoch) -> RecoveryReport? {
        guard let entry = rounds[partition]?.byBroker[broker], entry.brokerEpoch == epoch else { return nil }
        return entry.report
    }
}
