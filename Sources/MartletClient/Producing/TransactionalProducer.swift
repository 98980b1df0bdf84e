import ClientCore
import Primitives
import Synchronization
import WireMessages
import WireProtocol
import World

/// Writes records in transactions: all of one count once it is committed, or none (KIP-98).
///
/// ```swift
/// let producer = try await TransactionalProducer.start(configuration, TransactionOptions(transactionalID: "orders"))
/// try await producer.begin()
/// try await producer.enqueue(ProducerRecord(topic: "orders", value: Array("hello".utf8))) { _ in }
/// try await producer.commit()
/// await producer.close()
/// ```
///
/// One transaction is open at a time, and one batch of a partition is on its way at a time. Where the cluster has
/// finalized version 2 of transactions when the producer starts, each transaction has an epoch of its own (KIP-890).
/// Each call waits for the cluster as long as `ClientConfiguration.callTimeoutMilliseconds` says.
public final class TransactionalProducer: Sendable {
    let cluster: ClusterClient
    let leaders: LeaderLookup
    let compression: Compression
    let state: Mutex<State>

    private init(_ cluster: ClusterClient, _ settings: TransactionMachine.Settings, _ producing: ProducerOptions) {
        self.cluster = cluster
        leaders = LeaderLookup(cluster)
        compression = producing.compression.codec
        state = Mutex(
            State(settings, bufferBytesMax: producing.bufferBytesMax, cluster.runtime.generator()))
    }

    /// Becomes the one producer of its id: who had it before is fenced, and what is open of it is aborted.
    ///
    /// - Errors: `invalid` for options that contradict each other, `broker` where the coordinator refuses, `timeout`.
    public static func start(
        _ configuration: ClientConfiguration, _ options: TransactionOptions
    ) async throws(ClientError) -> TransactionalProducer {
        var settings = try options.settings(hasOwnEpochs: true)
        let cluster = try ClusterClient(configuration)
        do throws(ClientError) {
            try await cluster.refresh(topics: [])
            settings.hasOwnEpochs = try await hasOwnEpochs(cluster)
            let producer = TransactionalProducer(cluster, settings, options.producing)
            producer.pump()
            let isStarted = await producer.wait { $0.machine.hasIdentity || $0.failure != nil }
            if let failure = producer.state.withLock({ $0.failure }) { throw failure }
            guard isStarted else { throw producer.tooLate("No coordinator has answered") }
            return producer
        } catch {
            cluster.close()
            throw error
        }
    }

    /// Whether the cluster has finalized version 2 of transactions.
    private static func hasOwnEpochs(_ cluster: ClusterClient) async throws(ClientError) -> Bool {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "martlet"
        request.clientSoftwareVersion = "0.1.0"
        let response = try await cluster.send(request, to: .anyBroker)
        guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
        return response.finalizedFeatures.contains { $0.name == "transaction.version" && $0.maxVersionLevel >= 2 }
    }

    /// Opens a transaction.
    ///
    /// - Errors: `invalid` where one is open.
    public func begin() async throws(ClientError) {
        try state.withLock { (state) throws(ClientError) in
            try state.check()
            guard !state.isOpen else { throw ClientError(.invalid, "A transaction is open already") }
            state.machine.begin()
            state.isOpen = true
            state.ending = nil
        }
        pump()
    }

    /// Hands a record over and returns when the buffer has it; `completion` runs once it is written or given up. It
    /// counts with its transaction.
    ///
    /// - Errors: why the record was not taken; then `completion` does not run.
    public func enqueue(
        _ record: ProducerRecord, completion: @escaping @Sendable (Result<RecordPlace, ClientError>) -> Void
    ) async throws(ClientError) {
        if cluster.view.topics[record.topic] == nil {
            try await cluster.awaitTopic(record.topic, allowsCreation: true)
        }
        while let bytes = try accept(record, completion) {
            let hasRoom = await wait {
                $0.hasRoom(for: bytes) || !$0.isOpen || $0.isClosed || $0.obstacle != nil
            }
            guard hasRoom else { throw tooLate("The buffer had no room") }
        }
        pump()
    }

