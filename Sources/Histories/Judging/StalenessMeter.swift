import Primitives

/// Measures how far behind the present polls were: at least the time between the moment at which a record beyond the
/// poll was known to exist and the moment at which the poll began.
///
/// Only consumers that had caught up once since they took the partition count: the others are on their way.
struct StalenessMeter {
    /// The greatest lag that was found.
    struct Worst {
        var microseconds: Int64
        var line: Int32
        var key: Int32
    }

    private struct Reader {
        var position = Offset.zero
        var hasCaughtUp = false
    }

    /// Key → moments at which its known end grew: both numbers ascend.
    private var frontiers: [[(time: Int64, highest: Offset)]]
    /// Process → the keys that it reads.
    private var readers: [Int32: [Int32: Reader]] = [:]
    private var worst: Worst?

    private init(keyCount: Int) { frontiers = Array(repeating: [], count: keyCount) }

    static func worst(_ history: History, byLine: [Int32?]) -> Worst? {
        var meter = StalenessMeter(keyCount: history.keys.count)
        for (line, number) in byLine.enumerated() {
            guard let number, history.operations[Int(number)].completedOn == Int32(line) else { continue }
            meter.end(history.operations[Int(number)], history)
        }
        return meter.worst
    }

    private mutating func end(_ operation: History.Operation, _ history: History) {
        let items = history.items(of: operation)
        switch operation.kind {
        case .assign, .subscribe:
            readers[operation.process] = Dictionary(
                items.map { ($0.key, Reader()) }, uniquingKeysWith: { first, _ in first })
        case .crash: readers[operation.process] = nil
        case .poll, .txn, .send:
            guard let completedAt = operation.completedAt, operation.outcome == .ok else { return }
            for item in items {
                switch item.role {
                case .write(.acknowledged(let offset)): learn(item.key, offset, completedAt)
                case .read(let offset):
                    learn(item.key, offset, completedAt)
                    readers[operation.process]?[item.key]?.position = Offset(offset.value + 1)
                case .write, .key: break
                }
            }
            if operation.kind != .send { measure(operation) }
        case .drain: break
        }
    }

    private mutating func learn(_ key: Int32, _ offset: Offset, _ time: Int64) {
        if let last = frontiers[Int(key)].last, last.highest >= offset { return }
        frontiers[Int(key)].append((time, offset))
    }

    private mutating func measure(_ operation: History.Operation) {
        guard let keys = readers[operation.process] else { return }
        for (key, reader) in keys.sorted(by: { $0.key < $1.key }) {
            let known = knownSince(key, reader.position)
            guard let known, known < operation.invokedAt else {
                readers[operation.process]?[key]?.hasCaughtUp = true
                continue
            }
            let lag = operation.invokedAt - known
            if reader.hasCaughtUp, lag > worst?.microseconds ?? 0 {
                worst = Worst(microseconds: lag, line: operation.completedOn, key: key)
            }
        }
    }

    /// Since when a record at or above `position` is known; nil if none is.
    private func knownSince(_ key: Int32, _ position: Offset) -> Int64? {
        let frontier = frontiers[Int(key)]
        var low = 0
        var high = frontier.count
        while low < high {
            let middle = (low + high) / 2
            if frontier[middle].highest < position { low = middle + 1 } else { high = middle }
        }
        return low < frontier.count ? frontier[low].time : nil
    }
}
