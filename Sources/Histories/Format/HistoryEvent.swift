package import Primitives

/// One line of a history: a client begins an operation, or learns how it ended.
///
/// A *process* is one client: a producer and a consumer that do one operation at a time. A key is one partition, named
/// as `orders-0`. Values are unique within their key over the whole history, whatever is sent again.
package struct HistoryEvent: Hashable, Sendable {
    /// The beginning of an operation or its end.
    package enum Phase: String, Hashable, Sendable, CaseIterable {
        case invoke
        /// It happened.
        case ok
        /// It did not happen and never will.
        case fail
        /// It may have happened, or may happen yet: no answer, or one that leaves it open.
        case unknown
    }

    /// What the client does.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Writes, each for itself.
        case send
        /// Reads what comes next.
        case poll
        /// Writes and reads that happen as one or not at all.
        case txn
        /// Takes partitions by hand; reading starts anew.
        case assign
        /// Takes partitions as a group says; reading starts anew, and again at every rebalance.
        case subscribe
        /// The client is gone; the next operation of this process is that of a new one.
        case crash
        /// The client has read these keys from their start to their end, after the last write has ended.
        case drain

        /// Whether it takes one line, `ok`, as it has no duration that matters.
        package var mayBeOneLine: Bool {
            switch self {
            case .assign, .subscribe, .crash, .drain: true
            case .send, .poll, .txn: false
            }
        }
    }

    /// How a single write of a `send` ended, where it ended differently from the operation or its place is known.
    package enum Fate: Hashable, Sendable {
        /// As the operation.
        case asOperation
        case acknowledged(at: Offset)
        case unknown
        case failed
    }

    /// One write, one read or one key of an operation.
    package enum Item: Hashable, Sendable {
        case write(key: String, value: Int64, Fate)
        case read(key: String, value: Int64, at: Offset)
        case key(String)
    }

    /// Since any moment, the same for all clients; never goes back from line to line.
    package var timeMicroseconds: Int64
    package var process: Int32
    package var phase: Phase
    package var kind: Kind
    package var items: [Item]

    package init(
        timeMicroseconds: Int64, process: Int32, _ phase: Phase, _ kind: Kind, _ items: [Item] = []
    ) {
        self.timeMicroseconds = timeMicroseconds
        self.process = process
        self.phase = phase
        self.kind = kind
        self.items = items
    }
}
