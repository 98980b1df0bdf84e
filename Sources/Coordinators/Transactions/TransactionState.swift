/// Where a transactional id stands, with Kafka's numbers.
package enum TransactionState: Int8, CaseIterable, Sendable {
    case empty = 0
    case ongoing = 1
    /// Decided for good, and durably: only the markers are missing (rule 28). → completeCommit.
    case prepareCommit = 2
    /// The same for an abort. → completeAbort.
    case prepareAbort = 3
    case completeCommit = 4
    case completeAbort = 5
    /// Of Kafka's log only: an id that is about to be forgotten.
    case dead = 6
    /// Of Kafka's memory only: an epoch that is bumped to abort what is open.
    case prepareEpochFence = 7

    /// As DescribeTransactions and ListTransactions call it.
    package var name: String {
        switch self {
        case .empty: "Empty"
        case .ongoing: "Ongoing"
        case .prepareCommit: "PrepareCommit"
        case .prepareAbort: "PrepareAbort"
        case .completeCommit: "CompleteCommit"
        case .completeAbort: "CompleteAbort"
        case .dead: "Dead"
        case .prepareEpochFence: "PrepareEpochFence"
        }
    }

    /// Whether markers are on their way.
    package var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }

    /// Whether the last transaction has all its markers.
    var isComplete: Bool { self == .completeCommit || self == .completeAbort }

    /// Whether nothing is open: the id may be forgotten one day.
    var isAtRest: Bool { self == .empty || isComplete }
}
