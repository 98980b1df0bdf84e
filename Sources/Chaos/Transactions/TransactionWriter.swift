import Histories
import MartletClient
import Primitives
import Synchronization
import World

/// One client that writes transactions, commits some and gives some up, and writes down what became of each.
final class TransactionWriter: Sendable {
    /// What its transactions are like.
    struct Habits: Sendable {
        var dialect = TransactionDialect.two
        var partitionsInTransaction = 3
        var recordsInPartition = 2
        /// Of a hundred transactions, those that it gives up on purpose.
        var abortedPerHundred: Int64 = 25
        /// Of a hundred, those after which it begins anew, as an application that was started again.
        var restartsPerHundred: Int64 = 5
        var timeoutMilliseconds: Int32 = TransactionWriter.timeoutMilliseconds
        var late: LateMessages.Habits?
    }

    /// A place in a transaction.
    enum Moment: String, Hashable, Sendable, CaseIterable {
        case afterBegin = "after InitProducerId"
        case afterFirstWrite = "after the first write"
        case duringWrites = "between and during writes"
        case beforeEnd = "before EndTxn"
        case duringEnd = "during EndTxn"
        case afterEnd = "right after the answer to EndTxn"
    }

    /// What became of the transactions so far.
    struct Tally: Hashable, Sendable {
        var committed = 0
        var givenUp = 0
        var unknown = 0

        var all: Int { committed + givenUp + unknown }

        /// One line on many writers.
        static func line(_ tallies: [Tally], _ refusals: [String: Int]) -> String {
            let sums = [\Tally.committed, \.givenUp, \.unknown].map { part in
                tallies.reduce(0) { $0 + $1[keyPath: part] }
            }
            let listed = refusals.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
            return "\(sums[0]) committed, \(sums[1]) given up, \(sums[2]) unknown"
                + (listed.isEmpty ? "" : "; " + listed.joined(separator: ", "))
        }
    }

    /// After this the coordinator gives a transaction up.
    static let timeoutMilliseconds: Int32 = 10_000
    private static let pauseMilliseconds: Int64 = 300

    let process: Int32
    let transactionalID: String
    private let topic: LoadTopic
    private let configuration: ClientConfiguration
    private let recorder: HistoryRecorder
    private let clock: any Clock
    private let habits: Habits
    private let seed: UInt64
    private struct State {
        var producer: SteppedProducer?
        var isAbandoned = false
        var tally = Tally()
        var operation: Int64
        var generator: SeededGenerator
        /// How often which step was refused how.
        var refusals: [String: Int] = [:]
    }
    private let state: Mutex<State>

    init(
        process: Int32, id: String? = nil, _ topic: LoadTopic, _ configuration: ClientConfiguration,
        _ recorder: HistoryRecorder, clock: any Clock, _ habits: Habits, seed: UInt64, firstOperation: Int64 = 0
    ) {
        self.process = process
        transactionalID = id ?? "chaos-transactions-\(process)"
        self.topic = topic
        var own = configuration
        own.clientID = "chaos-transactions-\(process)"
        self.configuration = own
        self.recorder = recorder
        self.clock = clock
        self.habits = habits
        self.seed = seed
        state = Mutex(State(operation: firstOperation, generator: SeededGenerator(seed: seed)))
    }

    var tally: Tally { state.withLock { $0.tally } }
    var refusals: [String: Int] { state.withLock { $0.refusals } }

    /// Lets go of what is not answered.
    func abandon() {
        let producer = state.withLock { state in
            state.isAbandoned = true
            return state.producer
        }
        producer?.close()
    }

    private func draw(_ range: ClosedRange<Int64>) -> Int64 {
        state.withLock { Int64.random(in: range, using: &$0.generator) }
    }

    /// Writes transactions, until the task is cancelled or the number is reached; then delivers what comes late.
    ///
    /// - Returns: how often which late message was answered how.
    @discardableResult
    func run(transactionsMax: Int = .max, pauseMilliseconds: Int64 = 0) async throws -> [String: Int] {
        let late = try habits.late.map { try LateMessages($0, configuration, seed: seed &+ 1) }
        var producer: SteppedProducer?
        while !Task.isCancelled, tally.all < transactionsMax, !state.withLock({ $0.isAbandoned }) {
            guard let open = producer else {
                producer = try await begin(late)
                if producer == nil { await pass(TransactionWriter.pauseMilliseconds) }
                continue
            }
            let isWhole = await transaction(open) { _ in }
            if !isWhole || draw(0...99) < habits.restartsPerHundred {
                open.close()
                producer = nil
            }
            if pauseMilliseconds > 0 { await pass(pauseMilliseconds) }
        }
        let answers = await late?.finish() ?? [:]
        producer?.close()
        return answers
    }

