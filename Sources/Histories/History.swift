import Primitives

/// A history, checked for its form and packed: operations in the order in which they began, each with its end.
///
/// Takes 56 bytes for each operation and 40 for each of its writes and reads.
package struct History: Sendable {
    /// How an operation ended.
    package enum Outcome: Hashable, Sendable {
        case ok
        case failed
        case unknown
    }

    /// What an item of an operation is.
    enum Role: Hashable, Sendable {
        case write(HistoryEvent.Fate)
        case read(at: Offset)
        case key
    }

    struct Item: Sendable {
        let key: Int32
        let value: Int64
        let role: Role
    }

    struct Operation: Sendable {
        let process: Int32
        let kind: HistoryEvent.Kind
        var outcome: Outcome
        let invokedAt: Int64
        /// Nil while there is no answer.
        var completedAt: Int64?
        let invokedOn: Int32
        /// The line of the completion; that of the invocation where there is none.
        var completedOn: Int32
        var items: Range<Int32>
    }

    var operations: [Operation] = []
    var items: [Item] = []
    /// The names of keys, by their numbers.
    package internal(set) var keys: [String] = []
    package internal(set) var lineCount = 0

    /// How many operations there are.
    package var operationCount: Int { operations.count }

    func items(of operation: Operation) -> ArraySlice<Item> {
        items[Int(operation.items.lowerBound)..<Int(operation.items.upperBound)]
    }
}
