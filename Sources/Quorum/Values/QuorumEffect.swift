package import Primitives

/// What a leader writes at the end of its log, as one batch.
package enum OwnBatch: Hashable, Sendable {
    /// The control record that opens an epoch; with the voters of the formatting where no log has them yet.
    case leaderChange(leaderID: BrokerID, voters: [ReplicaKey], grantedBy: [ReplicaKey], founding: VoterSet? = nil)
    /// Control records of the quorum, in order.
    case changes([QuorumChange])
    case records(AppendTicket, count: Int64)
}

/// Why a replica must not go on.
package enum QuorumFault: Hashable, Sendable, CustomStringConvertible {
    /// The leader's log lacks what this replica knows to be committed (reliability rule 6).
    case committedEntriesMissing(highWatermark: Offset, cut: Offset, leader: BrokerID, epoch: LeaderEpoch)

    package var description: String {
        switch self {
        case .committedEntriesMissing(let highWatermark, let cut, let leader, let epoch):
            "leader \(leader) of epoch \(epoch) wants the metadata log cut to \(cut), below its high watermark "
                + "\(highWatermark): committed metadata is missing there. Nothing was cut. Compare the metadata "
                + "directories of the controllers before any of them is started again."
        }
    }
}

/// What the shell has to do after a step: in order, each before the next, all before the next step.
package indirect enum QuorumEffect: Hashable, Sendable {
    /// Make the vote file say this, durably; only then do the rest. When it cannot be written the node must end.
    case persist(ElectionState, then: [QuorumEffect])
    case send(RequestID, to: BrokerID, QuorumRequest)
    /// The same to an address of which it is not known who is there.
    case sendToAddress(RequestID, QuorumAddress, QuorumRequest)
    case answer(RequestToken, QuorumAnswer)
    /// Write a batch of this replica's own, as leader.
    case append(OwnBatch, base: Offset, epoch: LeaderEpoch)
    /// The append with this ticket came too late; nothing is written.
    case refuseAppend(AppendTicket)
    /// Write batches as they came from the leader.
    case appendFetched([FetchedBatch])
    /// Cut the log; what is cut was never committed.
    case truncate(to: Offset)
    /// Make the log durable to its present end, then say `flushed` with the ticket. Flushes may be joined; the newest
    /// ticket speaks for all.
    case flush(FlushTicket)
    /// Keep a piece of a snapshot that is being fetched; position 0 starts it anew.
    case writeSnapshotPiece(SnapshotPiece)
    /// The pieces are all there: make the snapshot durable and valid, drop the whole log, begin it at its end, and say
    /// what it tells of the voters with `snapshotInstalled` before anything else.
    case installSnapshot(SnapshotID)
    /// The voters, or where they listen, are others now.
    case votersChanged(VoterSet)
    case highWatermarkAdvanced(Offset)
    case becameLeader(LeaderEpoch, startOffset: Offset)
    case lostLeadership(LeaderEpoch)
    case leaderChanged(BrokerID?, LeaderEpoch)
    /// Stop at once and say why; no step follows.
    case halt(QuorumFault)
}
