import Metadata
import Primitives
import Replication

/// What the replicas do: append, fetch, flush, cut, acknowledge.
extension ReplicationSimulation {
    // MARK: leading

    /// Every node that believes to lead is given something to write.
    mutating func produce() {
        heap.schedule(.produce, afterMicroseconds: produceIntervalMicroseconds)
        guard isProducing, now >= silentUntil else { return }
        for index in truth.nodes.indices where !truth.nodes[index].isPaused && truth.nodes[index].isUp {
            guard let leader = truth.nodes[index].leader, leader.hasEnoughInSync else { continue }
            for _ in 0...generator.next() % 3 {
                truth.nodes[index].disk.append(nextValue, epoch: leader.leaderEpoch)
                let end = truth.nodes[index].disk.end
                truth.nodes[index].waiting.append(ReplicaNode.Waiting(required: end, value: nextValue))
                nextValue += 1
                lead(index) { $0.appended(to: end, now: $1) }
            }
            flush(index)
        }
    }

    /// Runs a step of the leader core and does what it asks for.
    mutating func lead(
        _ index: Int, _ step: (inout LeaderReplica, MonotonicInstant) -> LeaderReplica.Outcome
    ) {
        guard case .leader(var leader) = truth.nodes[index].role else { return }
        let outcome = step(&leader, now)
        truth.nodes[index].role = .leader(leader)
        follow(outcome, at: index)
    }

    private mutating func follow(_ outcome: LeaderReplica.Outcome, at index: Int) {
        if outcome.highWatermarkMoved { watermarkMoved(index) }
        if let proposal = outcome.proposal { send(proposal, from: index) }
    }

    private mutating func watermarkMoved(_ index: Int) {
        let node = truth.nodes[index]
        guard let leader = node.leader else { return }
        let end = Int(leader.highWatermark.value)
        if truth.committed.count < end {
            truth.committed += node.disk.entries[truth.committed.count..<end]
        }
        while let first = truth.nodes[index].waiting.first {
            switch leader.verdict(required: first.required) {
            case .wait: return
            case .acknowledged:
                truth.acknowledged.append((Int(first.required.value) - 1, first.value))
            case .notEnoughReplicasAfterAppend: break
            }
            truth.nodes[index].waiting.removeFirst()
        }
    }

    mutating func checkLag(_ index: Int) {
        lead(index) { $0.checkLag(now: $1) }
        heap.schedule(.lagCheck(node: index, life: truth.nodes[index].life), afterMicroseconds: 250_000)
    }

    // MARK: flushing

    mutating func flush(_ index: Int) {
        let node = truth.nodes[index]
        guard settings.flushesOnAck, !node.isFlushing, node.disk.flushed < node.disk.end else { return }
        truth.nodes[index].isFlushing = true
        // A new disk that is being filled is slow, so that it lasts.
        let longest = lossy == index && !isHealed ? ReplicationSimulation.fillMicrosecondsMax : 0
        heap.schedule(
            .flushed(
                end: node.disk.entries.count, generation: node.disk.generation, node: index, life: node.life),
            afterMicroseconds: 50 + Int64(generator.next() % UInt64(max(plan.flushMicrosecondsMax, longest))))
    }

    private static let fillMicrosecondsMax: Int64 = 50_000

    mutating func flushed(_ end: Int, _ generation: Int, at index: Int) {
        truth.nodes[index].disk.noteFlush(to: end, generation: generation)
        truth.nodes[index].isFlushing = false
        let flushed = truth.nodes[index].disk.flushed
        lead(index) { $0.flushed(to: flushed, now: $1) }
        flush(index)
        if truth.nodes[index].follower != nil { fetchSoon(index) }
    }

    // MARK: following

    func position(_ node: ReplicaNode) -> FollowerReplica.Position? {
        guard let follower = node.follower, follower.mayFetch else { return nil }
        return follower.position(end: node.fetchEnd(flushes: settings.flushesOnAck), lastEpoch: node.disk.latestEpoch)
    }

    mutating func fetchSoon(_ index: Int) {
        heap.schedule(.fetchDue(node: index, life: truth.nodes[index].life), afterMicroseconds: 0)
    }

    /// Asks the leader, unless a fetch is unanswered or a flush is owed.
    mutating func sendFetch(_ index: Int) {
        let node = truth.nodes[index]
        guard node.fetchInFlight == nil, let position = position(node), let epoch = node.brokerEpoch,
            let leader = node.follower?.leader
        else { return }
        if node.owesFlush(flushes: settings.flushesOnAck) { return flush(index) }
        truth.nodes[index].lastFetch += 1
        let number = truth.nodes[index].lastFetch
        truth.nodes[index].fetchInFlight = number
        let to = Int(leader.value) - 1
        let fetch = ReplicationEvent.Fetch(
            from: index, life: node.life, number: number, brokerEpoch: epoch, position: position)
        keepFetch(fetch, to: to)
        for delay in network.arrivals(from: index, to: to, using: &generator) {
            heap.schedule(.fetch(fetch, to: to), afterMicroseconds: delay)
        }
        heap.schedule(.fetchTimeout(node: index, life: node.life, number: number), afterMicroseconds: 300_000)
    }

    mutating func fetchTimedOut(_ index: Int, _ number: Int) {
        guard truth.nodes[index].fetchInFlight == number else { return }
        truth.nodes[index].fetchInFlight = nil
        sendFetch(index)
    }

