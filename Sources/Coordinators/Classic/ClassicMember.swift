package import Primitives
import WireMessages

/// One way to share partitions out that a member knows, with what it tells the leader about itself.
package struct MemberProtocol: Hashable, Sendable {
    package let name: String
    package let metadata: Bytes
}

/// The request of a member that waits for its answer.
enum ParkedRequest: Hashable, Sendable {
    case nothing
    case join(Ticket)
    case sync(Ticket)
}

/// A member of a classic group.
struct ClassicMember: Hashable, Sendable {
    var id: String
    /// `group.instance.id`; nil for a dynamic member.
    let instanceID: String?
    let clientID: String
    let clientHost: String
    var rebalanceTimeoutMilliseconds: Int32
    var sessionTimeoutMilliseconds: Int32
    var protocols: [MemberProtocol]
    /// What the leader gave it in the present generation.
    var assignment: Bytes = .empty
    var parked: ParkedRequest = .nothing
    /// True until its first join is answered: it has no id to send heartbeats with, so its join is timed instead.
    var isNew = false
    /// True once it has asked for its assignment of the present generation.
    var hasSynced = true
    /// When it is removed unless it is heard of; nil while a parked request answers for it.
    var sessionDeadline: MonotonicInstant?

    var isAwaitingJoin: Bool {
        if case .join = parked { true } else { false }
    }

    var isAwaitingSync: Bool {
        if case .sync = parked { true } else { false }
    }

    func metadata(of protocolName: String) -> Bytes? { protocols.first { $0.name == protocolName }?.metadata }

    /// How long its session was, in words for the timeline.
    var sessionText: String {
        isNew
            ? "its join was not taken up again" : "not heard of for session.timeout.ms=\(sessionTimeoutMilliseconds)"
    }

    /// Starts its session anew.
    mutating func heard(at now: MonotonicInstant) {
        sessionDeadline = now.advanced(byMilliseconds: Int64(sessionTimeoutMilliseconds))
    }
}

extension Bytes {
    /// A copy that does not keep the request's whole frame alive.
    var detached: Bytes { Bytes(array) }
}
