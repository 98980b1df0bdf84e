import Primitives

/// The rules about single values: each stands once, is not lost, and nothing is read that was not written.
struct ValueRules {
    let history: History
    let table: WriteTable

    func judge(_ findings: inout Findings) {
        findStrays(&findings)
        findLost(&findings)
        findTorn(&findings)
        findAbortedReads(&findings)
        findPrecommittedReads(&findings)
    }

    private func name(_ key: Int32) -> String { history.keys[Int(key)] }

    private func findStrays(_ findings: inout Findings) {
        struct Place: Hashable {
            let write: Int32
            let offset: Offset
        }
        var known: Set<Place> = []
        for stray in table.strays {
            guard let number = stray.write else {
                findings.add(
                    .phantomRead, lines: [stray.line],
                    "\(name(stray.key)) offset \(stray.offset): \(stray.value) was read (line \(stray.line)), and "
                        + "nobody wrote it")
                continue
            }
            let write = table.writes[Int(number)]
            guard let offset = write.offset, known.insert(Place(write: number, offset: stray.offset)).inserted else {
                continue
            }
            findings.add(
                .duplicate, lines: [write.line, stray.line],
                "\(name(stray.key)) value \(stray.value) stands at offset \(offset) (line \(write.line)) and at "
                    + "\(stray.offset) (line \(stray.line))")
        }
    }

    private func findLost(_ findings: inout Findings) {
        let drained = drainLines()
        for write in table.writes where write.standing == .committed {
            guard let missed = missedOn(write, drained) else { continue }
            let operation = history.operations[Int(write.operation)]
            switch missed {
            case .skipped(let offset, let highest):
                findings.add(
                    .lostWrite, lines: [operation.invokedOn, write.line, highest.line],
                    "\(name(write.key)) value \(write.value), committed at offset \(offset) (line \(write.line)), was "
                        + "never read, though offset \(highest.offset) was (line \(highest.line))")
            case .undrained(let drain):
                findings.add(
                    .unseen, lines: [operation.invokedOn, write.line, drain],
                    "\(name(write.key)) value \(write.value), committed (line \(write.line))"
                        + (write.offset.map { " at offset \($0)" } ?? "")
                        + ", was not read until the end (line \(drain))")
            }
        }
    }

    /// How a write shows that it is not there.
    private enum Missed {
        /// Somebody read what stands behind it.
        case skipped(Offset, highest: (offset: Offset, line: Int32))
        /// Its key was read whole after it had ended.
        case undrained(Int32)

        var line: Int32 {
            switch self {
            case .skipped(_, let highest): highest.line
            case .undrained(let line): line
            }
        }
    }

    /// Nil for a write that was read, or may be yet.
    private func missedOn(_ write: WriteTable.Write, _ drained: [Int32?]) -> Missed? {
        if write.seenOn != nil { return nil }
        if let offset = write.offset, let highest = table.highestRead[Int(write.key)], offset < highest.offset {
            return .skipped(offset, highest: highest)
        }
        guard let drain = drained[Int(write.key)],
            history.operations[Int(write.operation)].completedOn < drain
        else { return nil }
        return .undrained(drain)
    }

    /// All or nothing: whatever became of a transaction, no part of it is read without the rest.
    private func findTorn(_ findings: inout Findings) {
        let drained = drainLines()
        var first = 0
        while first < table.writes.count {
            let number = table.writes[first].operation
            let end = table.writes[first...].firstIndex { $0.operation != number } ?? table.writes.count
            defer { first = end }
            let operation = history.operations[Int(number)]
            guard operation.kind == .txn, let seen = table.writes[first..<end].first(where: { $0.seenOn != nil }) else {
                continue
            }
            for write in table.writes[first..<end] {
                guard let missed = missedOn(write, drained), let seenOn = seen.seenOn else { continue }
                findings.add(
                    .tornTransaction, lines: [operation.invokedOn, seenOn, missed.line],
                    "of the transaction of line \(operation.invokedOn), \(name(seen.key)) value \(seen.value) was read "
                        + "(line \(seenOn)), and \(name(write.key)) value \(write.value) never (line \(missed.line))")
                break
            }
        }
    }

    /// For each key the line on which somebody had read it whole.
    private func drainLines() -> [Int32?] {
        var lines: [Int32?] = Array(repeating: nil, count: history.keys.count)
        for operation in history.operations where operation.kind == .drain && operation.outcome == .ok {
            for item in history.items(of: operation) { lines[Int(item.key)] = operation.completedOn }
        }
        return lines
    }

    /// Keys with writes that nobody read whole: for these nothing can be said about what is unseen.
    func undrainedKeys() -> [String] {
        let drained = drainLines()
        let written = Set(table.writes.map(\.key))
        return written.sorted().filter { drained[Int($0)] == nil }.map(name)
    }

    private func findAbortedReads(_ findings: inout Findings) {
        for write in table.writes where write.standing == .aborted {
            guard let seenOn = write.seenOn else { continue }
            let failedOn = history.operations[Int(write.operation)].completedOn
            findings.add(
                .abortedRead, lines: [failedOn, seenOn],
                "\(name(write.key)) value \(write.value) was read (line \(seenOn)), though its write failed (line "
                    + "\(failedOn))")
        }
    }

    private func findPrecommittedReads(_ findings: inout Findings) {
        for (index, operation) in history.operations.enumerated() where operation.kind == .txn {
            for item in history.items(of: operation) {
                guard case .read = item.role, let number = table.number(key: item.key, value: item.value),
                    table.writes[Int(number)].operation == Int32(index)
                else { continue }
                findings.add(
                    .precommittedRead, lines: [operation.invokedOn, operation.completedOn],
                    "the transaction of line \(operation.invokedOn) read \(item.value) of \(name(item.key)), which it "
                        + "wrote itself")
            }
        }
    }
}
