import Primitives

/// The rules about the order of writes: what one producer has written stands in the order in which it wrote.
struct SendOrder {
    private struct Position {
        let rank: Int
        let operation: Int32
        let life: Int
    }

    private struct Place: Hashable {
        let process: Int32
        let key: Int32
    }

    let history: History
    let table: WriteTable
    let orders: VersionOrders
    /// Process → how often its client was replaced.
    private var lives: [Int32: Int] = [:]
    private var positions: [Place: Position] = [:]

    init(history: History, table: WriteTable, orders: VersionOrders) {
        self.history = history
        self.table = table
        self.orders = orders
    }

    mutating func judge(_ findings: inout Findings) {
        for (index, operation) in history.operations.enumerated() {
            switch operation.kind {
            case .crash: lives[operation.process, default: 0] += 1
            case .send, .txn: judge(Int32(index), operation, &findings)
            case .poll, .assign, .subscribe, .drain: break
            }
        }
    }

    /// Only writes that were acknowledged count: what has no answer may come later than what was sent after it.
    private func isAnswered(_ item: History.Item, _ operation: History.Operation) -> Bool {
        switch item.role {
        case .write(.acknowledged): operation.kind != .txn || operation.outcome == .ok
        case .write(.asOperation): operation.outcome == .ok
        case .write, .read, .key: false
        }
    }

    private mutating func judge(_ index: Int32, _ operation: History.Operation, _ findings: inout Findings) {
        let life = lives[operation.process] ?? 0
        for item in history.items(of: operation) where isAnswered(item, operation) {
            guard let number = table.number(key: item.key, value: item.value),
                let offset = table.writes[Int(number)].offset, let rank = orders.rank(key: item.key, offset: offset)
            else { continue }
            let place = Place(process: operation.process, key: item.key)
            if let last = positions[place], last.life == life { compare(last, rank, index, item, &findings) }
            positions[place] = Position(rank: rank, operation: index, life: life)
        }
    }

    private func compare(
        _ last: Position, _ rank: Int, _ index: Int32, _ item: History.Item, _ findings: inout Findings
    ) {
        let isInside = last.operation == index
        if rank == last.rank + 1 || (rank > last.rank && !isInside) { return }
        let versions = orders.versions[Int(item.key)]
        let (before, now) = (versions[last.rank], versions[rank])
        let lines = [
            history.operations[Int(last.operation)].invokedOn, history.operations[Int(index)].invokedOn,
        ]
        func text() -> String {
            "process \(history.operations[Int(index)].process) wrote \(before.value) and then \(now.value) to "
                + "\(history.keys[Int(item.key)]) (lines \(lines[0]) and \(lines[1])); they stand at "
                + "\(before.offset) and \(now.offset)"
        }
        if rank > last.rank {
            findings.add(.sendSkipInside, lines: lines, text())
        } else {
            findings.add(isInside ? .nonmonotonicSendInside : .nonmonotonicSend, lines: lines, text())
        }
    }
}
