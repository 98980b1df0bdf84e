import OrderedCollections
package import Primitives
import WireMessages

extension GroupShard {
    /// Makes records out of a decision. The host appends them before any other call.
    mutating func decide(
        _ records: [GroupRecord], by producer: ProducerIdentity? = nil, ending end: TransactionEnd? = nil,
        then: AfterCommit?, at time: CoordinatorTime
    ) -> GroupEffect {
        .append(line.add(records, by: producer, ending: end, then: then, deadline: writeDeadline(from: time)))
    }

    /// Makes tombstones out of a decision, in as many batches as they need. Groups end with the last of them.
    mutating func decideTombstones(
        _ records: [GroupRecord], then: AfterCommit?, deleting deletedGroups: [String] = [], at time: CoordinatorTime
    ) -> [GroupEffect] {
        let batches = GroupShard.batches(of: records, bytesMax: settings.tombstoneBatchBytesMax)
        let writes = line.add(series: batches, then: then, deadline: writeDeadline(from: time))
        if let last = writes.last, !deletedGroups.isEmpty {
            endingGroups[last.id] = EndingGroups(deleted: deletedGroups)
        }
        return writes.map { .append($0) }
    }

    private func writeDeadline(from time: CoordinatorTime) -> MonotonicInstant {
        time.now.advanced(byMilliseconds: settings.commitTimeoutMilliseconds)
    }

    private static func batches(of records: [GroupRecord], bytesMax: Int) -> [[GroupRecord]] {
        var batches: [[GroupRecord]] = []
        var batch: [GroupRecord] = []
        var batchBytes = 0
        for record in records {
            let bytes = record.tombstoneBytesMax
            if !batch.isEmpty, batchBytes + bytes > bytesMax {
                batches.append(batch)
                (batch, batchBytes) = ([], 0)
            }
            batch.append(record)
            batchBytes += bytes
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }

    package mutating func appended(_ id: WriteID, end: Offset) {
        _ = line.appended(id, end: end)
        // Not a refused one: who asks next is to wait for those before it.
        if let group = groupsOfWrites.removeValue(forKey: id) { clocks[group]?.lastWrite = id }
        guard let ending = endingGroups.removeValue(forKey: id) else { return }
        for group in ending.deleted { forget(group) }
        if let classic = ending.becomes {
            groups[classic.id] = classic
            clocks[classic.id] = nil
            noteDeadline(of: classic)
        }
    }

    private mutating func forget(_ id: String) {
        if image[id] == nil { timelines.forget(id) }
        if let group = groups.removeValue(forKey: id), group.generation == 0 { newGroupCount -= 1 }
        if image[id]?.consumer == nil { clocks[id] = nil }
    }

    package mutating func refused(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [GroupEffect] {
        endingGroups[id] = nil
        groupsOfWrites[id] = nil
        guard let then = line.refused(id).then else { return [] }
        if case .staticMemberReplaced(_, _, _, let before) = then { groups[before.id] = before }
        return failed(then, with: error, at: time)
    }

    package func awaitsCommit(of id: WriteID) -> Bool { line.holds(id) }

    package mutating func committed(upTo highWatermark: Offset, at time: CoordinatorTime) -> [GroupEffect] {
        line.committed(upTo: highWatermark).flatMap { succeeded($0.then, at: time) }
    }

    package mutating func committed(through id: WriteID, at time: CoordinatorTime) -> [GroupEffect] {
        line.committed(through: id).flatMap { succeeded($0.then, at: time) }
    }

    package mutating func unconfirmed(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [GroupEffect] {
        let effects = line.giveUp(on: id).map { failed($0, with: error, at: time) } ?? []
        return error == .notEnoughReplicasAfterAppend ? effects + committed(through: id, at: time) : effects
    }

    private mutating func succeeded(_ then: AfterCommit?, at time: CoordinatorTime) -> [GroupEffect] {
        switch then {
        case nil: []
        case .several(let all): all.flatMap { succeeded($0, at: time) }
        case .reply(let ticket, let reply), .staticMemberReplaced(let ticket, let reply, _, _): [.reply(ticket, reply)]
        case .assign(let id, let generation, let leaderID, let assignments):
            step(id, at: time) { group, _, outcome in
                group.assignmentCommitted(
                    generation: generation, leaderID: leaderID, assignments, at: time, into: &outcome)
            }
        }
    }

    /// Tells those who wait for a write that it did not succeed (in time).
    mutating func failed(_ then: AfterCommit, with error: ErrorCode, at time: CoordinatorTime) -> [GroupEffect] {
        switch then {
        case .several(let all): return all.flatMap { failed($0, with: error, at: time) }
        case .reply(let ticket, let reply):
            let isOffsetCommit =
                switch reply {
                case .offsetCommit, .transactionalCommit: true
                case .join, .sync, .leave, .offsetDelete, .deleteGroups, .consumerHeartbeat, .transactionEnded: false
                }
            return [.reply(ticket, reply.failed(with: error.asCoordinatorError(isOffsetCommit: isOffsetCommit)))]
        case .staticMemberReplaced(let ticket, let reply, let memberID, _):
            let shown = error.asCoordinatorError(isOffsetCommit: false)
            return [.reply(ticket, reply.failed(with: shown, memberID: memberID))]
        case .assign(let id, let generation, let leaderID, _):
            let shown = error.asCoordinatorError(isOffsetCommit: false)
            return step(id, at: time) { group, settings, outcome in
                group.assignmentFailed(
                    generation: generation, leaderID: leaderID, with: shown, at: time, settings, into: &outcome)
            }
        }
    }

    package mutating func fail() -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for then in line.removeAll() { effects += then.replies.map { .reply($0, $1.failed(with: .notCoordinator)) } }
        endingGroups = [:]
        groupsOfWrites = [:]
        for id in groups.keys.sorted() {
            guard var group = groups[id] else { continue }
            var outcome = GroupOutcome()
            for memberID in group.members.keys {
                group.answerParked(of: memberID, with: .notCoordinator, into: &outcome)
            }
            effects += outcome.replies.map { .reply($0.ticket, $0.reply) }
        }
        groups = [:]
        clocks = [:]
        newGroupCount = 0
        return effects
    }
}
