import Metadata
import Primitives
package import WireMessages
import WireProtocol
package import World

/// Produce (API 0): checks each partition's batch, appends it at the end of the round, answers by `acks`.
///
/// - Errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, NOT_LEADER_OR_FOLLOWER (with the leader, version 10),
///   INVALID_REQUIRED_ACKS, CORRUPT_MESSAGE and INVALID_RECORD by the checks of `RecordBatch.produced`,
///   MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND, REQUEST_TIMED_OUT,
///   OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR; for batches of a transaction
///   INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING, TRANSACTION_ABORTABLE, CONCURRENT_TRANSACTIONS (version 12),
///   TRANSACTIONAL_ID_AUTHORIZATION_FAILED (no transactional id).
/// - Source: Kafka protocol guide, Produce; KIP-467, KIP-516, KIP-890, KIP-951.
package final class ProduceHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 3...13
    package static let listeners: ListenerKinds = .client

    private let table: PartitionTable
    private let intakes: PerLoop<ProduceIntake>
    private let deadlines: PerLoop<ProduceDeadlines>
    private let checks: NarrowPool

    /// - Parameters:
    ///   - poolThreads: how many threads the pool has; half of them check large batches.
    ///   - verifier: asks the coordinators of transactions; without one these are refused.
    package init(
        table: PartitionTable, world: World, poolThreads: Int = 8, verifier: TransactionVerifier? = nil
    ) {
        let gate = TransactionGate(verifier: verifier)
        self.table = table
        let checks = NarrowPool(world.pool, width: Self.checkThreads(of: poolThreads))
        self.checks = checks
        intakes = PerLoop { ProduceIntake(loop: $0, clock: world.clock, pool: checks, gate: gate) }
        deadlines = PerLoop { ProduceDeadlines(loop: $0, clock: world.clock) }
    }

    /// The pool has so many threads from now on.
    package func setPoolThreads(_ count: Int) { checks.resize(to: Self.checkThreads(of: count)) }

    private static func checkThreads(of poolThreads: Int) -> Int { max(1, poolThreads / 2) }

    package func handle(_ request: ProduceRequest, _ context: RequestContext, _ reply: Reply<ProduceResponse>) {
        let version = context.version
        let results = Self.results(of: request)
        let (table, listener, acks) = (table, context.listener.name, request.acks)
        // The request itself is not kept until its answer: its records lie in the connection's receive buffer.
        let topics = request.topicData.map { AskedTopic(name: $0.name, id: $0.topicID) }
        let inFlight = ProduceInFlight(results) { results in
            guard acks != 0 else {
                // Nobody listens for an error: closing the connection makes the client look again (as Kafka does).
                return results.allSatisfy { $0.error == .noError } ? reply.nothing() : reply.closeConnection()
            }
            reply(
                Self.response(topics, results, version: version) { leader in
                    table.endpoint(of: leader, listener: listener).map { ($0, table.rack(of: leader)) }
                })
        }
        guard !results.isEmpty else { return request.acks == 0 ? reply.nothing() : reply(ProduceResponse()) }
        guard [-1, 0, 1].contains(request.acks) else {
            for slot in results.indices { inFlight.resolve(slot: slot, .invalidRequiredAcks) }
            return
        }
        intakes[context.loop].take(parts(of: request, inFlight, version: version), connection: context.connection.id)
        if request.acks == -1, inFlight.isWaiting { watch(inFlight, request.timeoutMilliseconds, context) }
    }

    private func watch(_ inFlight: ProduceInFlight, _ timeoutMilliseconds: Int32, _ context: RequestContext) {
        let delay = Int64(max(timeoutMilliseconds, 0))
        deadlines[context.loop].add(inFlight, deadline: context.receivedAt.advanced(byMilliseconds: delay))
    }

    /// A place for the result of each partition, in their order.
    private static func results(of request: ProduceRequest) -> [ProduceInFlight.PartitionResult] {
        var results: [ProduceInFlight.PartitionResult] = []
        for (topicIndex, topic) in request.topicData.enumerated() {
            for partition in topic.partitionData {
                results.append(ProduceInFlight.PartitionResult(topic: topicIndex, partition: partition.index))
            }
        }
        return results
    }

    /// The parts of a request whose partitions are here; the others are told so.
    private func parts(
        of request: ProduceRequest, _ inFlight: ProduceInFlight, version: Int16
    ) -> [ProduceIntake.Part] {
        var parts: [ProduceIntake.Part] = []
        parts.reserveCapacity(request.topicData.count)
        let byID = version >= 13
        var slot = 0
        for topic in request.topicData {
            for data in topic.partitionData {
                let index = PartitionIndex(data.index)
                if let partition = byID ? table.partition(topic.topicID, index) : table.partition(topic.name, index) {
                    var part = ProduceIntake.Part(
                        partition: partition, records: data.records, request: inFlight, slot: slot,
                        waitsForReplicas: request.acks == -1)
                    if let id = request.transactionalID {
                        part.client = TransactionalClient(transactionalID: id, version: version)
                    }
                    parts.append(part)
                } else {
                    let refusal = byID ? table.absence(topic.topicID, index) : table.absence(topic.name, index)
                    inFlight.resolve(slot: slot, refusal.error, leader: refusal.leader)
                }
                slot += 1
            }
        }
        return parts
    }

    /// A topic as the request named it, and the answer has to.
    private struct AskedTopic {
        let name: String
        let id: TopicID
    }

    private static func response(
        _ topics: [AskedTopic], _ results: [ProduceInFlight.PartitionResult], version: Int16,
        endpoint: (BrokerID) -> (at: Endpoint, rack: String?)?
    ) -> ProduceResponse {
        var response = ProduceResponse()
        var hinted: Set<BrokerID> = []
        response.responses.reserveCapacity(topics.count)
        for topic in topics {
            var answer = ProduceResponse.TopicProduceResponse()
            answer.name = topic.name
            answer.topicID = topic.id
            response.responses.append(answer)
        }
        for result in results {
            var part = ProduceResponse.PartitionProduceResponse()
            part.index = result.partition
            part.errorCode = version < 4 && result.error == .kafkaStorageError ? .notLeaderOrFollower : result.error
            part.baseOffset = result.error == .noError ? result.baseOffset ?? Offset(-1) : Offset(-1)
            part.logAppendTimeMilliseconds = result.logAppendTime?.value ?? -1
            part.logStartOffset = result.logStart ?? Offset(-1)
            part.errorMessage = result.message
            for record in result.recordErrors {
                var entry = ProduceResponse.BatchIndexAndErrorMessage()
                entry.batchIndex = record.index
                entry.batchIndexErrorMessage = record.message
                part.recordErrors.append(entry)
            }
            if version >= 10, let hint = result.currentLeader {
                part.currentLeader.leaderID = hint.leader ?? BrokerID(-1)
                part.currentLeader.leaderEpoch = hint.leaderEpoch
                if let leader = hint.leader { hinted.insert(leader) }
            }
            response.responses[result.topic].partitionResponses.append(part)
        }
        for leader in hinted.sorted() {
            guard let endpoint = endpoint(leader) else { continue }
            var node = ProduceResponse.NodeEndpoint()
            node.nodeID = leader
            node.host = endpoint.at.host
            node.port = Int32(endpoint.at.port)
            node.rack = endpoint.rack
            response.nodeEndpoints.append(node)
        }
        return response
    }
}
