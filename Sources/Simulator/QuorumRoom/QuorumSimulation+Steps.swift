import Primitives
import Quorum

/// One input to one core, and its effects on disk and network.
extension QuorumSimulation {
    mutating func step(_ index: Int, _ input: QuorumInput) {
        guard let nameBefore = truth.nodes[index].replica?.role.name,
            let epochBefore = truth.nodes[index].replica?.election.epoch
        else { return }
        touched.append(index)
        let time = now
        let effects = truth.nodes[index].replica?.step(input, now: time) ?? []
        let life = truth.nodes[index].life
        perform(effects, at: index, life: life)
        hearOfInstalled(index, life: life)
        guard truth.nodes[index].life == life, let after = truth.nodes[index].replica else { return }
        if nameBefore != after.role.name || epochBefore != after.election.epoch {
            note(
                "node \(after.me.id) \(after.role.name), epoch \(after.election.epoch), log end \(after.log.end), "
                    + "committed \(after.highWatermark.map { "\($0)" } ?? "unknown"), \(after.election.standing)")
        }
        if truth.nodes[index].isWiped, after.election.standing == .proven { truth.nodes[index].isWiped = false }
        fingerprint =
            fingerprint &* 31 &+ UInt64(bitPattern: now.value) &+ UInt64(index)
            &+ UInt64(after.log.end.value) &* 1_000_003 &+ UInt64(after.election.epoch.value)
        setTick(index)
    }

    /// Tells the core what the snapshot that it took says of the voters, before anything else.
    private mutating func hearOfInstalled(_ index: Int, life: Int) {
        guard truth.nodes[index].life == life, let id = truth.nodes[index].installed else { return }
        truth.nodes[index].installed = nil
        let facts = truth.nodes[index].disk.history(configured: configured).snapshot(below: id.endOffset)
        step(index, .snapshotInstalled(id, facts))
    }

    private mutating func setTick(_ index: Int) {
        guard let wanted = truth.nodes[index].replica?.nextDeadline else { return }
        // Timers are as coarse as a real loop's: a whole millisecond, never early.
        let at = MonotonicInstant((max(wanted, now).value + 999_999) / 1_000_000 * 1_000_000)
        if let set = truth.nodes[index].tickAt, set <= at { return }
        truth.nodes[index].tickAt = at
        heap.schedule(.tick(index, life: truth.nodes[index].life), at: at)
    }

    private mutating func perform(_ effects: [QuorumEffect], at index: Int, life: Int) {
        for effect in effects {
            // The process may die between any two effects.
            if plan.crashes, !isHealed, generator.chance(1, in: 5_000) { crash(index) }
            guard truth.nodes[index].life == life, truth.nodes[index].replica != nil else { return }
            perform(effect, at: index, life: life)
        }
    }

    private mutating func perform(_ effect: QuorumEffect, at index: Int, life: Int) {
        switch effect {
        case .persist(let election, let rest):
            truth.nodes[index].disk.persist(election)
            perform(rest, at: index, life: life)
        case .send(let id, let peer, let request): send(request, id: id, from: index, to: Int(peer.value) - 1)
        case .sendToAddress(let id, let address, let request):
            send(request, id: id, from: index, to: Int(address.port) - 1)
        case .answer(let token, let answer): self.answer(answer, to: token, at: index)
        case .append(let batch, let base, let epoch): append(batch, base: base, epoch: epoch, at: index)
        case .refuseAppend(let ticket): truth.nodes[index].staged[ticket] = nil
        case .appendFetched(let batches):
            for batch in batches { truth.nodes[index].disk.append(QuorumDisk.entries(of: batch)) }
        case .truncate(let end):
            note("node \(truth.nodes[index].id) cuts its log to \(end)")
            truth.nodes[index].disk.truncate(to: end)
        case .flush(let ticket): flush(ticket, at: index)
        case .writeSnapshotPiece(let piece): truth.nodes[index].disk.keep(piece)
        case .installSnapshot(let id):
            note("node \(truth.nodes[index].id) takes the snapshot at \(id.endOffset)")
            truth.nodes[index].disk.install(id, changes: changes)
            truth.nodes[index].installed = id
        case .votersChanged(let voters):
            note("node \(truth.nodes[index].id) now counts the voters \(voters.all.map { "\($0.id)" })")
        case .highWatermarkAdvanced(let end): advanced(to: end, at: index)
        case .becameLeader(let epoch, _): truth.leaders[epoch] = truth.nodes[index].id
        case .lostLeadership: truth.nodes[index].unacknowledged = []
        case .leaderChanged: break
        case .halt(let fault): fail("node \(truth.nodes[index].id) stops: \(fault)")
        }
    }

