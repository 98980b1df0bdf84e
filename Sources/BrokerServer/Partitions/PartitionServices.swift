import LogStorage
import Metadata
package import Primitives
import Replication
import Synchronization
package import World

/// What partitions need from the rest of the broker.
package final class PartitionServices: Sendable {
    package let me: BrokerID
    let clock: any Clock
    let files: any FileStore
    /// Where work waits for one log directory.
    let disks: DataDisks
    /// Where retries wait.
    let timers: any Loop
    /// Where waits of less than a millisecond end: no disk holds these loops up.
    private let fineTimers: [any Loop]
    let isrChanges: AlterPartitionSender
    let followers: any FollowerControl
    /// When a controller last answered this broker.
    let contact: ControllerContact
    let traffic = TrafficLedger()
    let throttles = ReplicationThrottles()
    /// Nil where nobody asks in which directory a replica lies.
    let directoryAssignments: DirectoryAssignments?
    let whenLogFails: @Sendable (LogFailure) -> Void
    /// Who attends to damaged logs; set once.
    let damageDesk = DamageDesk()
    let whenHighWatermarkMoves: @Sendable (Partition, Offset) -> Void

    package init(
        me: BrokerID, world: World, isrChanges: AlterPartitionSender, followers: any FollowerControl,
        directoryAssignments: DirectoryAssignments? = nil, contact: ControllerContact = ControllerContact(),
        whenLogFails: @escaping @Sendable (LogFailure) -> Void,
        whenHighWatermarkMoves: @escaping @Sendable (Partition, Offset) -> Void
    ) {
        self.me = me
        clock = world.clock
        files = world.files
        disks = DataDisks(world)
        timers = world.controlLoop
        fineTimers = world.loops
        self.isrChanges = isrChanges
        self.followers = followers
        self.directoryAssignments = directoryAssignments
        self.contact = contact
        self.whenLogFails = whenLogFails
        self.whenHighWatermarkMoves = whenHighWatermarkMoves
    }

    /// The loop on which a partition's group of batches is looked at in time.
    func groupTimers(_ partition: TopicPartitionID) -> any Loop {
        fineTimers[Int(partition.index.value) % fineTimers.count]
    }

    func logFailed(_ failure: LogFailure) { whenLogFails(failure) }

    func damageFound(_ partition: Partition) { damageDesk.table?.damageFound(partition) }

    func indexesRebuilt(_ path: String) { damageDesk.table?.indexesRebuilt(path) }

    func highWatermarkMoved(_ partition: Partition, _ offset: Offset) { whenHighWatermarkMoves(partition, offset) }
}

/// Where partitions report what they find damaged.
final class DamageDesk: Sendable {
    private struct Held { weak var table: PartitionTable? }

    private let held = Mutex(Held())

    var table: PartitionTable? { held.withLock { $0.table } }

    func serve(_ table: PartitionTable) { held.withLock { $0.table = table } }
}

/// Who fetches for the partitions that this broker follows.
package protocol FollowerControl: AnyObject, Sendable {
    /// Begins to fetch from `leader`, or goes on with a new leader or epoch.
    func follow(_ partition: Partition, leader: BrokerID)
    /// Stops; a reply that is on its way is ignored.
    func unfollow(_ partition: Partition)
    /// A flush is done: a follower of a topic that flushes on acknowledgement may fetch from its new end.
    func flushed(_ partition: Partition)
}
