import Primitives

/// The rules about the order of reads: a consumer reads a key without gaps and never goes back.
struct PollOrder {
    /// What a consumer has read last of one key.
    private struct Position {
        let rank: Int
        let line: Int32
        let generation: Int
    }

    private struct Place: Hashable {
        let process: Int32
        let key: Int32
    }

    private struct Consumer {
        /// Grows where reading starts anew.
        var generation = 0
        /// A group may take partitions away and give them back at any time.
        var isSubscribed = false
    }

    let history: History
    let orders: VersionOrders
    private var consumers: [Int32: Consumer] = [:]
    private var positions: [Place: Position] = [:]

    init(history: History, orders: VersionOrders) {
        self.history = history
        self.orders = orders
    }

    mutating func judge(_ findings: inout Findings) {
        for operation in history.operations {
            switch operation.kind {
            case .assign, .subscribe, .crash:
                consumers[operation.process, default: Consumer()].generation += 1
                consumers[operation.process]?.isSubscribed = operation.kind == .subscribe
            case .poll, .txn:
                judge(operation, &findings)
                // Nobody knows where the consumer stands after a poll without an answer; after a transaction that was
                // given up it goes back.
                if operation.outcome != .ok { consumers[operation.process, default: Consumer()].generation += 1 }
            case .send, .drain: break
            }
        }
    }

    private mutating func judge(_ operation: History.Operation, _ findings: inout Findings) {
        let consumer = consumers[operation.process] ?? Consumer()
        let isFresh = operation.outcome == .ok
        for item in history.items(of: operation) {
            guard case .read(let offset) = item.role, let rank = orders.rank(key: item.key, offset: offset) else {
                continue
            }
            let place = Place(process: operation.process, key: item.key)
            if let last = positions[place], last.generation == consumer.generation {
                let isInside = last.line == operation.completedOn
                if isInside || isFresh { compare(last, rank, item, operation, consumer, isInside, &findings) }
            }
            positions[place] = Position(
                rank: rank, line: operation.completedOn, generation: consumer.generation)
        }
    }

    private func compare(
        _ last: Position, _ rank: Int, _ item: History.Item, _ operation: History.Operation, _ consumer: Consumer,
        _ isInside: Bool, _ findings: inout Findings
    ) {
        if rank == last.rank + 1 { return }
        let versions = orders.versions[Int(item.key)]
        let (before, now) = (versions[last.rank], versions[rank])
        let key = history.keys[Int(item.key)]
        let how = isInside ? "within one poll" : "between two polls"
        let isAllowed = !isInside && consumer.isSubscribed
        if rank <= last.rank {
            findings.add(
                isInside ? .nonmonotonicPollInside : .nonmonotonicPoll, isAllowed: isAllowed,
                lines: [last.line, operation.completedOn],
                "process \(operation.process) read \(key) offset \(before.offset) (line \(last.line)) and then "
                    + "\(now.offset) (line \(operation.completedOn)), \(how)")
        } else {
            let skipped = versions[last.rank + 1]
            findings.add(
                isInside ? .pollSkipInside : .pollSkip, isAllowed: isAllowed,
                lines: [last.line, operation.completedOn, skipped.line],
                "process \(operation.process) read \(key) offset \(before.offset) (line \(last.line)) and then "
                    + "\(now.offset) (line \(operation.completedOn)), \(how), and left out \(rank - last.rank - 1) "
                    + "values, such as \(skipped.value) at \(skipped.offset) (line \(skipped.line))")
        }
    }
}
