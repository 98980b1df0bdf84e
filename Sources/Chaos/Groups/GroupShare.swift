import MartletClient
import Primitives
import World

/// A member's side of one of the two protocols: what it is told of its partitions.
protocol GroupShare: Sendable {
    /// The name under which it commits; nil before it belongs to the group.
    var identity: (memberID: String, epoch: Int32)? { get }

    /// Whom it asks; nil where that is to be found out.
    var coordinator: BrokerID? { get set }

    /// Sends what is due to the coordinator.
    ///
    /// - Errors: no answer; it is said again the next time.
    mutating func tend() async throws(ClientError) -> [GroupChange]

    /// Leaves the group, if anybody hears it.
    func leave() async
}

/// What changed for one member.
enum GroupChange: Hashable, Sendable {
    case gained([Int32], epoch: Int32)
    /// No longer its own, since a time before; nil for now.
    case ended([Int32], at: MonotonicInstant?)
}
