import LogStorage
import Primitives
import Replication
import Synchronization

extension PartitionState.ListedOffset {
    /// Finds a time in a log; nil where there is none, and for what is no time.
    fileprivate func search(_ log: PartitionLog) throws(StorageError) -> TimestampedOffset? {
        switch self {
        case .at(let time): try log.offset(forTimestamp: time)
        case .maxTimestamp: try log.offsetOfMaxTimestamp()
        case .latest, .earliest, .tiered: nil
        }
    }
}

extension PartitionState {
    /// What ListOffsets asks for.
    enum ListedOffset: Hashable {
        case latest
        case earliest
        case maxTimestamp
        case at(Timestamp)
        /// A position in tiered storage, of which there is none.
        case tiered
    }

    /// An answer to ListOffsets.
    struct FoundOffset: Hashable {
        var offset: Offset
        var timestamp: Timestamp?
        var epoch: LeaderEpoch?
    }

    /// The log for a search by time, which may wait for a disk: a copy, so that nobody waits with it.
    func logForSearch(requestedEpoch: LeaderEpoch?) throws(ReplicationError) -> PartitionLog {
        if let error = leaderRefusal(requested: requestedEpoch) { throw ReplicationError(error) }
        guard let log else { throw ReplicationError(.notLeaderOrFollower) }
        return log
    }

    /// The offset asked for; nil where there is none, which is no error.
    ///
    /// - Parameter searched: what a search by time has found; nil searches here.
    mutating func listOffset(
        _ wanted: ListedOffset, _ requester: Requester, requestedEpoch: LeaderEpoch?,
        searched: Result<TimestampedOffset?, StorageError>?, _ after: inout Aftermath
    ) throws(ReplicationError) -> FoundOffset? {
        if let error = leaderRefusal(requested: requestedEpoch) { throw ReplicationError(error) }
        guard let log, let leader else { throw ReplicationError(.notLeaderOrFollower) }
        switch wanted {
        case .tiered: return nil
        case .earliest:
            return FoundOffset(offset: log.logStartOffset, epoch: log.epoch(at: log.logStartOffset))
        case .latest:
            let end = try leader.latestOffset(for: requester, lastStable: lastStableOffset)
            return FoundOffset(offset: end, epoch: leader.leaderEpoch)
        case .maxTimestamp, .at:
            let found: TimestampedOffset?
            do throws(StorageError) {
                found = if let searched { try searched.get() } else { try wanted.search(log) }
            } catch {
                throw ReplicationError(failedRead(error, &after))
            }
            let visible = try leader.offset(
                foundForTimestamp: found?.offset, requester: requester, lastStable: lastStableOffset)
            guard visible != nil, let found else { return nil }
            return FoundOffset(offset: found.offset, timestamp: found.timestamp, epoch: found.epoch)
        }
    }

    /// The largest epoch that is not above `epoch`, with its end, for whoever looks for the place where logs part.
    func epochEnd(
        _ epoch: LeaderEpoch, requestedEpoch: LeaderEpoch?
    ) throws(ReplicationError) -> EpochEnd? {
        if let error = leaderRefusal(requested: requestedEpoch) { throw ReplicationError(error) }
        guard let log, let leader else { throw ReplicationError(.notLeaderOrFollower) }
        // An epoch newer than this leader's own is unknown to it.
        guard epoch <= leader.leaderEpoch else { return nil }
        return log.endOffset(for: epoch).map { EpochEnd(epoch: $0.epoch, endOffset: $0.endOffset) }
    }
}

extension Partition {
    /// Answers ListOffsets; searching for a time may wait for a disk.
    func listOffset(
        _ wanted: PartitionState.ListedOffset, _ requester: Requester, requestedEpoch: LeaderEpoch?
    ) throws(ReplicationError) -> PartitionState.FoundOffset? {
        // Where the log ends now, only its leader knows: one that is cut off may be none any more.
        if wanted == .latest, case .consumer = requester, isCutOff { throw ReplicationError(.notLeaderOrFollower) }
        let searched = try search(wanted, requestedEpoch)
        let result: Result<PartitionState.FoundOffset?, ReplicationError> = step { state, after in
            Result { () throws(ReplicationError) in
                try state.listOffset(wanted, requester, requestedEpoch: requestedEpoch, searched: searched, &after)
            }
        }
        return try result.get()
    }

    /// Looks for a time without the lock. A failure says nothing, as a segment may have gone meanwhile: the search is
    /// made again under the lock, and what fails there is true.
    private func search(
        _ wanted: PartitionState.ListedOffset, _ requestedEpoch: LeaderEpoch?
    ) throws(ReplicationError) -> Result<TimestampedOffset?, StorageError>? {
        switch wanted {
        case .latest, .earliest, .tiered: return nil
        case .at, .maxTimestamp: break
        }
        let log = try state.withLock { (state) throws(ReplicationError) in
            try state.logForSearch(requestedEpoch: requestedEpoch)
        }
        do throws(StorageError) { return .success(try wanted.search(log)) } catch { return nil }
    }

    /// Answers OffsetForLeaderEpoch.
    func epochEnd(_ epoch: LeaderEpoch, requestedEpoch: LeaderEpoch?) throws(ReplicationError) -> EpochEnd? {
        try state.withLock { (state) throws(ReplicationError) in
            try state.epochEnd(epoch, requestedEpoch: requestedEpoch)
        }
    }
}
