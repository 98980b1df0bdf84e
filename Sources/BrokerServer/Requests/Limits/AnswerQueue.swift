import Primitives
import World

/// What is known of the answers of one connection that its client has not taken yet.
///
/// Asking the link costs something: it is asked only after enough was sent that it could be congested.
struct AnswerQueue {
    /// A congested client that takes less than this in the time it is given counts as one that takes nothing.
    static let movedBytesMin = 10 << 10

    /// More than the link's limit was queued when it was last looked at.
    private(set) var isCongested = false
    /// Bytes sent since the queue was last seen to be short.
    private var sentBytes = 0
    /// Of these, bytes in memory and not in files.
    private var sentMemoryBytes = 0
    private var queuedBytes = 0
    private var queuedAtCheck = 0

    /// Whether enough was sent that the queue could be long.
    var mayBeCongested: Bool { isCongested || sentBytes > LinkQueue.lowBytes }

    /// Memory that the client makes the node hold by not reading.
    var untakenBytes: Int { isCongested ? min(queuedBytes, sentMemoryBytes) : 0 }

    mutating func sent(_ segments: [Segment]) {
        for segment in segments {
            sentBytes += segment.count
            if case .bytes(let bytes) = segment { sentMemoryBytes += bytes.count }
        }
    }

    /// Takes note of how long the queue is; true where it has just become too long.
    mutating func look(queuedBytes: Int) -> Bool {
        let wasCongested = isCongested
        self.queuedBytes = queuedBytes
        isCongested = queuedBytes > LinkQueue.highBytes
        if isCongested, !wasCongested { queuedAtCheck = queuedBytes }
        if !isCongested { (sentBytes, sentMemoryBytes) = (0, queuedBytes) }
        return isCongested && !wasCongested
    }

    /// Whether the client took something since this was last asked.
    mutating func hasMoved(queuedBytes: Int) -> Bool {
        defer { queuedAtCheck = queuedBytes }
        return queuedAtCheck - queuedBytes >= AnswerQueue.movedBytesMin
    }
}
