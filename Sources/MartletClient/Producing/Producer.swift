import ClientCore
import Primitives
import Synchronization
import WireMessages
import WireProtocol
import World

/// Writes records to topics.
///
/// Records are gathered into batches and sent to the leaders of their partitions; with acks=all (the default) each is
/// written once and in order, whatever connections break and brokers die meanwhile.
///
/// ```swift
/// let producer = try Producer(ClientConfiguration(bootstrapServers: "localhost:9092"))
/// let place = try await producer.send(ProducerRecord(topic: "orders", value: Array("hello".utf8)))
/// try await producer.close()
/// ```
public final class Producer: Sendable {
    typealias Outcome = Result<RecordPlace, ClientError>

    private struct State {
        var machine: ProducerMachine
        var partitioner: Partitioner
        var generator: SeededGenerator
        var waiters: [UInt64: @Sendable (Outcome) -> Void] = [:]
        var spaceWaiters: [CheckedContinuation<Void, Never>] = []
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
        var nextTicket: UInt64 = 0
        var wake: (any Timer)?
        var isClosed = false
    }

    private let cluster: ClusterClient
    private let leaders: LeaderLookup
    private let options: ProducerOptions
    private let state: Mutex<State>

    /// Connects when it is first used.
    ///
    /// - Errors: `invalid` for a bootstrap list that can't be read or options that contradict each other.
    public init(_ configuration: ClientConfiguration, _ options: ProducerOptions = ProducerOptions())
        throws(ClientError)
    {
        let settings = try options.settings()
        cluster = try ClusterClient(configuration)
        leaders = LeaderLookup(cluster)
        self.options = options
        state = Mutex(
            State(
                machine: ProducerMachine(settings: settings),
                partitioner: Partitioner(stickyBytes: settings.batchBytesMax),
                generator: cluster.runtime.generator()))
    }

