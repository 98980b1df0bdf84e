import ClientCore
import Primitives
import Synchronization
import WireMessages
import WireProtocol
import World

/// What the machine wants done, and what comes of it.
extension TransactionalProducer {
    func pump() { tell { _, _ in [] } }

    /// Tells the machine of an event, lets it go on, and does what it asks for.
    private func tell(_ event: (inout State, MonotonicInstant) -> [TransactionMachine.Effect]) {
        let now = cluster.runtime.clock.now
        let view = cluster.view
        let deeds = state.withLock { state in
            if state.isClosed { return Deeds() }
            let told = event(&state, now)
            let deeds = state.note(told + state.machine.advance(now: now, view: view))
            state.wake?.cancel()
            state.wake = state.machine.nextWake(now: now).map { next in
                let wait = max(next.milliseconds(since: now) + 1, Producer.idleWakeMilliseconds)
                return cluster.runtime.loop.schedule(afterMilliseconds: wait) { self.pump() }
            }
            return deeds
        }
        perform(deeds)
    }

    func perform(_ deeds: Deeds) {
        for sleeper in deeds.sleepers {
            sleeper.timer.cancel()
            sleeper.continuation.resume()
        }
        for (completion, outcome) in deeds.outcomes { completion(outcome) }
        for request in deeds.requests {
            switch request {
            case .findCoordinator(let kind): find(kind)
            case .ask(let question, let broker): ask(question, broker)
            case .produce(let broker, let batches): produce(batches, to: broker)
            case .refreshMetadata(let topics): leaders.look(for: topics) { self.pump() }
            case .written, .mustAbort, .ended: break
            }
        }
    }

    // MARK: Coordinators

    private func find(_ kind: TransactionMachine.Coordinator) {
        var request = FindCoordinatorRequest()
        switch kind {
        case .ofTransaction:
            request.keyType = 1
            request.coordinatorKeys = [state.withLock { $0.machine.settings.transactionalID }]
        case .ofGroup(let group):
            request.keyType = 0
            request.coordinatorKeys = [group]
        }
        let asked = request
        Task {
            var broker: BrokerID?
            if let response = try? await cluster.send(asked, to: .anyBroker),
                let found = response.coordinators.first, found.errorCode == .noError
            {
                broker = found.nodeID
                if cluster.view.brokers[found.nodeID] == nil { _ = try? await cluster.refresh(topics: []) }
            }
            let known = broker
            tell { state, now in
                state.machine.found(known, now: now, using: &state.generator)
                return []
            }
        }
    }

    private func ask(_ question: CoordinatorQuestion, _ broker: BrokerID) {
        let isOld = !state.withLock { $0.machine.settings.hasOwnEpochs }
        switch question {
        case .initProducer(let request):
            ask(request, broker, upTo: nil) {
                let producer = ProducerIdentity(id: $0.producerID, epoch: $0.producerEpoch)
                return ($0.errorCode, $0.errorCode == .noError ? producer : nil)
            }
        case .addPartitions(let request):
            ask(request, broker, upTo: CoordinatorQuestion.addPartitionsVersionMax) {
                (CoordinatorQuestion.error(of: $0), nil)
            }
        case .addOffsets(let request): ask(request, broker, upTo: nil) { ($0.errorCode, nil) }
        case .commitOffsets(let request):
            ask(request, broker, upTo: isOld ? CoordinatorQuestion.OldVersion.commitOffsets : nil) {
                (CoordinatorQuestion.error(of: $0), nil)
            }
        case .end(let request):
            ask(request, broker, upTo: isOld ? CoordinatorQuestion.OldVersion.end : nil) {
                ($0.errorCode, CoordinatorQuestion.producer(of: $0))
            }
        }
    }

    private func ask<Request: WireRequest>(
        _ request: Request, _ broker: BrokerID, upTo versionLimit: Int16?,
        _ read: @escaping @Sendable (Request.Response) -> (ErrorCode, ProducerIdentity?)
    ) {
        Task {
            do throws(ClientError) {
                let response = try await cluster.send(request, to: .broker(broker), upTo: versionLimit)
                let (error, producer) = read(response)
                answered(error, producer)
            } catch {
                // No later attempt would find a version that both sides speak.
                answered(error.kind == .unsupported ? .unsupportedVersion : nil, nil)
            }
        }
    }

    private func answered(_ error: ErrorCode?, _ producer: ProducerIdentity?) {
        if error == nil { leaders.look(for: []) { self.pump() } }
        tell { state, now in
            let effects = state.machine.answered(error, producer: producer, now: now, using: &state.generator)
            // While nothing is open the machine has nothing to tell that the refusal ends.
            if state.machine.hasFailed, effects.isEmpty, let error { state.failure = State.explain(error, false) }
            return effects
        }
    }

    // MARK: Leaders

    private func produce(_ batches: [OutgoingBatch], to broker: BrokerID) {
        let view = cluster.view
        let settings = state.withLock { $0.machine.settings }
        let connection: BrokerConnection
        do throws(ClientError) {
            guard let endpoint = view.brokers[broker] else {
                throw ClientError(.connection, "Broker \(broker) is gone")
            }
            connection = try cluster.connection(to: endpoint)
        } catch {
            return cluster.runtime.loop.execute { self.unanswered(batches, nil) }
        }
        let encoded = batches.map {
            (place: $0.place, records: BatchCoding.encode($0, compression: compression, isTransactional: true))
        }
        let timeout = cluster.configuration.requestTimeoutMilliseconds
        let request = ProduceQuestion.request(
            encoded, acks: ProducerOptions.Acks.all.rawValue, timeoutMilliseconds: Int32(clamping: timeout),
            transactionalID: settings.transactionalID, view: view)
        connection.send(
            request, upTo: settings.hasOwnEpochs ? nil : CoordinatorQuestion.OldVersion.produce,
            timeoutMilliseconds: timeout + Producer.answerMarginMilliseconds
        ) { result in
            switch result {
            case .success(let response): self.answered(batches, response)
            case .failure(let error):
                let code: ErrorCode? = error.kind == .unsupported ? .unsupportedVersion : nil
                self.cluster.runtime.loop.execute { self.unanswered(batches, code) }
            }
        }
    }

    private func answered(_ batches: [OutgoingBatch], _ response: ProduceResponse) {
        let answers = ProduceQuestion.answers(response, view: cluster.view)
        for answer in answers {
            if let leader = answer.newLeader, let epoch = answer.newLeaderEpoch {
                cluster.learnLeader(answer.place, leader: leader, epoch: epoch)
            }
        }
        tell { state, now in
            batches.flatMap { batch in
                // A partition that the answer leaves out was not written.
                let answer = answers.first { $0.place == batch.place }
                return state.machine.produced(
                    batch, error: answer?.error ?? .unknownServerError, baseOffset: answer?.baseOffset, now: now,
                    using: &state.generator)
            }
        }
    }

    private func unanswered(_ batches: [OutgoingBatch], _ error: ErrorCode?) {
        tell { state, now in
            batches.flatMap {
                state.machine.produced($0, error: error, baseOffset: nil, now: now, using: &state.generator)
            }
        }
    }
}
