package import Logging
import Metadata
package import Primitives

/// Who follows which node leads the metadata quorum.
package protocol LeaderFollower: AnyObject, Sendable {
    /// Called on the control loop.
    func leaderChanged(_ leader: QuorumLeader)
}

/// What a node makes of the metadata log: it publishes what is committed and, where this node leads, runs the
/// controller on it.
///
/// `@unchecked Sendable`: touched on the control loop only.
package final class ControlPlane: MetadataLogListener, @unchecked Sendable {
    package let publisher: MetadataPublisher
    /// Nil on a node that is no controller.
    package let controller: ControllerHost?
    private var followers: [any LeaderFollower] = []
    private var hasFailed = false
    private let log: Logger
    private let fatal: @Sendable (String) -> Void

    /// - Parameter fatal: Called once when the metadata can't be applied: the node must stop.
    package init(
        publisher: MetadataPublisher, controller: ControllerHost?, log: Logger,
        fatal: @escaping @Sendable (String) -> Void
    ) {
        self.publisher = publisher
        self.controller = controller
        self.log = log
        self.fatal = fatal
    }

    /// Adds who wants to know the leader; before the quorum starts.
    package func follow(_ follower: any LeaderFollower) { followers.append(follower) }

    package func committed(_ batches: [CommittedBatch]) {
        guard !hasFailed, let end = batches.last?.endOffset else { return }
        do {
            try publisher.apply(batches)
        } catch {
            return fail(error)
        }
        // Only what is applied: a controller that begins decides by it.
        controller?.committed(upTo: end)
    }

    package func snapshotLoaded(_ snapshot: LoadedSnapshot) {
        if hasFailed { return }
        do {
            try publisher.load(snapshot)
        } catch {
            fail(error)
        }
    }

    package func becameLeader(epoch: LeaderEpoch, startOffset: Offset) {
        if hasFailed { return }
        controller?.becameLeader(epoch: epoch, startOffset: startOffset)
    }

    package func lostLeadership(epoch: LeaderEpoch) { controller?.lostLeadership(epoch: epoch) }

    package func leaderChanged(_ leader: QuorumLeader) {
        for follower in followers { follower.leaderChanged(leader) }
    }

    package func snapshotRecords() -> [Bytes]? { hasFailed ? nil : publisher.snapshotRecords() }

    private func fail(_ error: MetadataError) {
        hasFailed = true
        log.critical("committed metadata can't be applied", metadata: ["error": "\(error)"])
        fatal("committed metadata can't be applied: \(error)")
    }
}
