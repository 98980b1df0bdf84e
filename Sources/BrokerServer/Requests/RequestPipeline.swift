import DequeModule
import Primitives

/// The order of one connection's requests: which may start, and whose answer may leave.
///
/// Consecutive Produce requests overlap; every other API is a barrier: it starts when all before it are answered, and
/// what follows starts when it is answered. Answers leave in the order of the requests.
///
/// `Mark` is what is remembered of a request until its answer leaves: the request itself is let go when it starts.
struct RequestPipeline<Request, Mark> {
    private struct Waiting {
        let request: Request
        let isPipelined: Bool
        let bytes: Int
        let mark: Mark
    }

    private struct Started {
        let isPipelined: Bool
        let bytes: Int
        let mark: Mark
        var outcome: ReplyOutcome?
    }

    private let requestsMax: Int
    private let bytesMax: Int
    private var waiting: Deque<Waiting> = []
    private var started: Deque<Started> = []
    /// The sequence number of the first of `started`.
    private var firstSequence: UInt64 = 0
    /// Bytes of the requests that wait or are unanswered.
    private(set) var bytes = 0

    init(requestsMax: Int, bytesMax: Int) {
        self.requestsMax = requestsMax
        self.bytesMax = bytesMax
    }

    /// Requests that have not been started.
    var waitingCount: Int { waiting.count }

    /// Neither waiting nor unanswered requests.
    var isEmpty: Bool { waiting.isEmpty && started.isEmpty }

    /// No more should be read until some are answered.
    var isFull: Bool { waiting.count + started.count >= requestsMax || bytes >= bytesMax }

    /// Adds a request behind all others.
    mutating func append(_ request: Request, isPipelined: Bool, bytes count: Int, mark: Mark) {
        waiting.append(Waiting(request: request, isPipelined: isPipelined, bytes: count, mark: mark))
        bytes += count
    }

    /// Starts a request that comes now, if none waits before it and it may start; gives its sequence number.
    mutating func startAtOnce(isPipelined: Bool, bytes count: Int, mark: Mark) -> UInt64? {
        guard waiting.isEmpty, mayStart(isPipelined: isPipelined) else { return nil }
        bytes += count
        started.append(Started(isPipelined: isPipelined, bytes: count, mark: mark))
        return firstSequence + UInt64(started.count - 1)
    }

    /// What is unanswered before a Produce request has to be Produce as well: all of it is, or it was not started.
    private func mayStart(isPipelined: Bool) -> Bool {
        started.isEmpty || (isPipelined && started.last?.isPipelined == true)
    }

    /// Starts the next request if it may start now; gives its sequence number.
    mutating func startNext() -> (request: Request, sequence: UInt64)? {
        guard let next = waiting.first, mayStart(isPipelined: next.isPipelined) else { return nil }
        waiting.removeFirst()
        started.append(Started(isPipelined: next.isPipelined, bytes: next.bytes, mark: next.mark))
        return (next.request, firstSequence + UInt64(started.count - 1))
    }

    /// Notes what a started request ended in.
    mutating func end(_ sequence: UInt64, _ outcome: ReplyOutcome) {
        precondition(sequence >= firstSequence, "a request ended after its answer left")
        started[Int(sequence - firstSequence)].outcome = outcome
    }

    /// The next outcome in the order of the requests, once it is there.
    mutating func takeNextOutcome() -> (outcome: ReplyOutcome, mark: Mark)? {
        guard let first = started.first, let outcome = first.outcome else { return nil }
        started.removeFirst()
        bytes -= first.bytes
        firstSequence += 1
        return (outcome, first.mark)
    }
}
