import Histories
import MartletClient
import Primitives
import Synchronization
import World

/// One writing client: sends some records to one partition after the other and waits for all the answers.
final class LoadWriter: Sendable {
    private static let recordsInOperation = Payload.recordsInOperationMax
    /// What the client waits for an answer before nobody knows what became of a write.
    private static let deliveryMillisecondsMax: Int64 = 90_000

    private let process: Int32
    private let topic: LoadTopic
    private let configuration: ClientConfiguration
    private let recorder: HistoryRecorder
    private let clock: any Clock
    private let operationMilliseconds: Int64
    private struct State {
        var producer: Producer?
        var isAbandoned = false
    }
    private let state = Mutex(State())

    init(
        process: Int32, _ topic: LoadTopic, _ configuration: ClientConfiguration, _ recorder: HistoryRecorder,
        clock: any Clock, operationsPerSecond: Int64
    ) {
        self.process = process
        self.topic = topic
        self.configuration = configuration
        self.recorder = recorder
        self.clock = clock
        operationMilliseconds = max(1_000 / operationsPerSecond, 1)
    }

    /// Lets go of what is not answered: nothing of this writer is sent any more.
    func abandon() {
        let producer = state.withLock { state in
            state.isAbandoned = true
            return state.producer
        }
        producer?.abandon()
    }

    /// Writes until the task is cancelled and the last answer is there.
    func run() async throws(ClientError) {
        var generator = SeededGenerator(seed: UInt64(process) + 77)
        var producer = try makeProducer()
        var operation: Int64 = 0
        while !Task.isCancelled {
            let asked = clock.now
            let partition = Int32.random(in: 0..<topic.partitionCount, using: &generator)
            let values = Payload.values(of: process, operation, count: LoadWriter.recordsInOperation)
            let isCertain = await send(values, to: partition, producer)
            operation += 1
            if !isCertain {
                // What was not answered may come yet: a new client begins, so that the order of the old one ends.
                recorder.note(process, .ok, .crash)
                let old = producer
                Task { await old.close() }
                producer = try makeProducer()
            }
            let rest = operationMilliseconds - clock.now.milliseconds(since: asked)
            if rest > 0 { try? await Task.sleep(for: .milliseconds(rest)) }
        }
        await producer.close()
    }

    private func makeProducer() throws(ClientError) -> Producer {
        var options = ProducerOptions()
        options.lingerMilliseconds = 2
        options.deliveryMillisecondsMax = LoadWriter.deliveryMillisecondsMax
        var own = configuration
        own.clientID = "chaos-writer-\(process)"
        let producer = try Producer(own, options)
        let isAbandoned = state.withLock { state in
            state.producer = producer
            return state.isAbandoned
        }
        if isAbandoned { producer.abandon() }
        return producer
    }

    /// One operation; false where not everything is known about it.
    private func send(_ values: [Int64], to partition: Int32, _ producer: Producer) async -> Bool {
        let asked = clock.now
        let key = topic.key(partition)
        recorder.note(process, .invoke, .send, values.map { .write(key: key, value: $0, .asOperation) })
        let answers = SendAnswers(count: values.count)
        for (index, value) in values.enumerated() {
            let record = ProducerRecord(
                topic: topic.name, value: Payload.bytes(of: value, size: topic.recordBytes), partition: partition)
            do throws(ClientError) {
                try await producer.enqueue(record) { answers.set(index, SendAnswers.fate($0)) }
            } catch {
                // It was not handed over, so it is nowhere.
                answers.set(index, .failed)
            }
        }
        let fates = await answers.all()
        let items = zip(values, fates).map { HistoryEvent.Item.write(key: key, value: $0, $1) }
        let unknown = fates.count { $0 == .unknown }
        let acknowledged = fates.count { $0 != .unknown && $0 != .failed }
        recorder.note(process, acknowledged == values.count ? .ok : .unknown, .send, items)
        recorder.count(acknowledged: acknowledged, unknown: unknown, partition: partition, asked: asked)
        return acknowledged == values.count
    }
}

/// The answers to the records of one operation, as they come.
final class SendAnswers: Sendable {
    private struct State {
        var fates: [HistoryEvent.Fate?]
        var left: Int
        var waiter: CheckedContinuation<[HistoryEvent.Fate], Never>?
    }

    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(fates: Array(repeating: nil, count: count), left: count)) }

    /// What an answer of the producer means: only what it refused before sending is sure not to be there.
    static func fate(_ answer: Result<RecordPlace, ClientError>) -> HistoryEvent.Fate {
        switch answer {
        case .success(let place):
            // An acknowledgement without an offset is one all the same: of a repeat whose first answer got lost.
            return place.offset.map { .acknowledged(at: Offset($0)) } ?? .asOperation
        case .failure(let error): return error.kind == .invalid ? .failed : .unknown
        }
    }

    func set(_ index: Int, _ fate: HistoryEvent.Fate) {
        let done: (CheckedContinuation<[HistoryEvent.Fate], Never>, [HistoryEvent.Fate])? = state.withLock { state in
            guard state.fates[index] == nil else { return nil }
            state.fates[index] = fate
            state.left -= 1
            guard state.left == 0, let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, state.fates.compactMap { $0 })
        }
        if let (waiter, fates) = done { waiter.resume(returning: fates) }
    }

    func all() async -> [HistoryEvent.Fate] {
        await withCheckedContinuation { continuation in
            let ready: [HistoryEvent.Fate]? = state.withLock { state in
                if state.left == 0 { return state.fates.compactMap { $0 } }
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
