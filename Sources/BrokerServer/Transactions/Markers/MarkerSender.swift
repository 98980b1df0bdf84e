import Coordinators
import Metadata
import Primitives
import Synchronization
import WireMessages
import World

/// Sends the markers that this node's transaction coordinator owes to the leaders of partitions, itself included.
///
/// `@unchecked Sendable`: its queue is touched on its loop only.
package final class MarkerSender: @unchecked Sendable {
    /// How long a broker may take for an answer: longer than it lets a marker wait for its replicas.
    private static let timeoutMilliseconds: Int64 = 10_000

    private let broker: BrokerID
    private let writer: MarkerWriter
    private let links: BrokerLinks
    private let image: @Sendable () -> MetadataImage
    private let clock: any Clock
    private let loop: any Loop
    private let host = Mutex<TransactionCoordinatorHost?>(nil)
    private var queue = MarkerQueue()
    /// When the queue is woken; nil while no timer is set.
    private var alarm: MonotonicInstant?

    init(
        broker: BrokerID, writer: MarkerWriter, links: BrokerLinks, clock: any Clock,
        image: @escaping @Sendable () -> MetadataImage
    ) {
        self.broker = broker
        self.writer = writer
        self.links = links
        self.clock = clock
        self.image = image
        loop = links.loop
    }

    /// The coordinator that is told of what was written.
    func serve(_ coordinator: TransactionCoordinatorHost) { host.withLock { $0 = coordinator } }

    /// Where shards put their orders.
    var orders: ShardOrders<TransactionShard> {
        ShardOrders(
            take: { [self] order, leadership in
                loop.execute { [self] in
                    perform(queue.add(order, from: leadership, at: clock.now, placeOf: placeOf(image())))
                }
            },
            drop: { [self] partition in loop.execute { [self] in queue.drop(partition) } })
    }

    private func placeOf(_ image: MetadataImage) -> (TransactionPartition) -> MarkerQueue.Place {
        { partition in
            // A coordinator knows every topic that it knew when the partition was added.
            guard let found = image.topics[name: partition.topic]?[partition.index] else { return .gone }
            return found.leader.map { .leader($0) } ?? .nowhere
        }
    }

    private func perform(_ effects: [MarkerQueue.Effect]) {
        for effect in effects {
            switch effect {
            case .send(let request, let target): send(request, to: target)
            case .written(let leadership, let order, let partitions):
                let shard = host.withLock { $0 }?.shard(at: leadership.partition)
                shard?.post(in: leadership) { shard, time in shard.markersWritten(order, partitions, at: time) }
            }
        }
        arm()
    }

    private func send(_ request: WriteTxnMarkersRequest, to target: BrokerID) {
        if target == broker {
            // Not within this round: an answer that comes at once must not meet the queue while it gives out effects.
            loop.execute { [self] in
                writer.write(request) { [self] response in loop.execute { self.answered(by: target, response) } }
            }
            return
        }
        guard let connection = links.connection(to: target) else {
            return loop.execute { [self] in answered(by: target, nil) }
        }
        connection.send(request, timeoutMilliseconds: MarkerSender.timeoutMilliseconds) { [self] result in
            loop.execute { self.answered(by: target, try? result.get()) }
        }
    }

    private func answered(by target: BrokerID, _ response: WriteTxnMarkersResponse?) {
        perform(queue.answered(by: target, response, at: clock.now, placeOf: placeOf(image())))
    }

    private func arm() {
        guard let wakeAt = queue.wakeAt else { return }
        if let alarm, alarm <= wakeAt { return }
        alarm = wakeAt
        loop.schedule(afterMilliseconds: max(wakeAt.milliseconds(since: clock.now), 0) + 1) { [weak self] in
            self?.wake(wakeAt)
        }
    }

    private func wake(_ instant: MonotonicInstant) {
        guard alarm == instant else { return }
        alarm = nil
        perform(queue.wake(at: clock.now, placeOf: placeOf(image())))
    }
}