    /// A new producer of the id; nil where it can't begin now.
    func begin(_ late: LateMessages? = nil) async throws(ClientError) -> SteppedProducer? {
        let producer = try SteppedProducer(
            transactionalID, habits.dialect, timeoutMilliseconds: habits.timeoutMilliseconds, configuration, late: late)
        let isAbandoned = state.withLock { state in
            state.producer = producer
            return state.isAbandoned
        }
        if isAbandoned { producer.close() }
        do throws(ClientError) { try await producer.begin() } catch {
            refused(error)
            producer.close()
            return nil
        }
        return producer
    }

    private func refused(_ error: ClientError) {
        state.withLock { $0.refusals[error.code == nil ? "\(error.kind)" : error.description, default: 0] += 1 }
    }

    private func pass(_ milliseconds: Int64) async { try? await Task.sleep(for: .milliseconds(milliseconds)) }

    /// One transaction; false where the producer is of no use any more.
    func transaction(
        _ producer: SteppedProducer, givesUp: Bool? = nil, at moment: (Moment) async -> Void
    ) async -> Bool {
        let (operation, partitions) = state.withLock { state in
            defer { state.operation += 1 }
            let all = Array(topic.partitions).shuffled(using: &state.generator)
            return (state.operation, Array(all.prefix(habits.partitionsInTransaction)))
        }
        let commits = givesUp.map { !$0 } ?? (draw(0...99) >= habits.abortedPerHundred)
        let writes = partitions.map { partition in
            (partition: partition, values: values(operation, partition))
        }
        recorder.note(process, .invoke, .txn, writes.flatMap { items($0.partition, $0.values, at: nil) })
        let asked = clock.now
        var done: [HistoryEvent.Item] = []
        do throws(ClientError) {
            await moment(.afterBegin)
            try await producer.add(partitions.map { topic.place($0) })
            for (index, write) in writes.enumerated() {
                if index == 1 { await moment(.duringWrites) }
                let payload = write.values.map { Payload.bytes(of: $0, size: topic.recordBytes) }
                let first = try await producer.produce(payload, to: topic.place(write.partition))
                done += items(write.partition, write.values, at: first)
                if index == 0 { await moment(.afterFirstWrite) }
            }
            await moment(.beforeEnd)
        } catch {
            refused(error)
            // Nobody was asked to commit it.
            await note(.fail)
            return await isAborted(producer)
        }
        await moment(.duringEnd)
        do throws(ClientError) { try await producer.end(commits: commits) } catch {
            refused(error)
            let mayHaveArrived = await producer.mayHaveArrived
            await note(commits && mayHaveArrived ? .unknown : .fail)
            return false
        }
        await moment(.afterEnd)
        await note(commits ? .ok : .fail, commits ? done : [])
        if commits {
            for write in writes {
                recorder.count(
                    acknowledged: write.values.count, unknown: 0, partition: write.partition, asked: asked)
            }
        }
        return true
    }

    private func isAborted(_ producer: SteppedProducer) async -> Bool {
        do throws(ClientError) {
            try await producer.end(commits: false)
            // What it does not know the end of would share an epoch with what comes next: clients ask for another one.
            return habits.dialect == .two
        } catch {
            refused(error)
            return false
        }
    }

    private func note(_ phase: HistoryEvent.Phase, _ items: [HistoryEvent.Item] = []) async {
        recorder.note(process, phase, .txn, items)
        if phase == .unknown { recorder.note(process, .ok, .crash) }
        state.withLock { state in
            switch phase {
            case .ok: state.tally.committed += 1
            case .fail: state.tally.givenUp += 1
            case .unknown, .invoke: state.tally.unknown += 1
            }
        }
    }

    private func items(_ partition: Int32, _ values: [Int64], at first: Offset?) -> [HistoryEvent.Item] {
        values.enumerated().map { index, value in
            .write(
                key: topic.key(partition), value: value,
                first.map { .acknowledged(at: $0 + Int64(index)) } ?? .asOperation)
        }
    }

    /// Values of this writer only.
    private func values(_ operation: Int64, _ partition: Int32) -> [Int64] {
        Payload.values(of: process, operation, count: habits.recordsInPartition)
    }
}
