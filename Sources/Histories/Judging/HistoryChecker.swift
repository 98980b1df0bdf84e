import Primitives

/// Judges a history: whether any log that keeps Kafka's promises could have answered so.
///
/// Time and memory grow with the number of writes and reads, but for a logarithm: a million operations take seconds
/// and some hundred bytes each.
package enum HistoryChecker {
    /// - Errors: a value that was written twice, so that nobody can tell its reads apart.
    package static func check(_ history: History) throws(HistoryError) -> Verdict {
        var findings = Findings()
        let table = try WriteTable(history)
        let orders = VersionOrders(history, table, &findings)
        let values = ValueRules(history: history, table: table)
        values.judge(&findings)
        var polls = PollOrder(history: history, orders: orders)
        polls.judge(&findings)
        var sends = SendOrder(history: history, table: table, orders: orders)
        sends.judge(&findings)
        let byLine = operationsByLine(history)
        CycleSearch(history: history, table: table, orders: orders, byLine: byLine).judge(&findings)
        var figures = figures(history, table)
        if let worst = StalenessMeter.worst(history, byLine: byLine) {
            figures.worstLagMicroseconds = worst.microseconds
            figures.worstLagLine = Int(worst.line)
        }
        return Verdict(figures: figures, findings, undrainedKeys: values.undrainedKeys())
    }

    /// Line → the operation that begins or ends there.
    private static func operationsByLine(_ history: History) -> [Int32?] {
        var byLine = [Int32?](repeating: nil, count: history.lineCount + 1)
        for (index, operation) in history.operations.enumerated() {
            byLine[Int(operation.invokedOn)] = Int32(index)
            byLine[Int(operation.completedOn)] = Int32(index)
        }
        return byLine
    }

    private static func figures(_ history: History, _ table: WriteTable) -> Verdict.Figures {
        var figures = Verdict.Figures()
        figures.operations = history.operations.count
        figures.processes = Set(history.operations.map(\.process)).count
        figures.keys = history.keys.count
        let ends = history.operations.map { $0.completedAt ?? $0.invokedAt }
        figures.durationMicroseconds = (ends.max() ?? 0) - (history.operations.first?.invokedAt ?? 0)
        for write in table.writes {
            switch write.standing {
            case .committed: figures.committedWrites += 1
            case .unknown: figures.unknownWrites += 1
            case .aborted: figures.failedWrites += 1
            }
        }
        figures.reads = history.items.count { if case .read = $0.role { true } else { false } }
        return figures
    }
}