    /// Writes all that was taken, and returns when the transaction is committed.
    ///
    /// - Errors: why it can't be committed: `abort` is left. After a `timeout` it may be committed: call it again.
    public func commit() async throws(ClientError) {
        try state.withLock { (state) throws(ClientError) in
            if state.isOpen, state.isCommitting { return try state.check() }
            try state.checkOpen()
            state.machine.commit()
            state.isCommitting = true
        }
        pump()
        let isOver = await wait { !$0.isOpen || $0.obstacle != nil || $0.isClosed }
        try state.withLock { (state) throws(ClientError) in
            try state.check()
            if let obstacle = state.obstacle { throw obstacle }
            guard isOver else { throw tooLate("The commit is under way, without an answer") }
            switch state.ending {
            case .committed: return
            case .inDoubt: throw State.doubt
            default: throw ClientError(.invalid, "The transaction was aborted")
            }
        }
    }

    /// Gives the open transaction up, and returns when that is certain.
    ///
    /// - Errors: `invalid` where a commit that was under way has succeeded, or may have, or no transaction is open.
    public func abort() async throws(ClientError) {
        try state.withLock { (state) throws(ClientError) in
            try state.check()
            guard state.isOpen else { throw ClientError(.invalid, "No transaction is open") }
            state.machine.abort()
        }
        pump()
        let isOver = await wait { !$0.isOpen || $0.isClosed }
        try state.withLock { (state) throws(ClientError) in
            try state.check()
            guard isOver else { throw tooLate("The abort is under way, without an answer") }
            switch state.ending {
            case .aborted: return
            case .inDoubt: throw State.doubt
            default: throw ClientError(.invalid, "The transaction was committed")
            }
        }
    }

    /// Aborts what is open and closes the connections.
    public func close() async {
        if state.withLock({ $0.isOpen && $0.failure == nil && !$0.isClosed }) { try? await abort() }
        let deeds = state.withLock { state in
            state.isClosed = true
            state.wake?.cancel()
            state.wake = nil
            var deeds = state.note([])
            state.giveUp(
                state.failure ?? state.obstacle ?? ClientError(.closed, "The producer was closed"), &deeds)
            return deeds
        }
        cluster.close()
        perform(deeds)
    }

    /// Gives a record to the machine; its size where the buffer is full.
    private func accept(
        _ record: ProducerRecord, _ completion: @escaping Completion
    ) throws(ClientError) -> Int? {
        let view = cluster.view
        let now = cluster.runtime.clock.now
        let timeOfDay = cluster.runtime.clock.timeOfDay
        return try state.withLock { (state) throws(ClientError) in
            try state.checkOpen()
            let made = OutgoingRecord(record, ticket: state.nextTicket, now: timeOfDay)
            let bytes = made.bytesMax
            let bytesMax = state.machine.settings.requestBytesMax
            guard bytes + OutgoingBatch.headerBytes <= bytesMax else {
                throw ClientError(
                    .invalid, "A record of \(bytes) bytes is larger than the \(bytesMax) bytes of a request")
            }
            guard state.hasRoom(for: bytes) else { return bytes }
            guard let place = state.partitioner.place(of: record, bytes: bytes, view: view, using: &state.generator)
            else { throw ClientError(.invalid, "Topic \(record.topic) has no partition \(record.partition ?? 0)") }
            state.machine.add(made, to: place, now: now)
            state.pending[state.nextTicket] = PendingRecord(bytes: bytes, completion: completion)
            state.bufferedBytes += bytes
            state.nextTicket += 1
            return nil
        }
    }

    private func tooLate(_ what: String) -> ClientError {
        ClientError(.timeout, "\(what) within \(cluster.configuration.callTimeoutMilliseconds) ms")
    }

    /// Waits until something holds, for as long as a call may take; false where that was too short.
    private func wait(until isDone: @escaping @Sendable (borrowing State) -> Bool) async -> Bool {
        let end = cluster.runtime.clock.now.advanced(
            byMilliseconds: cluster.configuration.callTimeoutMilliseconds)
        while !state.withLock({ isDone($0) }) {
            let left = end.milliseconds(since: cluster.runtime.clock.now)
            guard left > 0 else { return false }
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    if isDone(state) { return false }
                    let number = state.nextSleeper
                    state.nextSleeper += 1
                    let timer = cluster.runtime.loop.schedule(afterMilliseconds: left) { self.wake(number) }
                    state.sleepers[number] = Sleeper(continuation: continuation, timer: timer)
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
        }
        return true
    }

    private func wake(_ number: UInt64) {
        state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume()
    }
}
