import MartletClient
import Primitives
import World

/// All clients of a row at work.
final class RunningLoad: Sendable {
    private static let readerProcess: Int32 = 101
    private static let memberProcess: Int32 = 102
    private static let drainProcess: Int32 = 103
    private static let firstTransactionProcess: Int32 = 201
    private static let transactionPauseMilliseconds: Int64 = 50

    private let topic: LoadTopic
    private let recorder: HistoryRecorder
    private let clock: any Clock
    private let readers: [LoadReader]
    private let member: LoadReader
    private let writers: [LoadWriter]
    private let transactionWriters: [TransactionWriter]
    private let writing: [Task<Void, any Error>]
    private let reading: [Task<Void, any Error>]
    private let watching: Task<Void, Never>

    /// - Parameter transactions: how many clients write transactions beside the others.
    init(
        _ topic: LoadTopic, _ configuration: ClientConfiguration, _ recorder: HistoryRecorder, watch: ClusterWatch,
        clock: any Clock, group: String, writers: ClosedRange<Int32>, operationsPerSecond: Int64, transactions: Int32
    ) {
        self.topic = topic
        self.recorder = recorder
        self.clock = clock
        member = LoadReader(
            process: RunningLoad.memberProcess, .member(group: group), topic, configuration, recorder)
        readers = [
            LoadReader(process: RunningLoad.readerProcess, .assigned, topic, configuration, recorder), member,
        ]
        self.writers = writers.map { process in
            LoadWriter(
                process: process, topic, configuration, recorder, clock: clock,
                operationsPerSecond: operationsPerSecond)
        }
        transactionWriters = (0..<transactions).map { number in
            TransactionWriter(
                process: RunningLoad.firstTransactionProcess + number, topic, configuration, recorder, clock: clock,
                TransactionWriter.Habits(), seed: UInt64(number) + 78)
        }
        writing =
            self.writers.map { writer in Task { try await writer.run() } }
            + transactionWriters.map { writer in
                Task { try await writer.run(pauseMilliseconds: RunningLoad.transactionPauseMilliseconds) }
            }
        reading = readers.map { reader in Task { try await reader.run() } }
        watching = Task { await watch.run() }
    }

    /// Ends the writers when they have their answers, and then the readers.
    func stop() async throws {
        for task in writing { task.cancel() }
        for task in writing { try await task.value }
        for task in reading { task.cancel() }
        for task in reading { try await task.value }
        watching.cancel()
        await watching.value
    }

    /// Ends the writers without their answers, and tells the readers to end: the cluster does not heal. Nothing is
    /// written any more when this returns, so that no row writes into the cluster of the next one.
    func abandon() async {
        for task in writing + reading { task.cancel() }
        watching.cancel()
        for writer in writers { writer.abandon() }
        for writer in transactionWriters { writer.abandon() }
        for task in writing { _ = await task.result }
    }

    /// A fresh client reads everything from the start.
    func drain(
        upTo ends: [Int32: Int64], until limit: MonotonicInstant, _ configuration: ClientConfiguration
    ) async throws {
        let reader = LoadReader(process: RunningLoad.drainProcess, .assigned, topic, configuration, recorder)
        try await reader.drain(upTo: ends, until: limit, clock)
        let garbled = reader.garbledRecords
        if let first = garbled.first {
            throw ChaosError("C1: the last reader got other bytes than were written: \(first)")
        }
    }

    /// A line on the transactions that were written; nil where there are none.
    var transactionLine: String? {
        let tallies = transactionWriters.map(\.tally)
        guard !tallies.isEmpty else { return nil }
        let refusals = transactionWriters.reduce(into: [:]) { all, writer in
            all.merge(writer.refusals) { $0 + $1 }
        }
        return "transactions of the load: \(TransactionWriter.Tally.line(tallies, refusals))"
    }

    var committedPositions: [Int32: Int64] { member.committedPositions }
    var garbledRecords: [String] { readers.flatMap(\.garbledRecords) }
}
