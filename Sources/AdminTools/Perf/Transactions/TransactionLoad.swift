import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol
import World

/// One producer that sends the same batches again and again; with a transactional id each time in a transaction of its
/// own, by the protocol of `transaction.version` 2.
struct TransactionLoad: Sendable {
    private let cluster: ClusterClient
    private let place: TopicPartition
    private let batches: [RecordBatchBuilder]
    private let transactionalID: String?
    private var coordinator: BrokerID?
    private var producer = ProducerID(-1)
    private var epoch = ProducerEpoch(0)
    private var sequence: Int32 = 0

    /// The last version of Produce with topic names; those from it on add partitions to transactions.
    private static let produceVersion: Int16 = 12
    /// Pause before what the cluster is not ready for is asked again.
    private static let retryMilliseconds: Int64 = 2
    private static let attemptsMax = 5_000
    private static let timeoutMilliseconds: Int32 = 60_000

    init(cluster: ClusterClient, place: TopicPartition, batches: [RecordBatchBuilder], transactionalID: String?) {
        self.cluster = cluster
        self.place = place
        self.batches = batches
        self.transactionalID = transactionalID
    }

    /// The connections of one producer: the answers on one leave in the order of their requests, and one may wait.
    static func client(_ connection: ConnectionOptions, topic: String) async throws -> ClusterClient {
        let client = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await client.refresh(topics: [topic])
        return client
    }

    /// Records of noise, without the stamp of a producer.
    static func records(_ count: Int, bytes: Int, now: Timestamp) -> RecordBatchBuilder {
        var noise = SeededGenerator(seed: 1)
        var builder = RecordBatchBuilder()
        for _ in 0..<count {
            let value = Bytes((0..<bytes).map { _ in UInt8(truncatingIfNeeded: noise.next()) })
            builder.append(timestamp: now, key: nil, value: value)
        }
        return builder
    }

    /// Gets the producer's id.
    mutating func begin() async throws {
        if let transactionalID { coordinator = try await findCoordinator(transactionalID) }
        var request = InitProducerIdRequest()
        request.transactionalID = transactionalID
        request.transactionTimeoutMilliseconds = TransactionLoad.timeoutMilliseconds
        let (asked, coordinator) = (request, coordinator)
        let response = try await insist { cluster in
            let response = try await cluster.send(asked, to: coordinator.map { .broker($0) } ?? .anyBroker)
            return (response, response.errorCode)
        }
        (producer, epoch, sequence) = (response.producerID, response.producerEpoch, 0)
    }

    /// Sends all batches so many times, one after the other; a report's latency is that of all with their commit.
    func run(count: Int) async throws -> LaneReport {
        var load = self
        var report = LaneReport()
        for _ in 0..<count {
            let start = cluster.runtime.clock.now
            for batch in load.batches { report.bytes += try await load.produce(batch) }
            if load.transactionalID != nil { try await load.commit() }
            report.requests += 1
            report.latencies.append(cluster.runtime.clock.now.value - start.value)
        }
        return report
    }

    /// Sends one batch; gives its bytes.
    mutating func produce(_ records: RecordBatchBuilder) async throws -> Int {
        var builder = records
        builder.producer = BatchProducer(id: producer, epoch: epoch, baseSequence: sequence)
        builder.isTransactional = transactionalID != nil
        let batch = builder.finish()
        var request = ProduceLoad.request(place: place, batch: batch, acks: -1)
        request.transactionalID = transactionalID
        guard let leader = cluster.view.partition(place)?.leader else {
            throw ToolFailure("Partition \(place) has no leader")
        }
        let asked = request
        _ = try await insist { cluster in
            let response = try await cluster.send(asked, to: .broker(leader), upTo: TransactionLoad.produceVersion)
            return (response, response.responses.first?.partitionResponses.first?.errorCode ?? .unknownServerError)
        }
        sequence = Int32((Int64(sequence) + Int64(records.count)) & 0x7fff_ffff)
        return batch.count
    }

    /// Ends the transaction; the producer goes on in the epoch that the coordinator answers with.
    mutating func commit() async throws {
        guard let coordinator else { return }
        var request = EndTxnRequest()
        request.transactionalID = transactionalID ?? ""
        (request.producerID, request.producerEpoch, request.committed) = (producer, epoch, true)
        let asked = request
        let response = try await insist { cluster in
            let response = try await cluster.send(asked, to: .broker(coordinator))
            return (response, response.errorCode)
        }
        guard response.producerID.value >= 0 else {
            throw ToolFailure("The cluster has not finalized transaction.version 2")
        }
        (producer, epoch, sequence) = (response.producerID, response.producerEpoch, 0)
    }

    private func findCoordinator(_ id: String) async throws -> BrokerID {
        var request = FindCoordinatorRequest()
        (request.keyType, request.coordinatorKeys) = (1, [id])
        let asked = request
        let response = try await insist { cluster in
            let response = try await cluster.send(asked, to: .anyBroker)
            return (response, response.coordinators.first?.errorCode ?? .coordinatorNotAvailable)
        }
        return response.coordinators[0].nodeID
    }

    /// Asks until the answer is not that the cluster is busy with it or not ready yet.
    private func insist<Response: Sendable>(
        _ ask: @Sendable (ClusterClient) async throws -> (Response, ErrorCode)
    ) async throws -> Response {
        for _ in 0..<TransactionLoad.attemptsMax {
            let (response, error) = try await ask(cluster)
            switch error {
            case .noError: return response
            case .concurrentTransactions, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator:
                await cluster.runtime.sleep(milliseconds: TransactionLoad.retryMilliseconds)
            default: throw ClientError(code: error)
            }
        }
        throw ToolFailure("The cluster was not ready in time")
    }
}
