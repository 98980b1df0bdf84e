import OrderedCollections
package import Primitives
import WireMessages

extension GroupShard {
    /// Makes records out of a decision. The host appends them before any other call.
    mutating func decide(
        _ records: [GroupRecord], then: AfterCommit, deleting deletedGroups: [String] = [], at time: CoordinatorTime
    ) -> GroupEffect {
        let write = GroupWrite(id: nextWriteID, records: records)
        nextWriteID = WriteID(nextWriteID.value + 1)
        let deadline = time.now.advanced(byMilliseconds: settings.commitTimeoutMilliseconds)
        writes.append(
            PendingWrite(
                write: write, deletedGroups: deletedGroups, lastOfSeries: write.id, deadline: deadline, then: then))
        return .append(write)
    }

    /// Makes tombstones out of a decision, in as many batches as they need. What is to follow follows the last one: it
    /// is committed after all others. Groups end with it, too.
    mutating func decideTombstones(
        _ records: [GroupRecord], then: AfterCommit, deleting deletedGroups: [String] = [], at time: CoordinatorTime
    ) -> [GroupEffect] {
        let batches = GroupShard.batches(of: records, bytesMax: settings.tombstoneBatchBytesMax)
        let last = WriteID(nextWriteID.value + Int64(batches.count) - 1)
        let deadline = time.now.advanced(byMilliseconds: settings.commitTimeoutMilliseconds)
        return batches.map { batch in
            let write = GroupWrite(id: nextWriteID, records: batch)
            nextWriteID = WriteID(nextWriteID.value + 1)
            let isLast = write.id == last
            writes.append(
                PendingWrite(
                    write: write, deletedGroups: isLast ? deletedGroups : [], lastOfSeries: last, deadline: deadline,
                    then: isLast ? then : .nothing))
            return .append(write)
        }
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

    /// The oldest write not appended yet is in the log up to `end`: its records are replayed.
    package mutating func appended(_ id: WriteID, end: Offset) {
        guard let index = writes.firstIndex(where: { $0.end == nil }), writes[index].write.id == id else {
            preconditionFailure("write \(id) is appended out of turn")
        }
        for record in writes[index].write.records { image.replay(record) }
        for group in writes[index].deletedGroups { forget(group) }
        if let classic = writes[index].becomes {
            groups[classic.id] = classic
            clocks[classic.id] = nil
            noteDeadline(of: classic)
        }
        writes[index].end = end
        writes[index].imageAfter = image
    }

    private mutating func forget(_ id: String) {
        if let group = groups.removeValue(forKey: id), group.generation == 0 { newGroupCount -= 1 }
        if image[id]?.consumer == nil { clocks[id] = nil }
    }

    /// The oldest write not appended yet was not taken by the log: nothing of it holds.
    package mutating func refused(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [GroupEffect] {
        guard let index = writes.firstIndex(where: { $0.end == nil }), writes[index].write.id == id else {
            preconditionFailure("write \(id) is refused out of turn")
        }
        let write = writes.remove(at: index)
        if case .staticMemberReplaced(_, _, _, let before) = write.then { groups[before.id] = before }
        guard let last = writes.firstIndex(where: { $0.write.id == write.lastOfSeries }) else {
            return failed(write.then, with: error, at: time)
        }
        // A part of a series is missing: who waits for the whole is told so now, whatever becomes of the rest.
        let then = writes[last].then
        writes[last].then = .nothing
        return failed(then, with: error, at: time)
    }

    /// The high watermark has reached `highWatermark`: what waited for it follows, in log order.
    package mutating func committed(upTo highWatermark: Offset, at time: CoordinatorTime) -> [GroupEffect] {
        let count = writes.prefix { $0.end.map { $0 <= highWatermark } ?? false }.count
        guard count > 0 else { return [] }
        let done = writes.prefix(count)
        writes.removeFirst(count)
        if let reached = done.last?.imageAfter { committedImage = reached }
        return done.flatMap { succeeded($0.then, at: time) }
    }

    /// A write is committed, and with it all before it.
    package mutating func committed(through id: WriteID, at time: CoordinatorTime) -> [GroupEffect] {
        guard let end = writes.first(where: { $0.write.id == id })?.end else { return [] }
        return committed(upTo: end, at: time)
    }

    /// A write is in the log, but not as safely as was asked for, or nobody knows: who waits for it is told so.
    ///
    /// With NOT_ENOUGH_REPLICAS_AFTER_APPEND the high watermark has passed it, so it counts. With any other error it is
    /// left to the next commitment, or to the loss of leadership.
    package mutating func unconfirmed(_ id: WriteID, _ error: ErrorCode, at time: CoordinatorTime) -> [GroupEffect] {
        guard let index = writes.firstIndex(where: { $0.write.id == id }) else { return [] }
        let then = writes[index].then
        writes[index].then = .nothing
        let effects = failed(then, with: error, at: time)
        return error == .notEnoughReplicasAfterAppend ? effects + committed(through: id, at: time) : effects
    }

    private mutating func succeeded(_ then: AfterCommit, at time: CoordinatorTime) -> [GroupEffect] {
        switch then {
        case .nothing: []
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
        case .nothing: return []
        case .several(let all): return all.flatMap { failed($0, with: error, at: time) }
        case .reply(let ticket, let reply):
            var isOffsetCommit = false
            if case .offsetCommit = reply { isOffsetCommit = true }
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

    /// Leadership is lost: every request that waits is sent to look for the coordinator. The shard is of no use after.
    package mutating func fail() -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for write in writes { effects += write.then.replies.map { .reply($0, $1.failed(with: .notCoordinator)) } }
        writes = []
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
