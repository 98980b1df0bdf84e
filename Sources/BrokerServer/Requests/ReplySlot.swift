import Synchronization
package import WireProtocol
package import World

/// What a request ends in.
package enum ReplyOutcome: Sendable {
    /// A whole frame, length and header included.
    case segments([Segment])
    case nothing
    case close

    /// Bytes that leave.
    var byteCount: Int {
        guard case .segments(let segments) = self else { return 0 }
        return segments.byteCount
    }
}

extension [Segment] {
    /// Bytes of all of them. Each is looked at where it lies: a copy of one counts two references.
    var byteCount: Int {
        var sum = 0
        for index in indices { sum += self[index].count }
        return sum
    }
}

/// Who takes the outcomes of requests and puts them in order.
package protocol ReplyReceiver: AnyObject, Sendable {
    /// Called once for each slot, on whichever thread the answer was given.
    func requestEnded(sequence: UInt64, _ outcome: ReplyOutcome)
}

/// A request's place in the order of a connection's answers.
package final class ReplySlot: Sendable {
    package let header: RequestHeader
    /// Counts the requests of the connection.
    package let sequence: UInt64
    private let receiver: any ReplyReceiver
    private let isAnswered = Atomic(false)

    package init(header: RequestHeader, sequence: UInt64, receiver: any ReplyReceiver) {
        self.header = header
        self.sequence = sequence
        self.receiver = receiver
    }

    deinit {
        if !isAnswered.load(ordering: .relaxed) { receiver.requestEnded(sequence: sequence, .close) }
    }

    /// Ends the request; answering twice is a bug.
    package func complete(_ outcome: ReplyOutcome) {
        let wasAnswered = isAnswered.exchange(true, ordering: .relaxed)
        precondition(!wasAnswered, "a request was answered twice")
        receiver.requestEnded(sequence: sequence, outcome)
    }
}