    /// Writes a record and returns when it is acknowledged.
    public func send(_ record: ProducerRecord) async throws(ClientError) -> RecordPlace {
        try await prepare(record.topic)
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
            accept(record) { continuation.resume(returning: $0) }
        }
        return try outcome.get()
    }

    /// Hands a record over and returns when the buffer has it; `completion` runs on the client's loop once the record
    /// is acknowledged or given up.
    public func enqueue(
        _ record: ProducerRecord, completion: @escaping @Sendable (Result<RecordPlace, ClientError>) -> Void
    ) async throws(ClientError) {
        try await prepare(record.topic)
        while true {
            if accept(record, whenFull: false, completion) { return }
            await withCheckedContinuation { continuation in
                let isFull = state.withLock { state in
                    guard !state.machine.isIdle, !state.isClosed else { return false }
                    state.spaceWaiters.append(continuation)
                    return true
                }
                if !isFull { continuation.resume() }
            }
        }
    }

    /// Sends what is gathered now, and returns when nothing is left to be acknowledged.
    public func flush() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.machine.isIdle || state.isClosed { return true }
                state.machine.flush()
                state.idleWaiters.append(continuation)
                return false
            }
            if isIdle { continuation.resume() } else { pump() }
        }
    }

    /// Flushes and closes the connections.
    public func close() async {
        await flush()
        state.withLock { state in
            state.isClosed = true
            state.wake?.cancel()
        }
        cluster.close()
    }

    /// Closes without waiting: what is not answered yet fails, and may have been written all the same.
    package func abandon() {
        let (waiters, sleepers) = state.withLock { state in
            state.isClosed = true
            state.wake?.cancel()
            state.wake = nil
            defer {
                state.waiters = [:]
                state.spaceWaiters = []
                state.idleWaiters = []
            }
            return (state.waiters.sorted { $0.key < $1.key }.map(\.value), state.spaceWaiters + state.idleWaiters)
        }
        cluster.close()
        for waiter in waiters { waiter(.failure(ClientError(.closed, "The producer was closed"))) }
        for continuation in sleepers { continuation.resume() }
    }

    /// Learns a topic's partitions before its first record.
    private func prepare(_ topic: String) async throws(ClientError) {
        if cluster.view.topics[topic] == nil { try await cluster.awaitTopic(topic, allowsCreation: true) }
    }

    /// Gives a record to the machine; false if it was not taken because the buffer is full.
    @discardableResult
    private func accept(
        _ record: ProducerRecord, whenFull failsWhenFull: Bool = true,
        _ completion: @escaping @Sendable (Outcome) -> Void
    ) -> Bool {
        let view = cluster.view
        let now = cluster.runtime.clock.now
        let timeOfDay = cluster.runtime.clock.timeOfDay
        let refusal: ClientError? = state.withLock { state in
            if state.isClosed { return ClientError(.closed, "The producer was closed") }
            let made = OutgoingRecord(record, ticket: state.nextTicket, now: timeOfDay)
            guard
                let place = state.partitioner.place(
                    of: record, bytes: made.bytesMax, view: view, using: &state.generator)
            else {
                return ClientError(.invalid, "Topic \(record.topic) has no partition \(record.partition ?? 0)")
            }
            do throws(ProducerMachine.Failure) {
                try state.machine.add(made, to: place, now: now)
            } catch { return Producer.explain(error) }
            state.waiters[state.nextTicket] = completion
            state.nextTicket += 1
            return nil
        }
        if let refusal {
            if refusal.kind == .timeout, !failsWhenFull { return false }
            completion(.failure(refusal))
            return true
        }
        pump()
        return true
    }

    // MARK: what the machine wants done

    /// Lets the machine go on, does what it asks for, and sets the clock for its next wish.
    private func pump() {
        let now = cluster.runtime.clock.now
        let view = cluster.view
        let effects = state.withLock { $0.machine.advance(now: now, view: view) }
        perform(effects)
        state.withLock { state in
            state.wake?.cancel()
            state.wake = nil
            guard !state.isClosed, let next = state.machine.nextWake(now: now, view: view) else { return }
            // A batch that is ready and can't go waits for an answer or for metadata: both pump again.
            let wait = max(next.milliseconds(since: now), 0) + 1
            state.wake = cluster.runtime.loop.schedule(afterMilliseconds: max(wait, Producer.idleWakeMilliseconds)) {
                self.pump()
            }
        }
        release()
    }

    static let idleWakeMilliseconds: Int64 = 2

    private func perform(_ effects: [ProducerMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .obtainIdentity: Task { await obtainIdentity() }
            case .refreshMetadata(let topics): leaders.look(for: topics) { self.pump() }
            case .send(let node, let batches): send(batches, to: node)
            case .delivered(let tickets, let place, let base):
                finish(tickets) { index in
                    let offset = base.map { $0.value + Int64(index) }
                    return .success(
                        RecordPlace(topic: place.topic, partition: place.partition.value, offset: offset))
                }
            case .failed(let tickets, _, let failure):
                finish(tickets) { _ in .failure(Producer.explain(failure)) }
            }
        }
    }

    private func finish(_ tickets: [UInt64], _ outcome: (Int) -> Outcome) {
        let waiters = state.withLock { state in tickets.map { state.waiters.removeValue(forKey: $0) } }
        for (index, waiter) in waiters.enumerated() { waiter?(outcome(index)) }
    }

    /// Wakes those who wait for room or for the end.
    private func release() {
        let (space, idle) = state.withLock { state in
            defer { state.spaceWaiters = [] }
            guard state.machine.isIdle else { return (state.spaceWaiters, [CheckedContinuation<Void, Never>]()) }
            defer { state.idleWaiters = [] }
            return (state.spaceWaiters, state.idleWaiters)
        }
        for continuation in space + idle { continuation.resume() }
    }

    private func send(_ batches: [OutgoingBatch], to node: BrokerID) {
        let view = cluster.view
        let acks = state.withLock { $0.machine.settings.acks }
        let connection: BrokerConnection
        do throws(ClientError) {
            guard let endpoint = view.brokers[node] else { throw ClientError(.connection, "Broker \(node) is gone") }
            connection = try cluster.connection(to: endpoint)
        } catch {
            return unanswered(batches, by: node, mayBeWritten: false)
        }
        let timeout = cluster.configuration.requestTimeoutMilliseconds
        let encoded = batches.map { ($0.place, BatchCoding.encode($0, compression: options.compression.codec)) }
        let request = ProduceQuestion.request(encoded, acks: acks, timeoutMilliseconds: Int32(timeout), view: view)
        // Without an answer, a batch counts as written once it is on its way; until then closing waits for it.
        let confirm: @Sendable () -> Void = { self.confirmUnasked(batches, by: node) }
        connection.send(
            request, timeoutMilliseconds: timeout + Producer.answerMarginMilliseconds,
            handedOver: acks == 0 ? confirm : nil
        ) { result in
            switch result {
            case .success(let response): self.answered(batches, by: node, response)
            case .failure: self.unanswered(batches, by: node, mayBeWritten: acks != 0)
            }
        }
    }

    /// The broker waits for replicas as long as the request says; its answer needs a little longer.
    static let answerMarginMilliseconds: Int64 = 1_000

    private func answered(_ batches: [OutgoingBatch], by node: BrokerID, _ response: ProduceResponse) {
        let now = cluster.runtime.clock.now
        let answers = ProduceQuestion.answers(response, view: cluster.view)

        for answer in answers {
            if let leader = answer.newLeader, let epoch = answer.newLeaderEpoch {
                cluster.learnLeader(answer.place, leader: leader, epoch: epoch)
            }
        }
        let effects = state.withLock { state in
            state.machine.requestEnded(by: node)
            return batches.flatMap { batch in
                // A partition that the answer leaves out was not written.
                let answer = answers.first { $0.place == batch.place }
                return state.machine.answered(
                    batch, error: answer?.error ?? .unknownServerError, baseOffset: answer?.baseOffset, now: now,
                    using: &state.generator)
            }
        }
        perform(effects)
        pump()
    }

    private func confirmUnasked(_ batches: [OutgoingBatch], by node: BrokerID) {
        cluster.runtime.loop.execute {
            let now = self.cluster.runtime.clock.now
            let effects = self.state.withLock { state in
                state.machine.requestEnded(by: node)
                return batches.flatMap {
                    state.machine.answered($0, error: .noError, baseOffset: nil, now: now, using: &state.generator)
                }
            }
            self.perform(effects)
            self.pump()
        }
    }

    private func unanswered(_ batches: [OutgoingBatch], by node: BrokerID, mayBeWritten: Bool) {
        cluster.runtime.loop.execute {
            let now = self.cluster.runtime.clock.now
            let effects = self.state.withLock { state in
                state.machine.requestEnded(by: node)
                return state.machine.unanswered(
                    batches, mayBeWritten: mayBeWritten, now: now, using: &state.generator)
            }
            self.perform(effects)
            self.pump()
        }
    }

    private func obtainIdentity() async {
        var request = InitProducerIdRequest()
        request.transactionalID = nil
        request.transactionTimeoutMilliseconds = Int32.max
        do throws(ClientError) {
            let response = try await cluster.send(request, to: .anyBroker)
            guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
            let identity = ProducerIdentity(id: response.producerID, epoch: response.producerEpoch)
            state.withLock { $0.machine.identityObtained(identity) }
        } catch {
            await cluster.runtime.sleep(milliseconds: cluster.backoff(after: 1))
            let code = error.isRetriable ? nil : error.code ?? .unsupportedVersion
            perform(state.withLock { $0.machine.identityRefused(forGood: code) })
        }
        pump()
    }

    private static func explain(_ failure: ProducerMachine.Failure) -> ClientError {
        switch failure {
        case .refused(let code): ClientError(code: code)
        case .expired(let last):
            ClientError(.timeout, "Not delivered in time" + (last.map { ": \($0)" } ?? ""), code: last)
        case .recordTooLarge(let bytes, let bytesMax):
            ClientError(.invalid, "A record of \(bytes) bytes is larger than the \(bytesMax) bytes of a request")
        case .bufferFull: ClientError(.timeout, "More records wait than the buffer holds")
        }
    }
}
