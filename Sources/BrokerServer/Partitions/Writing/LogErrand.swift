import LogStorage
import Primitives
import Replication

/// What is done to a copy of a log on the threads of its disk, where that is slow.
///
/// The log itself is read meanwhile as it stood, its flushes go on, and nothing else is done to it: what comes for it
/// is held, and a change of role waits. Then the copy takes its place.
struct LogErrand {
    let number: UInt64
    /// What a follower is to append; nil where it is what is held, of a leader.
    var received: ReceivedRecords?
    /// Whether it was begun; until then the hold can be given away.
    var isBegun = false
    /// The copy, once all of it is written, until the errand is settled.
    var written: PartitionLog?
    /// The flushes of the log that ended since the copy was taken.
    var flushed: [FlushTicket] = []
    /// Whether newer metadata came that was not applied.
    var missesAssignment = false
    /// Where the log ends when all that is held is written; nil where a part of that may be refused.
    var promisedEnd: Offset?
    /// Producers whose transactions it ends.
    var endingProducers: Set<ProducerID> = []

    init(_ number: UInt64, received: ReceivedRecords? = nil, promisedEnd: Offset? = nil) {
        self.number = number
        self.received = received
        self.promisedEnd = promisedEnd
    }
}

/// What a leader has sent to a follower.
struct ReceivedRecords: Sendable {
    let records: Bytes
    let highWatermark: Offset?
    let logStart: Offset?
}

/// One write of an errand: a copy of the log, and what is to be appended to it. Blocks while it runs.
struct LogWrite: Sendable {
    enum Load: Sendable {
        case produced([PartitionState.Incoming], LeaderEpoch)
        case received(ReceivedRecords)
    }

    enum Outcome: Sendable {
        case appended([AppendOutcome])
        /// With the segments that lie before the leader's log.
        case followed([SegmentRemoval])
        case failed(StorageError)
    }

    let number: UInt64
    let load: Load
    private(set) var log: PartitionLog

    init(_ number: UInt64, _ load: Load, _ log: PartitionLog) {
        self.number = number
        self.load = load
        self.log = log
    }

    /// The batches of producers in it.
    var incoming: [PartitionState.Incoming] {
        if case .produced(let incoming, _) = load { return incoming }
        return []
    }

    /// Whether there is nothing to write after all.
    var isEmpty: Bool {
        if case .produced(let incoming, _) = load { return incoming.isEmpty }
        return false
    }

    mutating func run(timeOfDay: Timestamp) -> Outcome {
        do throws(StorageError) {
            switch load {
            case .produced(let incoming, let epoch):
                return .appended(try log.appendAsLeader(
                        incoming.map(\.batch), markers: incoming.markers, epoch: epoch, now: timeOfDay))
            case .received(let received): return .followed(try log.take(received, now: timeOfDay))
            }
        } catch { return .failed(error) }
    }
}

extension PartitionLog {
    /// Appends what a leader sent, and lets go of what lies before the leader's log.
    mutating func take(_ received: ReceivedRecords, now: Timestamp) throws(StorageError) -> [SegmentRemoval] {
        if !received.records.isEmpty { try appendAsFollower(received.records, now: now) }
        guard let start = received.logStart, start > logStartOffset, start <= logEndOffset else { return [] }
        return try incrementLogStartOffset(to: start)
    }
}
