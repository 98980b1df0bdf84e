/// Puts the events of a history together: pairs each operation's end with its beginning and refuses what can't be.
///
/// A simulator hands its events in directly; `HistoryReader` those of a text.
package struct HistoryBuilder: Sendable {
    /// What is read before we refuse: enough for a night, and memory stays below some gigabytes.
    package struct Limits: Hashable, Sendable {
        package var operationsMax = 16_000_000
        /// Writes, reads and keys of all operations together.
        package var itemsMax = 64_000_000

        package init() {}
    }

    private let limits: Limits
    private var history = History()
    private var numbers: [String: Int32] = [:]
    /// Process → the operation that it has begun.
    private var pending: [Int32: Int] = [:]
    private var lastTime = Int64.min

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Adds the next event. Its line is the one after the last, unless `line` says otherwise.
    package mutating func add(_ event: HistoryEvent, line: Int? = nil) throws(HistoryError) {
        let line = line ?? history.lineCount + 1
        history.lineCount = line
        guard event.timeMicroseconds >= lastTime else {
            throw HistoryError(
                line: line, "the time \(event.timeMicroseconds) is before \(lastTime), that of an earlier line",
                remedy: "sort the lines by time")
        }
        lastTime = event.timeMicroseconds
        try checkItems(of: event, line)
        switch event.phase {
        case .invoke: try begin(event, line)
        case .ok, .fail, .unknown: try end(event, line)
        }
    }

    /// The history; what has no end in it counts as unknown.
    package consuming func finish() -> History { history }

    private mutating func number(of key: String) -> Int32 {
        if let known = numbers[key] { return known }
        let number = Int32(history.keys.count)
        history.keys.append(key)
        numbers[key] = number
        return number
    }

    private func checkItems(of event: HistoryEvent, _ line: Int) throws(HistoryError) {
        for item in event.items {
            let isFine: Bool
            switch (event.kind, item) {
            case (.send, .write), (.poll, .read), (.txn, .write), (.txn, .read): isFine = true
            case (.assign, .key), (.subscribe, .key), (.drain, .key): isFine = true
            default: isFine = false
            }
            guard isFine else {
                throw HistoryError(
                    line: line, "\(item.word) has no place in a \(event.kind.rawValue)",
                    remedy: "send has w:, poll has r:, txn has both, assign, subscribe and drain have bare keys")
            }
            if event.phase == .invoke, item.tellsAnEnd {
                throw HistoryError(
                    line: line, "an invoke can't know what became of its writes or what it will read",
                    remedy: "leave offsets, marks and r: to the line of its end")
            }
            if event.kind == .txn, case .write(_, _, let fate) = item, fate == .unknown || fate == .failed {
                throw HistoryError(
                    line: line, "a write of a transaction has no end of its own",
                    remedy: "leave out ? and !; the whole is ok, fail or unknown")
            }
        }
    }

    private mutating func begin(_ event: HistoryEvent, _ line: Int) throws(HistoryError) {
        if let open = pending[event.process] {
            throw HistoryError(
                line: line,
                "process \(event.process) begins a \(event.kind.rawValue) while it still waits for the "
                    + "\(history.operations[open].kind.rawValue) of line \(history.operations[open].invokedOn)",
                remedy: "write how that one ended (unknown, if nobody knows), or a crash, or use a process of its own")
        }
        pending[event.process] = history.operations.count
        try append(event, .unknown, line, completedAt: nil)
    }

    private mutating func append(
        _ event: HistoryEvent, _ outcome: History.Outcome, _ line: Int, completedAt: Int64?
    ) throws(HistoryError) {
        guard history.operations.count < limits.operationsMax else {
            throw HistoryError(
                line: line, "more than \(limits.operationsMax) operations", remedy: "split the history by keys")
        }
        let items = try store(event.items, line)
        history.operations.append(
            History.Operation(
                process: event.process, kind: event.kind, outcome: outcome, invokedAt: event.timeMicroseconds,
                completedAt: completedAt, invokedOn: Int32(line), completedOn: Int32(line), items: items))
    }

    private mutating func store(_ items: [HistoryEvent.Item], _ line: Int) throws(HistoryError) -> Range<Int32> {
        guard history.items.count + items.count <= limits.itemsMax else {
            throw HistoryError(
                line: line, "more than \(limits.itemsMax) writes and reads", remedy: "split the history by keys")
        }
        let start = Int32(history.items.count)
        for item in items { history.items.append(packed(item)) }
        return start..<Int32(history.items.count)
    }

    private mutating func packed(_ item: HistoryEvent.Item) -> History.Item {
        switch item {
        case .write(let key, let value, let fate):
            History.Item(key: number(of: key), value: value, role: .write(fate))
        case .read(let key, let value, let offset):
            History.Item(key: number(of: key), value: value, role: .read(at: offset))
        case .key(let key): History.Item(key: number(of: key), value: 0, role: .key)
        }
    }

    private mutating func end(_ event: HistoryEvent, _ line: Int) throws(HistoryError) {
        let outcome: History.Outcome =
            switch event.phase {
            case .ok: .ok
            case .fail: .failed
            case .unknown, .invoke: .unknown
            }
        if event.kind == .crash {
            pending[event.process] = nil
            return try append(event, .ok, line, completedAt: event.timeMicroseconds)
        }
        guard let open = pending.removeValue(forKey: event.process) else {
            guard event.kind.mayBeOneLine else {
                throw HistoryError(
                    line: line, "process \(event.process) ends a \(event.kind.rawValue) that it never began",
                    remedy: "write its invoke before it")
            }
            return try append(event, outcome, line, completedAt: event.timeMicroseconds)
        }
        let begun = history.operations[open]
        guard begun.kind == event.kind else {
            throw HistoryError(
                line: line,
                "process \(event.process) ends a \(event.kind.rawValue), but began a \(begun.kind.rawValue) on line "
                    + "\(begun.invokedOn)",
                remedy: "end operations in the order in which they began")
        }
        try replaceItems(of: open, with: event.items, line)
        history.operations[open].outcome = outcome
        if outcome != .unknown { history.operations[open].completedAt = event.timeMicroseconds }
        history.operations[open].completedOn = Int32(line)
    }

    /// The end of an operation repeats its writes, with what became of them, and adds what was read; an end without
    /// items leaves the writes as they were.
    private mutating func replaceItems(
        of open: Int, with items: [HistoryEvent.Item], _ line: Int
    ) throws(HistoryError) {
        if items.isEmpty { return }
        let begun = history.operations[open]
        let packedItems = items.map { packed($0) }
        guard repeatsWrites(packedItems, of: begun) else {
            throw HistoryError(
                line: line, "these are not the writes of line \(begun.invokedOn), where the operation began",
                remedy: "repeat all its writes in their order, or none")
        }
        guard packedItems.count <= begun.items.count else {
            history.operations[open].items = try store(items, line)
            return
        }
        // One by one, and with no slice of them alive: a second reference would copy all items of the history.
        for (index, item) in packedItems.enumerated() { history.items[Int(begun.items.lowerBound) + index] = item }
        history.operations[open].items = begun.items.lowerBound..<begun.items.lowerBound + Int32(packedItems.count)
    }

    private func repeatsWrites(_ items: [History.Item], of begun: History.Operation) -> Bool {
        items.filter(\.isWrite).elementsEqual(
            history.items(of: begun).filter(\.isWrite), by: { $0.key == $1.key && $0.value == $1.value })
    }
}

extension History.Item {
    var isWrite: Bool { if case .write = role { true } else { false } }
}

extension HistoryEvent.Item {
    /// How an error names it.
    fileprivate var word: String {
        switch self {
        case .write(let key, let value, _): "w:\(key):\(value)"
        case .read(let key, let value, let offset): "r:\(key):\(value)@\(offset)"
        case .key(let key): "the key \(key)"
        }
    }

    /// Whether only the end of an operation can have it.
    fileprivate var tellsAnEnd: Bool {
        switch self {
        case .write(_, _, .asOperation), .key: false
        case .write, .read: true
        }
    }
}
