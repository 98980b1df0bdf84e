import Logging
import Primitives
import Quorum
import Synchronization
import WireMessages
import WireProtocol
import World

/// The effects of the core, on files and connections.
extension QuorumHost {
    func perform(_ effects: [QuorumEffect]) throws {
        for effect in effects { try perform(effect) }
    }

    private func perform(_ effect: QuorumEffect) throws {
        switch effect {
        case .persist(let election, let rest):
            try store?.persist(election, voters: voters)
            try perform(rest)
        case .send(let id, let peer, let request): send(request, id: id, to: peer)
        case .answer(let token, let answer): self.answer(token, answer)
        case .append(let batch, let base, let epoch): try append(batch, base: base, epoch: epoch)
        case .refuseAppend: stagedEnd = nil
        case .appendFetched(let batches): try store?.append(fetched: batches)
        case .truncate(let end):
            logger.info("cutting the metadata log to offset \(end)")
            try store?.truncate(to: end)
        case .flush(let ticket): owe(ticket)
        case .writeSnapshotPiece(let piece): try store?.keep(piece)
        case .installSnapshot(let id): try install(id)
        case .highWatermarkAdvanced: notes.append(.committed)
        case .becameLeader(let epoch, let start):
            logger.info("leading the metadata quorum in epoch \(epoch) from offset \(start)")
            notes.append(.becameLeader(epoch, startOffset: start))
        case .lostLeadership(let epoch):
            logger.info("no longer leading the metadata quorum of epoch \(epoch)")
            notes.append(.lostLeadership(epoch))
        case .leaderChanged(let leader, let epoch):
            logger.info("metadata quorum: epoch \(epoch), leader \(leader.map { "\($0)" } ?? "unknown")")
            toldLeader.store(leader?.value ?? -1, ordering: .relaxed)
            notes.append(.leaderChanged(QuorumLeader(id: leader, epoch: epoch)))
        case .halt(let fault): fail("\(fault)")
        }
    }

    private func send(_ request: QuorumRequest, id: RequestID, to peer: BrokerID) {
        peers?.send(request, to: peer) { [weak self] result in
            switch result {
            case .success(let reply): self?.feed(.replied(id, reply))
            case .failure(let failure): self?.feed(.failed(id, failure))
            }
        }
    }

    private func append(_ batch: OwnBatch, base: Offset, epoch: LeaderEpoch) throws {
        let now = world.clock.timeOfDay
        precondition(base == store?.end, "the core and the metadata log differ on the log's end")
        switch batch {
        case .leaderChange(let leader, let voters, let grantedBy):
            var message = LeaderChangeMessage()
            message.leaderID = leader
            message.voters = voters.map(Self.voter)
            message.grantingVoters = grantedBy.map(Self.voter)
            let bytes = RecordBatchBuilder.control(
                .leaderChange, value: message.encoded(version: 0), timestamp: now, baseOffset: base, leaderEpoch: epoch)
            try store?.append(bytes, epoch: epoch)
        case .records(let ticket, _):
            guard let staged, staged.ticket == ticket else { preconditionFailure("an append without its records") }
            var builder = RecordBatchBuilder(baseOffset: base, leaderEpoch: epoch)
            for record in staged.records { builder.append(timestamp: now, key: nil, value: record) }
            try store?.append(builder.finish(), epoch: epoch)
            stagedEnd = base + Int64(staged.records.count)
        }
    }

    private static func voter(_ key: ReplicaKey) -> LeaderChangeMessage.Voter {
        var voter = LeaderChangeMessage.Voter()
        voter.voterID = key.id
        return voter
    }

    private func install(_ id: SnapshotID) throws {
        guard let snapshot = try store?.install(id) else { return }
        logger.info("loaded the metadata snapshot at offset \(id.endOffset), epoch \(id.epoch)")
        delivered = id.endOffset
        notes.append(.snapshot(snapshot))
    }
}
