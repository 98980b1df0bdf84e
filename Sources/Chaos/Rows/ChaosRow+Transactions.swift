import Histories
import LiveWorld
import LocalCluster
import MartletClient
import Primitives
import World

/// Coordinators of transactions that die, and messages that come when nobody waits for them any more.
extension ChaosRow {
    private static let downMilliseconds: Int64 = 1_500
    private static let beginMillisecondsMax: Int64 = 30_000
    private static let drainMillisecondsMax: Int64 = 60_000
    private static let probeProcess: Int32 = 401
    private static let firstLateProcess: Int32 = 601
    private static let lateReaderProcess: Int32 = 104

    static let transactionRows: [ChaosRow] = [
        ChaosRow(
            id: "F31",
            fault: "kill -9 the coordinator of a transaction: after InitProducerId, after and during its writes, "
                + "before EndTxn, while it is under way, and while the markers are",
            promise: "all of a transaction or nothing of it; none hangs beyond its timeout",
            overrides: coordinationOverrides, transactionWriters: 3
        ) { stage, round in try await coordinatorsKilled(stage, round) },
        ChaosRow(
            id: "F32",
            fault: "hold EndTxn, AddPartitionsToTxn and Produce of 50 clients back at random, for up to 20 s; they ask "
                + "again, or give up and go on: 1,000 transactions",
            promise: "what comes late is refused or changes nothing: no transaction is torn, none read that was "
                + "given up",
            overrides: coordinationOverrides, transactionWriters: 1
        ) { stage, round in
            try await lateMessages(stage, round)
            try await lateMessagesOfOldClients(stage, round)
        },
    ]

    // MARK: F31

    /// When the coordinator is killed: the moment, and the longest delay after it.
    private static let killings: [(moment: TransactionWriter.Moment, delayMillisecondsMax: Int64?)] = [
        (.afterBegin, nil), (.afterFirstWrite, nil), (.duringWrites, 20), (.beforeEnd, nil), (.duringEnd, 5),
        (.duringEnd, 40), (.afterEnd, nil), (.afterEnd, 10),
    ]

    private static func coordinatorsKilled(_ stage: ChaosStage, _ round: Int) async throws {
        let probe = TransactionWriter(
            process: probeProcess, stage.topic, stage.admin.cluster.configuration, stage.recorder, clock: stage.clock,
            TransactionWriter.Habits(), seed: UInt64(stage.draw(0...1_000_000)),
            firstOperation: Int64(round * killings.count))
        for (moment, delay) in killings {
            let producer = try await begun(probe, stage)
            let node = Int(try await producer.findCoordinator().value)
            stage.note("kill the coordinator, node \(node), \(moment.rawValue)")
            var killing: Task<Void, any Error>?
            let before = probe.tally
            _ = await probe.transaction(producer, givesUp: false) { reached in
                guard reached == moment else { return }
                let wait = delay.map { stage.draw(0...$0) }
                let task = Task {
                    if let wait { await stage.pass(wait) }
                    try await stage.kill(node)
                }
                killing = task
                if wait == nil { _ = await task.result }
            }
            try await killing?.value
            producer.close()
            let after = probe.tally
            stage.note(
                after.committed > before.committed
                    ? "it is committed" : after.givenUp > before.givenUp ? "it is given up" : "its end is unknown")
            await stage.last(downMilliseconds)
            try stage.start(node)
            try await stage.awaitHealed()
        }
        let tally = TransactionWriter.Tally.line([probe.tally], probe.refusals)
        stage.remark("transactions whose coordinator was killed: \(tally)")
    }

    private static func begun(_ writer: TransactionWriter, _ stage: ChaosStage) async throws -> SteppedProducer {
        let end = stage.clock.now.advanced(byMilliseconds: beginMillisecondsMax)
        while stage.clock.now < end {
            if let producer = try await writer.begin() { return producer }
            await stage.pass(100)
        }
        throw ChaosError("no producer can begin: \(writer.refusals)")
    }

    // MARK: F32

    private static func lateMessages(_ stage: ChaosStage, _ round: Int) async throws {
        stage.beginFault("hold messages of 50 clients back, of 20 transactions each")
        var habits = TransactionWriter.Habits()
        habits.late = LateMessages.Habits()
        try await torture(
            stage, stage.topic, stage.recorder, habits, clients: 50, transactions: 20,
            firstOperation: Int64(round * 20))
    }

    /// Epochs of their own for each transaction are what keeps late messages out: what becomes of clients that have
    /// none is told, and judged by nobody.
    private static func lateMessagesOfOldClients(_ stage: ChaosStage, _ round: Int) async throws {
        var topic = stage.topic
        topic.name += "-one-\(round)"
        try await stage.admin.createTopic(
            topic.name, partitions: topic.partitionCount,
            replicationFactor: Int16(stage.processes.plan.replicationFactor))
        let files = PosixFileStore()
        let recorder = try HistoryRecorder(
            path: "\(stage.processes.directory.path)/history-of-version-one-\(round).txt", files: files,
            clock: stage.clock)
        stage.note("the same with 10 clients of transactions of version 1")
        var habits = TransactionWriter.Habits()
        habits.late = LateMessages.Habits()
        habits.dialect = .one
        try await torture(stage, topic, recorder, habits, clients: 10, transactions: 20, firstOperation: 0)
        let ends = try await stage.ends(of: topic)
        try await stage.awaitDecided(topic, upTo: ends)
        let reader = LoadReader(
            process: lateReaderProcess, .assigned, topic, stage.admin.cluster.configuration, recorder)
        try await reader.drain(
            upTo: ends, until: stage.clock.now.advanced(byMilliseconds: drainMillisecondsMax), stage.clock)
        let verdict = try HistoryChecker.check(try recorder.finish())
        let bad = verdict.tallies.filter { !$0.isAllowed }
        stage.remark(
            "version 1, seen and not judged: "
                + (bad.isEmpty
                    ? "no anomaly"
                    : bad.map { "\($0.anomaly.rawValue) \($0.count) times (\($0.examples[0].text))" }
                        .joined(separator: ", ")))
    }

    private static func torture(
        _ stage: ChaosStage, _ topic: LoadTopic, _ recorder: HistoryRecorder, _ habits: TransactionWriter.Habits,
        clients: Int32, transactions: Int, firstOperation: Int64
    ) async throws {
        let configuration = stage.admin.cluster.configuration
        let writers = (0..<clients).map { number in
            TransactionWriter(
                process: firstLateProcess + number, id: "late-\(topic.name)-\(number)", topic, configuration, recorder,
                clock: stage.clock, habits, seed: UInt64(stage.draw(0...1_000_000_000)),
                firstOperation: firstOperation)
        }
        let start = stage.clock.now
        let answers = try await withThrowingTaskGroup(of: [String: Int].self) { group in
            for writer in writers { group.addTask { try await writer.run(transactionsMax: transactions) } }
            return try await group.reduce(into: [:]) { all, more in all.merge(more) { $0 + $1 } }
        }
        let refusals = writers.reduce(into: [String: Int]()) { all, writer in
            all.merge(writer.refusals) { $0 + $1 }
        }
        let seconds = stage.clock.now.milliseconds(since: start) / 1_000
        let line = TransactionWriter.Tally.line(writers.map(\.tally), refusals)
        stage.remark("transactions with messages held back, version \(habits.dialect.rawValue), \(seconds) s: \(line)")
        let listed = answers.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        stage.remark("what came late: " + listed.joined(separator: ", "))
    }
}
