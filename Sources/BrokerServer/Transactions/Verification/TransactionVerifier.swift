package import Coordinators
import Metadata
package import Primitives
import WireMessages
import World

/// Asks the coordinators of transactions whether partitions belong to them, or adds them (KIP-890): before the first
/// batch of a transaction is appended.
package final class TransactionVerifier: Sendable {
    /// What is asked of a coordinator.
    package struct Question: Sendable {
        package let transactionalID: String
        package let producer: ProducerIdentity
        package let partitions: [TransactionPartition]
        /// Whether what is missing is added (transaction version 2).
        package let adds: Bool
    }

    /// How often, and for how long, a coordinator is asked again that is still busy with the transaction before.
    package struct Patience: Sendable {
        /// The longest pause: most transactions end within a few milliseconds, so the first ones are shorter.
        var pauseMillisecondsMax: Int64
        var wholeMilliseconds: Int64
        static let firstPauseMilliseconds: Int64 = 1

        package init(_ settings: Settings) {
            pauseMillisecondsMax = settings.integer("add.partitions.to.txn.retry.backoff.ms")
            wholeMilliseconds = settings.integer("add.partitions.to.txn.retry.backoff.max.ms")
        }
    }

    private static let timeoutMilliseconds: Int64 = 5_000

    private let broker: BrokerID
    private let host: TransactionCoordinatorHost
    private let links: BrokerLinks
    private let image: @Sendable () -> MetadataImage
    private let verifiesOld: @Sendable () -> Bool
    private let patience: Patience
    private let clock: any Clock

    /// - Parameter verifiesOld: `transaction.partition.verification.enable`.
    init(
        broker: BrokerID, host: TransactionCoordinatorHost, links: BrokerLinks, patience: Patience,
        clock: any Clock, verifiesOld: @escaping @Sendable () -> Bool, image: @escaping @Sendable () -> MetadataImage
    ) {
        self.broker = broker
        self.host = host
        self.links = links
        self.patience = patience
        self.clock = clock
        self.verifiesOld = verifiesOld
        self.image = image
    }

    /// Whether a producer of an older client is verified, which adds its partitions itself.
    package var verifiesOldClients: Bool { verifiesOld() }

    /// Asks; `answered` gets an error for each partition, in order, from any thread. NETWORK_EXCEPTION where the
    /// coordinator could not be asked.
    package func ask(_ question: Question, answered: @escaping @Sendable ([ErrorCode]) -> Void) {
        let deadline = clock.now.advanced(byMilliseconds: patience.wholeMilliseconds)
        ask(question, until: deadline, pauseMilliseconds: Patience.firstPauseMilliseconds, answered)
    }

    private func ask(
        _ question: Question, until deadline: MonotonicInstant, pauseMilliseconds: Int64,
        _ answered: @escaping @Sendable ([ErrorCode]) -> Void
    ) {
        attempt(question) { [self] errors in
            guard question.adds, errors.contains(.concurrentTransactions), clock.now < deadline else {
                return answered(errors)
            }
            let pause = min(pauseMilliseconds, patience.pauseMillisecondsMax)
            links.loop.schedule(afterMilliseconds: pause) { [self] in
                ask(question, until: deadline, pauseMilliseconds: 2 * pause, answered)
            }
        }
    }

    private func attempt(_ question: Question, _ answered: @escaping @Sendable ([ErrorCode]) -> Void) {
        @Sendable func fail(_ error: ErrorCode) { answered(question.partitions.map { _ in error }) }
        let topic = image().topics[name: TransactionShard.topicName]
        guard let topic, !topic.partitions.isEmpty else { return fail(.coordinatorNotAvailable) }
        let index = CoordinatorPartition.index(of: question.transactionalID, among: Int32(topic.partitions.count))
        guard let leader = topic[index]?.leader else { return fail(.coordinatorNotAvailable) }
        if leader == broker { return askHere(question, fail, answered) }
        guard let connection = links.connection(to: leader) else { return fail(.coordinatorNotAvailable) }
        connection.send(
            TransactionVerifier.request(question), minVersion: 4,
            timeoutMilliseconds: TransactionVerifier.timeoutMilliseconds
        ) { result in
            guard case .success(let response) = result else { return fail(.networkException) }
            if response.errorCode != .noError { return fail(response.errorCode) }
            let errors = TransactionVerifier.errors(of: response)
            answered(question.partitions.map { errors[$0] ?? .unknownServerError })
        }
    }

    private func askHere(
        _ question: Question, _ fail: @escaping @Sendable (ErrorCode) -> Void,
        _ answered: @escaping @Sendable ([ErrorCode]) -> Void
    ) {
        host.submit(
            question.transactionalID,
            answered: { answer in
                switch answer {
                case .partitions(let errors): answered(errors)
                case .failed(let error): fail(error)
                case .producer, .needsProducerID: preconditionFailure("partitions are answered with a producer")
                }
            }, refused: fail
        ) { shard, ticket, time in
            guard question.adds else {
                let reply = shard.verifyPartitions(
                    question.partitions, of: question.transactionalID, by: question.producer)
                return [.reply(ticket, reply)]
            }
            return shard.addPartitions(
                question.partitions, to: question.transactionalID, by: question.producer, clientVersion: 2,
                ticket: ticket, at: time)
        }
    }

    private static func request(_ question: Question) -> AddPartitionsToTxnRequest {
        var transaction = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction()
        transaction.transactionalID = question.transactionalID
        transaction.producerID = question.producer.id
        transaction.producerEpoch = question.producer.epoch
        transaction.verifyOnly = !question.adds
        for partition in question.partitions {
            if let place = transaction.topics.firstIndex(where: { $0.name == partition.topic }) {
                transaction.topics[place].partitions.append(partition.index)
            } else {
                var topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic()
                topic.name = partition.topic
                topic.partitions = [partition.index]
                transaction.topics.append(topic)
            }
        }
        var request = AddPartitionsToTxnRequest()
        request.transactions = [transaction]
        return request
    }

    private static func errors(of response: AddPartitionsToTxnResponse) -> [TransactionPartition: ErrorCode] {
        var errors: [TransactionPartition: ErrorCode] = [:]
        for topic in response.resultsByTransaction.first?.topicResults ?? [] {
            for partition in topic.resultsByPartition {
                errors[TransactionPartition(topic: topic.name, index: partition.partitionIndex)] =
                    partition.partitionErrorCode
            }
        }
        return errors
    }
}
