import Primitives

/// The rules about single values: each stands once, is not lost, and nothing is read that was not written.
struct ValueRules {
    let history: History
    let table: WriteTable

    func judge(_ findings: inout Findings) {
        findStrays(&findings)
        findLost(&findings)
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
        for write in table.writes where write.standing == .committed && write.seenOn == nil {
            let operation = history.operations[Int(write.operation)]
            if let offset = write.offset, let highest = table.highestRead[Int(write.key)], offset < highest.offset {
                findings.add(
                    .lostWrite, lines: [operation.invokedOn, write.line, highest.line],
                    "\(name(write.key)) value \(write.value), committed at offset \(offset) (line \(write.line)), was "
                        + "never read, though offset \(highest.offset) was (line \(highest.line))")
            } else if let drain = drained[Int(write.key)], operation.completedOn < drain {
                findings.add(
                    .unseen, lines: [operation.invokedOn, write.line, drain],
                    "\(name(write.key)) value \(write.value), committed (line \(write.line))"
                        + (write.offset.map { " at offset \($0)" } ?? "")
                        + ", was not read until the end (line \(drain))")
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
