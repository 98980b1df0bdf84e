import Primitives

/// Every write of a history with what became of it.
struct WriteTable {
    /// Whether a write is in the log.
    enum Standing: Hashable {
        case committed
        case aborted
        /// Nobody heard of it, and nobody read it.
        case unknown
    }

    struct Write {
        let operation: Int32
        let key: Int32
        let value: Int64
        var standing: Standing
        /// Where the answer or a reader says it stands.
        var offset: Offset?
        /// The line that says so; that of the operation where none does.
        var line: Int32
        /// The first line of a reader.
        var seenOn: Int32?
    }

    /// A value at an offset that its write does not account for.
    struct Stray {
        let key: Int32
        let value: Int64
        let offset: Offset
        let write: Int32?
        let line: Int32
    }

    private struct Name: Hashable {
        let key: Int32
        let value: Int64
    }

    private(set) var writes: [Write] = []
    private(set) var strays: [Stray] = []
    private var numbers: [Name: Int32] = [:]
    /// The greatest offset that was read of each key, with its line.
    private(set) var highestRead: [(offset: Offset, line: Int32)?]

    /// - Errors: a value that is written to its key twice.
    init(_ history: History) throws(HistoryError) {
        highestRead = Array(repeating: nil, count: history.keys.count)
        writes.reserveCapacity(history.items.count / 2)
        for index in history.operations.indices { try addWrites(of: index, history) }
        let proved = addReads(history)
        for index in writes.indices where proved.contains(writes[index].operation) {
            writes[index].standing = .committed
        }
    }

    /// The write of this value; nil if nobody wrote it.
    func number(key: Int32, value: Int64) -> Int32? { numbers[Name(key: key, value: value)] }

    private mutating func addWrites(of index: Int, _ history: History) throws(HistoryError) {
        let operation = history.operations[index]
        for item in history.items(of: operation) {
            guard case .write(let fate) = item.role else { continue }
            let number = Int32(writes.count)
            let name = Name(key: item.key, value: item.value)
            if let earlier = numbers.updateValue(number, forKey: name) {
                throw HistoryError(
                    line: Int(operation.invokedOn),
                    "\(item.value) is written to \(history.keys[Int(item.key)]) again; line "
                        + "\(history.operations[Int(writes[Int(earlier)].operation)].invokedOn) wrote it already",
                    remedy: "use every value once for each key, also when a client tries again")
            }
            let (standing, offset) = WriteTable.standing(operation, fate)
            writes.append(
                Write(
                    operation: Int32(index), key: item.key, value: item.value, standing: standing, offset: offset,
                    line: operation.completedOn))
        }
    }

    private static func standing(
        _ operation: History.Operation, _ fate: HistoryEvent.Fate
    ) -> (Standing, Offset?) {
        let whole: Standing =
            switch operation.outcome {
            case .ok: .committed
            case .failed: .aborted
            case .unknown: .unknown
            }
        switch fate {
        case .asOperation: return (whole, nil)
        case .acknowledged(let offset): return (operation.kind == .txn ? whole : .committed, offset)
        case .unknown: return (.unknown, nil)
        case .failed: return (.aborted, nil)
        }
    }

    /// Notes who read what; returns the transactions without an answer that are proved by a reader.
    private mutating func addReads(_ history: History) -> Set<Int32> {
        var proved: Set<Int32> = []
        for operation in history.operations {
            for item in history.items(of: operation) {
                guard case .read(let offset) = item.role else { continue }
                let line = operation.completedOn
                let highest = highestRead[Int(item.key)]
                if highest.map({ offset > $0.offset }) ?? true { highestRead[Int(item.key)] = (offset, line) }
                guard let number = number(key: item.key, value: item.value) else {
                    addStray(item, offset, nil, line)
                    continue
                }
                let index = Int(number)
                if writes[index].seenOn == nil { writes[index].seenOn = line }
                if writes[index].standing == .unknown {
                    writes[index].standing = .committed
                    if history.operations[Int(writes[index].operation)].kind == .txn {
                        proved.insert(writes[index].operation)
                    }
                }
                if let known = writes[index].offset {
                    if known != offset { addStray(item, offset, number, line) }
                } else {
                    writes[index].offset = offset
                    writes[index].line = line
                }
            }
        }
        return proved
    }

    private mutating func addStray(_ item: History.Item, _ offset: Offset, _ write: Int32?, _ line: Int32) {
        strays.append(Stray(key: item.key, value: item.value, offset: offset, write: write, line: line))
    }
}
