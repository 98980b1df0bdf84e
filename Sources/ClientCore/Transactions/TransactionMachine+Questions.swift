import OrderedCollections
package import Primitives
import WireMessages

/// The conversation with coordinators.
extension TransactionMachine {
    private var isWritten: Bool { queues.values.allSatisfy(\.isEmpty) && (offsets == nil || areOffsetsWritten) }
    private var isNothingInFlight: Bool { queues.values.allSatisfy(\.inFlight.isEmpty) }

    /// Whether the transaction is over without a word to a coordinator, as none knows of it.
    var isEndedUnasked: Bool {
        guard !isBegun, asked == nil, finding == nil, unresolved == nil else { return false }
        return switch phase {
        case .ending(isCommit: true): isWritten
        case .ending(isCommit: false): isNothingInFlight
        case .idle, .open, .failed: false
        }
    }

    func nextQuestion() -> CoordinatorQuestion? {
        let id = settings.transactionalID
        if phase == .failed { return nil }
        guard let producer = identity, !needsEpoch else {
            return .initProducer(id, timeoutMilliseconds: settings.timeoutMilliseconds, expected: identity)
        }
        // What may have been done has to be known before the end, or the coordinator knows of nothing to be ended.
        if let unresolved { return unresolved }
        if obstacle == nil, phase == .open || phase == .ending(isCommit: true) {
            if let question = nextAddition(producer) { return question }
            if let offsets, !areOffsetsWritten { return .commitOffsets(offsets, in: id, of: producer) }
        }
        switch phase {
        case .ending(isCommit: true): return isWritten ? .end(id, of: producer, isCommit: true) : nil
        case .ending(isCommit: false): return isNothingInFlight ? .end(id, of: producer, isCommit: false) : nil
        case .idle, .open, .failed: return nil
        }
    }

    /// Without own epochs, what has to join the transaction first.
    private func nextAddition(_ producer: ProducerIdentity) -> CoordinatorQuestion? {
        guard !settings.hasOwnEpochs else { return nil }
        let missing = queues.values.filter { !$0.waiting.isEmpty && !joined.contains($0.place) }.map(\.place)
        if !missing.isEmpty { return .addPartitions(missing.sorted(), to: settings.transactionalID, of: producer) }
        guard let offsets, !areOffsetsAdded else { return nil }
        return .addOffsets(of: offsets.group, to: settings.transactionalID, of: producer)
    }

    /// Asks, or first looks for whom to ask.
    mutating func put(_ question: CoordinatorQuestion) -> Effect {
        let target: BrokerID?
        let kind: Coordinator
        if case .commitOffsets(let request) = question {
            (target, kind) = (groupCoordinator, .ofGroup(request.groupID))
        } else {
            (target, kind) = (coordinator, .ofTransaction)
        }
        guard let target else {
            finding = kind
            return .findCoordinator(kind)
        }
        asked = question
        switch question {
        case .addPartitions, .addOffsets: unresolved = question
        case .commitOffsets: if settings.hasOwnEpochs { isBegun = true }
        case .initProducer, .end: break
        }
        return .ask(question, of: target)
    }

    /// A coordinator was found, or not.
    package mutating func found(
        _ broker: BrokerID?, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) {
        guard let kind = finding.take() else { return }
        if case .ofTransaction = kind { coordinator = broker } else { groupCoordinator = broker }
        if broker == nil { rest(now, &generator) }
    }

    /// The question was answered; no error where it was not.
    ///
    /// - Parameter producer: of an answer that gives an identity.
    package mutating func answered(
        _ error: ErrorCode?, producer: ProducerIdentity? = nil, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard let question = asked.take() else { return [] }
        switch error {
        case .noError:
            failedAttempts = 0
            notBefore = nil
            return done(question, producer)
        case .concurrentTransactions, .coordinatorLoadInProgress:
            rest(now, &generator)
            return []
        case nil, .notCoordinator, .coordinatorNotAvailable:
            if case .commitOffsets = question { groupCoordinator = nil } else { coordinator = nil }
            doubt(question)
            rest(now, &generator)
            return []
        case let error? where error.isRetriable:
            doubt(question)
            rest(now, &generator)
            return []
        case let error?: return refused(question, error)
        }
    }

    private mutating func rest(_ now: MonotonicInstant, _ generator: inout some RandomNumberGenerator) {
        notBefore = now.advanced(byMilliseconds: settings.retry.wait(after: failedAttempts, using: &generator))
        failedAttempts += 1
    }

    /// It may have been done all the same, or be done later.
    private mutating func doubt(_ question: CoordinatorQuestion) {
        isInDoubt = true
        switch question {
        case .end(let request): mayBeCommitted = mayBeCommitted || request.committed
        case .addPartitions, .addOffsets: isAdditionInDoubt = true
        case .initProducer, .commitOffsets: break
        }
    }

    private mutating func done(_ question: CoordinatorQuestion, _ producer: ProducerIdentity?) -> [Effect] {
        switch question {
        case .initProducer:
            identity = producer
            needsEpoch = false
            isAdditionInDoubt = false
            restart()
        case .addPartitions(let request):
            unresolved = nil
            isBegun = true
            for topic in request.v3AndBelowTopics {
                joined.formUnion(topic.partitions.map { TopicPartition(topic.name, $0) })
            }
        case .addOffsets:
            unresolved = nil
            isBegun = true
            areOffsetsAdded = true
        case .commitOffsets: areOffsetsWritten = true
        case .end(let request):
            // A commit that was asked before it was to be aborted counts.
            phase = .ending(isCommit: request.committed)
            return finish(as: producer)
        }
        return []
    }

    private mutating func refused(_ question: CoordinatorQuestion, _ error: ErrorCode) -> [Effect] {
        switch question {
        case .addPartitions, .addOffsets:
            if error == .transactionAbortable || error == .operationNotAttempted {
                unresolved = nil
                return meet(error)
            }
        case .commitOffsets:
            switch error {
            case .transactionAbortable, .unknownMemberID, .illegalGeneration, .fencedInstanceID: return meet(error)
            default: break
            }
        case .end(let request): if error == .transactionAbortable, request.committed { return meet(error) }
        case .initProducer: break
        }
        let isOpen = phase != .idle
        phase = .failed
        return isOpen ? [.ended(.failed(error, mayBeCommitted: mayBeCommitted))] : []
    }

    /// The transaction is over; the next one begins with nothing of it.
    mutating func finish(as producer: ProducerIdentity?) -> [Effect] {
        guard case .ending(let isCommit) = phase else { return [] }
        let ending: Ending = isCommit ? .committed : mayBeCommitted && isAdditionInDoubt ? .inDoubt : .aborted
        if settings.hasOwnEpochs {
            if let producer, producer != identity {
                identity = producer
                restart()
            }
        } else {
            // One that nobody was told of ends while the epoch after the one before is still asked for.
            needsEpoch = needsEpoch || hasGap || settings.takesEpochInDoubt && isInDoubt
        }
        phase = .idle
        offsets = nil
        areOffsetsAdded = false
        areOffsetsWritten = false
        joined = []
        isBegun = false
        mayBeCommitted = false
        obstacle = nil
        isInDoubt = false
        hasGap = false
        return [.ended(ending)]
    }

    /// Sequences begin anew with each identity.
    private mutating func restart() {
        for index in queues.values.indices { _ = queues.values[index].restart() }
    }
}
