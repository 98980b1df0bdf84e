/// What happens to the bytes that one node sends to another.
struct LinkRule: Hashable, Sendable {
    /// What a connection between nodes is for.
    enum Channel: Hashable, Sendable, CaseIterable {
        /// Between brokers: replication.
        case replication
        /// To a controller: heartbeats, requests, the metadata log.
        case controller
    }

    /// One direction between two nodes.
    struct Way: Hashable, Sendable {
        let from: Int
        let to: Int
        let channel: Channel
    }

    /// Nothing gets through, nor does the end of a connection; what was sent meanwhile comes late.
    var isCut = false
    var delayMilliseconds: Int64 = 0
    /// At most this much more, drawn for each piece.
    var jitterMilliseconds: Int64 = 0
    /// How many of a thousand pieces are lost and sent again by TCP, which takes `resendMilliseconds`.
    var lostPerThousand: Int64 = 0
    var bytesPerSecond: Int64?

    /// What TCP waits at least before it sends a lost segment again.
    static let resendMilliseconds: Int64 = 200
}
