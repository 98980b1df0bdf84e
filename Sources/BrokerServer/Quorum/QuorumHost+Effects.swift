import Logging
import Primitives
import Quorum
import Synchronization
import WireMessages
import WireProtocol
import World

#if MUTANTS
    import Mutants
#endif

/// The effects of the core, on files and connections.
extension QuorumHost {
    func perform(_ effects: [QuorumEffect]) throws {
        for effect in effects { try perform(effect) }
    }

    private func perform(_ effect: QuorumEffect) throws {
        switch effect {
        case .persist(let election, let rest):
            #if MUTANTS
                if Mutant.voteUnpersisted.isOn { return try perform(rest) }
            #endif
            if let history = replica?.history { try store?.persist(election, history: history) }
            try perform(rest)
        case .send(let id, let peer, let request): peers?.send(request, to: peer, completion: awaiting(id))
        case .sendToAddress(let id, let address, let request):
            peers?.send(request, to: address, completion: awaiting(id))
        case .votersChanged(let voters): votersChanged(voters)
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

    private func awaiting(_ id: RequestID) -> QuorumPeers.Completion {
        { [weak self] result in
            switch result {
            case .success(let reply): self?.feed(.replied(id, reply))
            case .failure(let failure): self?.feed(.failed(id, failure))
            }
        }
    }

    private func votersChanged(_ voters: VoterSet) {
        guard let history = replica?.history else { return }
        logger.info(
            "the voters of the metadata quorum are \(voters.all.map { "\($0)" }.joined(separator: ", "))",
            metadata: ["kraft.version": "\(history.kraftVersion)"])
        toldKraftVersion.store(history.kraftVersion, ordering: .relaxed)
        peers?.follow(history)
    }

    private func append(_ batch: OwnBatch, base: Offset, epoch: LeaderEpoch) throws {
        let now = world.clock.timeOfDay
        precondition(base == store?.end, "the core and the metadata log differ on the log's end")
        switch batch {
        case .leaderChange(let leader, let voters, let grantedBy, let founding):
            try store?.append(
                leaderChange(leader, voters, grantedBy, founding, base: base, epoch: epoch), epoch: epoch)
        case .changes(let changes):
            var builder = RecordBatchBuilder(baseOffset: base, leaderEpoch: epoch, isControl: true)
            for change in changes { QuorumControlRecords.append(change.content, to: &builder, timestamp: now) }
            try store?.append(builder.finish(), epoch: epoch)
        case .records(let ticket, _):
            guard let staged, staged.ticket == ticket else { preconditionFailure("an append without its records") }
            var builder = RecordBatchBuilder(baseOffset: base, leaderEpoch: epoch)
            for record in staged.records { builder.append(timestamp: now, key: nil, value: record) }
            try store?.append(builder.finish(), epoch: epoch)
            stagedEnd = base + Int64(staged.records.count)
        }
    }

    private func leaderChange(
        _ leader: BrokerID, _ voters: [ReplicaKey], _ grantedBy: [ReplicaKey], _ founding: VoterSet?, base: Offset,
        epoch: LeaderEpoch
    ) -> Bytes {
        let now = world.clock.timeOfDay
        // Version 1 names directories, which static voters have not.
        let version: Int16 = replica?.history.isDynamic ?? false ? 1 : 0
        var message = LeaderChangeMessage()
        message.version = version
        message.leaderID = leader
        message.voters = voters.map(Self.voter)
        message.grantingVoters = grantedBy.map(Self.voter)
        var builder = RecordBatchBuilder(baseOffset: base, leaderEpoch: epoch, isControl: true)
        builder.append(control: .leaderChange, timestamp: now, value: message.encoded(version: version))
        if let founding {
            QuorumControlRecords.append(.kraftVersion(1), to: &builder, timestamp: now)
            QuorumControlRecords.append(.voters(founding), to: &builder, timestamp: now)
        }
        return builder.finish()
    }

    private static func voter(_ key: ReplicaKey) -> LeaderChangeMessage.Voter {
        var voter = LeaderChangeMessage.Voter()
        voter.voterID = key.id
        voter.voterDirectoryID = key.directoryID ?? .zero
        return voter
    }

    private func install(_ id: SnapshotID) throws {
        guard let snapshot = try store?.install(id) else { return }
        logger.info("loaded the metadata snapshot at offset \(id.endOffset), epoch \(id.epoch)")
        delivered = id.endOffset
        notes.append(.snapshot(snapshot))
        feedNext(.snapshotInstalled(id, snapshot.voters))
    }
}
