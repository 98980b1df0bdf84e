package import Metadata
package import Primitives

/// Which of the recoveries that a broker witnesses its next heartbeat reports on: all of them in turn, where they are
/// more than one can carry.
///
/// - Invariant: none waits for another to be settled, and what was not answered is told again.
package struct RecoveryTurns: Sendable {
    /// Most partitions that one heartbeat reports on.
    package static let reportsMax = 500

    /// What one heartbeat tells.
    package struct Share: Hashable, Sendable {
        package let partitions: [TopicPartitionID]
        /// Exclusive: with this share, all recoveries were reported on that the metadata below it tells of.
        package let toldEnd: Offset
    }

    private var rest: ArraySlice<TopicPartitionID> = []
    private var handedOut = 0
    /// The end of the metadata when the present turn began.
    private var began = Offset.zero
    /// That of the last turn that was heard to its end.
    private var heardEnd = Offset.zero

    package init() {}

    /// - Parameter metadataEnd: exclusive: of the metadata that `recoveries` is taken from.
    package mutating func next(of recoveries: Set<TopicPartitionID>, metadataEnd: Offset) -> Share {
        if rest.isEmpty {
            rest = recoveries.sorted()[...]
            began = metadataEnd
        }
        let share = rest.prefix(RecoveryTurns.reportsMax)
        handedOut = share.count
        return Share(partitions: Array(share), toldEnd: share.count == rest.count ? began : heardEnd)
    }

    /// The controller answered the heartbeat with the last share.
    package mutating func heard() {
        rest = rest.dropFirst(handedOut)
        handedOut = 0
        if rest.isEmpty { heardEnd = began }
    }
}
