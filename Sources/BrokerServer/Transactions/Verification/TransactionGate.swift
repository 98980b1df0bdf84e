import Coordinators
import Metadata
import Primitives
import WireProtocol

#if MUTANTS
    import Mutants
#endif

/// Who sends a Produce request, as far as transactions are concerned.
struct TransactionalClient: Sendable {
    let transactionalID: String
    let version: Int16

    /// Whether the coordinator is to add partitions by itself (transaction version 2).
    var adds: Bool { version >= 12 }
    /// Whether it knows TRANSACTION_ABORTABLE.
    var knowsAbortable: Bool { version >= 11 }
}

/// A batch of a transaction that its coordinator is to be asked about.
struct UnvouchedBatch: Sendable {
    let part: ProduceIntake.Part
    let batch: Bytes
    let claim: TransactionClaim
}

/// Lets batches of transactions through to the logs: those of a transaction that is open there already without more
/// ado, the first ones once their coordinator was asked (rule 30).
struct TransactionGate: Sendable {
    enum Verdict: Hashable, Sendable {
        case refused(ErrorCode)
        /// Nobody needs to vouch for it.
        case free
        /// It is judged again when it is appended: a marker may come before it.
        case claimed(TransactionClaim)
        case toVerify(TransactionClaim)
    }

    /// Nil where transactions are not coordinated: in tests of partitions alone.
    let verifier: TransactionVerifier?

    func verdict(on part: ProduceIntake.Part, _ header: RecordBatchHeader) -> Verdict {
        guard let verifier else { return .refused(.invalidTxnState) }
        guard let client = part.client, let producer = header.producerID, let epoch = header.producerEpoch,
            let sequence = header.baseSequence
        else {
            return .refused(.transactionalIDAuthorizationFailed)
        }
        if !client.adds, !verifier.verifiesOldClients { return .free }
        #if MUTANTS
            if Mutant.transactionsUnverified.isOn { return .free }
        #endif
        func claim(_ number: UInt64?) -> TransactionClaim {
            TransactionClaim(producer: producer, epoch: epoch, sequence: sequence, verification: number)
        }
        switch part.partition.admission(of: producer, epoch, sequence: sequence) {
        case .open: return .claimed(claim(nil))
        case .verified(let number): return .claimed(claim(number))
        case .toVerify(let number): return .toVerify(claim(number))
        }
    }

    /// Asks for all batches of one request; `answered` gets an error for each, in order.
    func verify(_ batches: [UnvouchedBatch], answered: @escaping @Sendable ([ErrorCode]) -> Void) {
        guard let verifier, let first = batches.first, let client = first.part.client else { return answered([]) }
        let producer = ProducerIdentity(first.claim.producer, first.claim.epoch)
        let partitions = batches.map { batch in
            TransactionPartition(topic: batch.part.partition.topicName, index: batch.part.partition.id.index)
        }
        // One producer has one transactional id; who mixes them in a request is no client of ours.
        guard batches.allSatisfy({ $0.claim.producer == producer.id && $0.claim.epoch == producer.epoch }) else {
            return answered(batches.map { _ in .invalidRequest })
        }
        let question = TransactionVerifier.Question(
            transactionalID: client.transactionalID, producer: producer, partitions: partitions, adds: client.adds)
        verifier.ask(question) { errors in
            for (batch, error) in zip(batches, errors) where error == .noError {
                guard let number = batch.claim.verification else { continue }
                batch.part.partition.verified(producer.id, number)
            }
            answered(errors.map { $0.ofProduce(to: client) })
        }
    }
}

extension ErrorCode {
    /// What the answer of a transaction's coordinator is to a producer.
    fileprivate func ofProduce(to client: TransactionalClient) -> ErrorCode {
        switch self {
        case .producerFenced: .invalidProducerEpoch
        case .transactionAbortable where !client.knowsAbortable: .invalidTxnState
        // To be sent again: older producers know no other error for that.
        case .concurrentTransactions where client.adds: self
        case .concurrentTransactions, .networkException, .coordinatorLoadInProgress, .coordinatorNotAvailable,
            .notCoordinator:
            .notEnoughReplicas
        default: self
        }
    }
}
