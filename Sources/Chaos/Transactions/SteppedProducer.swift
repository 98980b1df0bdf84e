import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol
import World

/// A producer of transactions that sends one request after the other, so that each can be held back, and a node be
/// killed before or after it. Errors are taken as Kafka's clients take them.
actor SteppedProducer {
    /// One request of a transaction.
    enum Step: String, Hashable, Sendable, CaseIterable {
        case begin = "InitProducerId"
        case addPartitions = "AddPartitionsToTxn"
        case produce = "Produce"
        case end = "EndTxn"
    }

    private static let patienceMilliseconds: Int64 = 40_000
    private static let acknowledgedByAll: Int16 = -1

    let transactionalID: String
    private let dialect: TransactionDialect
    private let timeoutMilliseconds: Int32
    private let cluster: ClusterClient
    private let admin: Admin
    private let late: LateMessages?
    private var identity: ProducerIdentity?
    /// Partition → the number of the next record.
    private var sequences: [TopicPartition: Int32] = [:]
    private var coordinator: BrokerID?
    /// Whether an attempt of the request that failed last may have arrived all the same.
    private(set) var mayHaveArrived = false

    init(
        _ transactionalID: String, _ dialect: TransactionDialect, timeoutMilliseconds: Int32,
        _ configuration: ClientConfiguration, late: LateMessages? = nil
    ) throws(ClientError) {
        self.transactionalID = transactionalID
        self.dialect = dialect
        self.timeoutMilliseconds = timeoutMilliseconds
        cluster = try ClusterClient(configuration)
        admin = Admin(cluster)
        self.late = late
    }

    nonisolated func close() { cluster.close() }

    /// Becomes the one producer of its id; what another one has open is given up.
    func begin() async throws(ClientError) {
        var request = InitProducerIdRequest()
        request.transactionalID = transactionalID
        request.transactionTimeoutMilliseconds = timeoutMilliseconds
        let response = try await ask(.begin, request, upTo: nil, of: nil) { $0.errorCode }
        adopt(response.producerID, response.producerEpoch)
    }

    /// Announces partitions, where the dialect wants that.
    func add(_ places: [TopicPartition]) async throws(ClientError) {
        guard dialect == .one, let identity else { return }
        var request = AddPartitionsToTxnRequest()
        request.v3AndBelowTransactionalID = transactionalID
        request.v3AndBelowProducerID = identity.id
        request.v3AndBelowProducerEpoch = identity.epoch
        let byTopic = Dictionary(grouping: places, by: \.topic).sorted { $0.key < $1.key }
        request.v3AndBelowTopics = byTopic.map { name, places in
            var topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic()
            topic.name = name
            topic.partitions = places.map(\.partition)
            return topic
        }
        _ = try await ask(.addPartitions, request, upTo: TransactionDialect.addVersionMax, of: nil) { response in
            let codes = response.resultsByTopicV3AndBelow.flatMap(\.resultsByPartition).map(\.partitionErrorCode)
            return codes.first { $0 != .noError } ?? .noError
        }
    }

    /// Writes records to a partition as one batch; the offset of the first one, where the answer has it.
    func produce(_ values: [[UInt8]], to place: TopicPartition) async throws(ClientError) -> Offset? {
        guard let identity else { throw ClientError(.invalid, "begin comes first") }
        let sequence = sequences[place] ?? 0
        var batch = RecordBatchBuilder(
            producer: BatchProducer(id: identity.id, epoch: identity.epoch, baseSequence: sequence),
            isTransactional: true)
        let now = cluster.runtime.clock.timeOfDay
        for value in values { batch.append(timestamp: now, key: nil, value: Bytes(value)) }
        if cluster.view.partition(place) == nil { try await cluster.refresh(topics: [place.topic]) }
        var request = ProduceQuestion.request(
            [(place: place, records: batch.finish())], acks: SteppedProducer.acknowledgedByAll,
            timeoutMilliseconds: Int32(clamping: cluster.configuration.requestTimeoutMilliseconds), view: cluster.view)
        request.transactionalID = transactionalID
        let response = try await ask(.produce, request, upTo: dialect.produceVersionMax, of: place) { response in
            response.responses.first?.partitionResponses.first?.errorCode ?? .unknownServerError
        }
        sequences[place] = sequence + Int32(values.count)
        let base = response.responses.first?.partitionResponses.first?.baseOffset
        return base.flatMap { $0.value >= 0 ? $0 : nil }
    }

    /// Commits the transaction or gives it up.
    func end(commits: Bool) async throws(ClientError) {
        guard let identity else { throw ClientError(.invalid, "begin comes first") }
        var request = EndTxnRequest()
        request.transactionalID = transactionalID
        request.producerID = identity.id
        request.producerEpoch = identity.epoch
        request.committed = commits
        let response = try await ask(.end, request, upTo: dialect.endVersionMax, of: nil) { $0.errorCode }
        if dialect == .two, response.producerID.value >= 0 { adopt(response.producerID, response.producerEpoch) }
    }

    /// The node that coordinates the id now.
    func findCoordinator() async throws(ClientError) -> BrokerID {
        try await admin.coordinator(ofTransactionalID: transactionalID)
    }

    private func adopt(_ id: ProducerID, _ epoch: ProducerEpoch) {
        identity = ProducerIdentity(id: id, epoch: epoch)
        sequences = [:]
    }

    // MARK: asking

    /// Sends a request until it is answered for good.
    ///
    /// - Errors: the broker's refusal; `timeout` or `connection` where nobody answers, `closed` where the client gives
    ///   up what is held back.
    private func ask<Request: WireRequest>(
        _ step: Step, _ request: Request, upTo versionLimit: Int16?, of place: TopicPartition?,
        _ code: @escaping @Sendable (Request.Response) -> ErrorCode
    ) async throws(ClientError) -> Request.Response {
        let end = cluster.runtime.clock.now.advanced(byMilliseconds: SteppedProducer.patienceMilliseconds)
        mayHaveArrived = false
        var wasHeld = false
        var attempt = 0
        while true {
            do throws(ClientError) {
                let endpoint = try await endpoint(of: place)
                // Whoever begins anew has nothing that could come late and matter.
                if !wasHeld, step != .begin, let hold = late?.draw() {
                    wasHeld = true
                    mayHaveArrived = true
                    late?.deliver(
                        request, step.rawValue, upTo: versionLimit, to: endpoint, after: hold.milliseconds, code)
                    await cluster.runtime.sleep(milliseconds: hold.clientMilliseconds)
                    // Of a kind that is not tried again.
                    if hold.isGivenUp { throw ClientError(.closed, "\(step.rawValue) was given up") }
                    continue
                }
                let response = try await cluster.send(request, to: endpoint, upTo: versionLimit)
                let answer = code(response)
                if answer == .noError { return response }
                throw ClientError(code: answer, message: "\(step.rawValue): \(answer)")
            } catch {
                // NOT_ENOUGH_REPLICAS_AFTER_APPEND and REQUEST_TIMED_OUT leave it open as well.
                if error.kind == .timeout || error.kind == .connection || error.isRetriable { mayHaveArrived = true }
                guard error.isRetriable, cluster.runtime.clock.now < end else { throw error }
                await cluster.runtime.sleep(milliseconds: cluster.backoff(after: attempt))
                attempt += 1
                await lookAgain(place)
            }
        }
    }

    private func endpoint(of place: TopicPartition?) async throws(ClientError) -> Endpoint {
        let node: BrokerID
        if let place {
            guard let leader = cluster.view.partition(place)?.leader else {
                throw ClientError(code: .leaderNotAvailable)
            }
            node = leader
        } else if let coordinator {
            node = coordinator
        } else {
            node = try await findCoordinator()
            coordinator = node
        }
        guard let endpoint = cluster.view.brokers[node] else {
            throw ClientError(.connection, "Broker \(node) is not known or not alive")
        }
        return endpoint
    }

    /// After a failure: leaders and coordinators may be others by now.
    private func lookAgain(_ place: TopicPartition?) async {
        coordinator = nil
        if let place { _ = try? await cluster.refresh(topics: [place.topic]) }
    }
}