    private mutating func append(_ batch: OwnBatch, base: Offset, epoch: LeaderEpoch, at index: Int) {
        guard base.value == Int64(truth.nodes[index].disk.entries.count) else {
            return fail("node \(truth.nodes[index].id) appends at \(base), not at its log's end")
        }
        switch batch {
        case .leaderChange(_, _, _, let founding):
            truth.nodes[index].disk.append([QuorumEntry(epoch: epoch, value: 0)])
            if let founding { write([.kraftVersion(1), .voters(founding)], epoch: epoch, at: index) }
        case .changes(let changes): write(changes.map(\.content), epoch: epoch, at: index)
        case .records(let ticket, _):
            let values = truth.nodes[index].staged.removeValue(forKey: ticket) ?? []
            truth.nodes[index].disk.append(values.map { QuorumEntry(epoch: epoch, value: $0) })
            truth.nodes[index].unacknowledged.append(
                QuorumNode.Unacknowledged(epoch: epoch, base: Int(base.value), values: values))
        }
    }

    private mutating func write(_ contents: [QuorumChange.Content], epoch: LeaderEpoch, at index: Int) {
        for content in contents {
            let value = QuorumSimulation.firstChangeValue + UInt64(changes.count)
            changes[value] = content
            truth.nodes[index].disk.append([QuorumEntry(epoch: epoch, value: value, change: content)])
        }
    }

    private mutating func flush(_ ticket: FlushTicket, at index: Int) {
        let end = truth.nodes[index].disk.entries.count
        let generation = truth.nodes[index].disk.generation
        let longest = isHealed ? FaultPlan.calm.flushMicrosecondsMax : plan.flushMicrosecondsMax
        heap.schedule(
            .flushed(
                ticket, end: end, generation: generation, node: index, life: truth.nodes[index].life),
            afterMicroseconds: 20 + Int64(generator.next() % UInt64(longest)))
    }

    private mutating func advanced(to end: Offset, at index: Int) {
        let node = truth.nodes[index]
        for offset in truth.committed.count..<max(Int(end.value), truth.committed.count) {
            guard offset < node.disk.entries.count else {
                return fail("node \(node.id) commits up to \(end) and has \(node.disk.entries.count)")
            }
            truth.committed.append(node.disk.entries[offset])
            if case .voters(let voters)? = node.disk.entries[offset].change { truth.committedVoters.append(voters) }
        }
        guard let epoch = node.replica?.role.leading?.epoch else { return }
        for waiting in node.unacknowledged
        where waiting.epoch == epoch && waiting.base + waiting.values.count <= Int(end.value) {
            for (step, value) in waiting.values.enumerated() {
                truth.acknowledged.append((offset: waiting.base + step, value: value))
            }
        }
        truth.nodes[index].unacknowledged.removeAll { $0.base + $0.values.count <= Int(end.value) }
    }

    // MARK: Network

    private mutating func send(_ request: QuorumRequest, id: RequestID, from: Int, to: Int) {
        let life = truth.nodes[from].life
        for delay in network.arrivals(from: from, to: to, using: &generator) {
            heap.schedule(.request(request, id: id, from: from, life: life, to: to), afterMicroseconds: delay)
        }
        heap.schedule(
            .failure(.noAnswer, id: id, to: from, life: life),
            afterMicroseconds: QuorumSimulation.requestTimeoutMicroseconds)
    }

    private mutating func answer(_ answer: QuorumAnswer, to token: RequestToken, at index: Int) {
        guard let asker = truth.nodes[index].askers.removeValue(forKey: token) else {
            return operationAnswered(answer, token, at: index)
        }
        let reply: QuorumReply
        switch answer {
        case .vote(let verdict, let isGranted): reply = .vote(verdict, isGranted: isGranted)
        case .beginEpoch(let verdict): reply = .beginEpoch(verdict)
        case .endEpoch(let verdict): reply = .endEpoch(verdict)
        case .fetch(let verdict, let highWatermark, let content):
            reply = .fetch(verdict, highWatermark: highWatermark, read(content, at: index))
        case .fetchSnapshot(var verdict, let fetch):
            let piece = fetch.flatMap {
                truth.nodes[index].disk.piece($0, maxBytes: QuorumSimulation.snapshotPieceBytes)
            }
            if fetch != nil, piece == nil { verdict.error = .snapshotNotFound }
            reply = .fetchSnapshot(verdict, piece)
        case .voterChange(let verdict, _): reply = .voterChange(verdict.error)
        }
        for delay in network.arrivals(from: index, to: asker.node, using: &generator) {
            heap.schedule(
                .reply(reply, id: asker.request, to: asker.node, life: asker.life), afterMicroseconds: delay)
        }
    }

    private mutating func read(
        _ content: FetchContent<Offset>, at index: Int
    ) -> FetchContent<[FetchedBatch]> {
        switch content {
        case .empty: .empty
        case .diverging(let end): .diverging(end)
        case .snapshot(let id): .snapshot(id)
        case .entries(let offset):
            .entries(
                truth.nodes[index].disk.batches(
                    from: offset, count: 1 + Int(generator.next() % QuorumSimulation.entriesPerFetchMax)))
        }
    }
}
