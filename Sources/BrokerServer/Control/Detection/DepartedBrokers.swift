import Metadata
import Primitives
import Synchronization
import World

/// Brokers that were fenced a moment ago.
///
/// Deviates from Kafka: Metadata goes on listing them for a moment. A client that moves a partition away from a broker
/// which vanishes from the list in the same answer can lose the partition on the way: librdkafka then asks for the
/// leader again a whole second later. A longer time would do harm: the client would go on connecting to the dead, and
/// wait longer after each failure.
final class DepartedBrokers: Sendable {
    private static let listedMilliseconds: Int64 = 1_000

    private let clock: any Clock
    private let since = Mutex<[BrokerID: MonotonicInstant]>([:])

    init(clock: any Clock) { self.clock = clock }

    /// Those who were fenced within the last second; usually none.
    var all: Set<BrokerID> {
        let now = clock.now
        return since.withLock { since in
            if since.isEmpty { return [] }
            since = since.filter { now.milliseconds(since: $0.value) < DepartedBrokers.listedMilliseconds }
            return Set(since.keys)
        }
    }

    func brokersChanged(_ brokers: [BrokerID], in image: MetadataImage) {
        let now = clock.now
        since.withLock { since in
            for broker in brokers {
                guard let registration = image.brokers[broker], registration.isFenced else {
                    // Back, or gone for good.
                    since[broker] = nil
                    continue
                }
                if since[broker] == nil { since[broker] = now }
            }
        }
    }
}
