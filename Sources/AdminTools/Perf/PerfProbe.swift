import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// Produces single records, one after the other, and follows the leader wherever it goes: what a failover costs.
struct PerfProbe {
    let cluster: ClusterClient
    let place: TopicPartition
    private let batch: Bytes

    /// The wait between two attempts that failed.
    private static let retryMilliseconds: Int64 = 2
    /// Time for one attempt.
    private static let attemptMilliseconds: Int64 = 5_000

    init(_ cluster: ClusterClient, place: TopicPartition) {
        self.cluster = cluster
        self.place = place
        batch = ProduceLoad.batch(batchBytes: 1, recordBytes: 100, now: cluster.runtime.clock.timeOfDay)
    }

    /// The broker that leads, as far as is known.
    var leader: BrokerID? { cluster.view.partition(place)?.leader }

    /// One acks=all produce; true when it is acknowledged.
    func produceOnce() async -> Bool {
        guard let leader else { return false }
        let request = ProduceLoad.request(place: place, batch: batch, acks: -1)
        guard
            let response = try? await cluster.send(
                request, to: .broker(leader), upTo: ProduceLoad.version,
                timeoutMilliseconds: PerfProbe.attemptMilliseconds)
        else { return false }
        return response.responses.first?.partitionResponses.first?.errorCode == .noError
    }

    /// Tries, asking for the leader anew each time, until a record is acknowledged; returns the instant of it.
    ///
    /// - Errors: `limit` has passed.
    func produceUntilAcknowledged(before limit: MonotonicInstant) async throws -> MonotonicInstant {
        while true {
            if await produceOnce() { return cluster.runtime.clock.now }
            guard cluster.runtime.clock.now < limit else { throw ToolFailure("No acknowledgement in time") }
            await cluster.runtime.sleep(milliseconds: PerfProbe.retryMilliseconds)
            _ = try? await cluster.refresh(topics: [place.topic])
        }
    }
}