    /// The leader's side of a fetch, with the checks in the order of the rules.
    mutating func answerFetch(_ fetch: ReplicationEvent.Fetch, at index: Int, _ event: ReplicationEvent) {
        guard truth.nodes[index].isUp else { return }
        guard !truth.nodes[index].isPaused else {
            truth.nodes[index].held.append(event)
            return
        }
        let (reply, entries) = judge(fetch, at: index)
        let answer = ReplicationEvent.FetchReply(
            number: fetch.number, position: fetch.position, reply: reply, entries: entries)
        // Nothing new: the answer waits a little, as a parked fetch does.
        let wait: Int64 = entries.isEmpty && reply.divergence == nil ? 2_000 : 0
        for delay in network.arrivals(from: index, to: fetch.from, using: &generator) {
            heap.schedule(.fetched(answer, node: fetch.from, life: fetch.life), afterMicroseconds: delay + wait)
        }
    }

    private mutating func judge(
        _ fetch: ReplicationEvent.Fetch, at index: Int
    ) -> (FollowerReplica.Reply, [ReplicaEntry]) {
        func refused(_ error: ErrorCode) -> (FollowerReplica.Reply, [ReplicaEntry]) {
            (
                FollowerReplica.Reply(
                    error: error, highWatermark: nil, logStart: nil, divergence: nil, hasRecords: false), []
            )
        }
        let node = truth.nodes[index]
        let current = node.leader?.leaderEpoch ?? node.follower?.leaderEpoch ?? .zero
        if let error = EpochCheck.refusal(
            requested: fetch.position.leaderEpoch, current: current, isLeader: node.leader != nil)
        {
            return refused(error)
        }
        guard case .leader(var leader) = node.role else { return refused(.notLeaderOrFollower) }
        var reply = FollowerReplica.Reply(
            error: .noError, highWatermark: leader.highWatermark, logStart: .zero, divergence: nil, hasRecords: false)
        if let last = fetch.position.lastEpoch {
            let found = node.disk.endOffset(for: last)
            switch Divergence.verdict(fetchOffset: fetch.position.offset, lastFetched: last, found: found) {
            case .matches: break
            case .outOfRange: return refused(.offsetOutOfRange)
            case .diverges(let end):
                reply.divergence = end
                return (reply, [])
            }
        }
        guard fetch.position.offset <= node.disk.end else { return refused(.offsetOutOfRange) }
        do throws(ReplicationError) {
            let outcome = try leader.followerFetched(
                FollowerFetch(
                    follower: truth.nodes[fetch.from].id, brokerEpoch: fetch.brokerEpoch,
                    endOffset: fetch.position.offset, logStart: .zero), now: now)
            truth.nodes[index].role = .leader(leader)
            follow(outcome, at: index)
        } catch {
            return refused(error.code)
        }
        let entries = node.disk.entries.dropFirst(Int(fetch.position.offset.value))
            .prefix(entriesPerFetchMax)
        reply.highWatermark = leader.highWatermark
        reply.hasRecords = !entries.isEmpty
        return (reply, Array(entries))
    }

    mutating func fetched(_ answer: ReplicationEvent.FetchReply, at index: Int) {
        let life = truth.nodes[index].life
        guard truth.nodes[index].fetchInFlight == answer.number else { return }
        truth.nodes[index].fetchInFlight = nil
        guard let current = position(truth.nodes[index]), case .follower(var follower) = truth.nodes[index].role else {
            return
        }
        let step = follower.received(answer.reply, asked: answer.position, current: current)
        truth.nodes[index].role = .follower(follower)
        switch step {
        case .ignore: fetchSoon(index)
        case .append(let highWatermark, _):
            for entry in answer.entries { truth.nodes[index].disk.append(entry) }
            _ = follower.appended(logEnd: truth.nodes[index].disk.end, leaderHighWatermark: highWatermark)
            truth.nodes[index].role = .follower(follower)
            flush(index)
            if !truth.nodes[index].owesFlush(flushes: settings.flushesOnAck) {
                heap.schedule(.fetchDue(node: index, life: life), afterMicroseconds: 500)
            }
        case .truncate(let end): cut(index, follower, end)
        case .restart(let offset):
            note("\(truth.nodes[index].id) starts anew at \(offset)")
            truth.nodes[index].disk.truncate(to: offset)
            follower.truncated(to: offset)
            truth.nodes[index].role = .follower(follower)
            fetchSoon(index)
        case .askLogStart, .retry: heap.schedule(.fetchDue(node: index, life: life), afterMicroseconds: 20_000)
        case .waitForMetadata: break
        }
    }

    private mutating func cut(_ index: Int, _ follower: FollowerReplica, _ answer: EpochEnd) {
        var follower = follower
        let disk = truth.nodes[index].disk
        let cut = follower.cut(for: answer, own: disk.endOffset(for: answer.epoch), logEnd: disk.end)
        note("\(truth.nodes[index].id) cuts from \(disk.end) to \(cut.offset)")
        if cut.isBelowHighWatermark { fail("rule 6: \(truth.nodes[index].id) cuts below its high watermark") }
        truth.nodes[index].disk.truncate(to: cut.offset)
        truth.nodes[index].isFlushing = false
        follower.truncated(to: cut.offset)
        truth.nodes[index].role = .follower(follower)
        fetchSoon(index)
    }
}
