import Histories
import Primitives
import Testing

@Suite("The judge of histories")
struct CheckerTests {
    private static let header = HistoryWriter.header + "\n"

    @Test("A value that is written twice can't be judged")
    func valuesAreUnique() throws {
        let text =
            CheckerTests.header + "1 1 invoke send w:a:1\n2 1 fail send\n3 1 invoke send w:a:1\n4 1 ok send w:a:1@0"
        let history = try HistoryReader.read(text)
        let error = #expect(throws: HistoryError.self) { try HistoryChecker.check(history) }
        #expect(error?.description.hasPrefix("line 4: 1 is written to a again; line 2 wrote it already") == true)
    }

    @Test("A transaction without an answer is committed once one of its writes was read: then the others must be there")
    func unknownTransactions() throws {
        let unread = """
            1 1 invoke txn w:a:1 w:b:1
            2 1 unknown txn w:a:1@0 w:b:1@0
            3 2 invoke send w:b:2
            4 2 ok send w:b:2@2

            """
        #expect(try AnomalyTests.found(unread + "5 3 invoke poll\n6 3 ok poll r:b:2@2") == [])
        #expect(
            try AnomalyTests.found(unread + "5 3 invoke poll\n6 3 ok poll r:b:2@2 r:a:1@0")
                == ["lost-write", "torn-transaction"])
    }

    @Test("Writes of a send stand for themselves: one that was read proves nothing about the others")
    func unknownSends() throws {
        let text = """
            1 1 invoke send w:a:1 w:a:2
            2 1 unknown send
            3 2 invoke poll
            4 2 ok poll r:a:2@1
            5 2 ok drain a
            """
        #expect(try AnomalyTests.found(text) == [])
    }

    @Test("What a crash leaves open is unknown")
    func crashes() throws {
        let text = "1 1 invoke send w:a:1\n2 1 ok crash\n3 1 invoke poll\n4 1 ok poll r:a:1@0\n5 1 ok drain a"
        let verdict = try AnomalyTests.verdict(text)
        #expect(verdict.isFine && verdict.undrainedKeys == [])
        #expect(verdict.figures.committedWrites == 1)
    }

    @Test("Keys that nobody read to their end are named")
    func undrained() throws {
        let verdict = try AnomalyTests.verdict("1 1 invoke send w:a:1 w:b:1\n2 1 ok send\n3 2 ok drain b")
        #expect(verdict.undrainedKeys == ["a"])
        #expect(verdict.tallies.map(\.anomaly) == [.unseen])
        #expect(verdict.description.contains("nobody read to the end: a;"))
    }

    @Test("The worst lag is that of a reader that had caught up, from when the record was known to when it asked")
    func lag() throws {
        let text = """
            0 2 ok assign a
            1000 1 invoke send w:a:1
            2000 1 ok send w:a:1@0
            3000 2 invoke poll
            4000 2 ok poll r:a:1@0
            5000 1 invoke send w:a:2
            6000 1 ok send w:a:2@1
            8000 2 invoke poll
            8500 2 ok poll
            9000 2 invoke poll
            9500 2 ok poll r:a:2@1
            """
        let verdict = try AnomalyTests.verdict(text)
        #expect(verdict.figures.worstLagMicroseconds == 2_000)
        #expect(verdict.figures.worstLagLine == 10)
        #expect(verdict.isFine)
    }

    @Test("Many anomalies of a kind are all counted, and the first are shown")
    func many() throws {
        var text = ""
        for value in 0..<50 { text += "\(value) 1 invoke send w:a:\(value)\n\(value) 1 ok send w:a:\(value)@7\n" }
        let tally = try #require(try AnomalyTests.verdict(text).tallies.first)
        #expect(tally.anomaly == .inconsistentOffsets)
        #expect(tally.count == 49)
        #expect(tally.examples.count == 10)
        #expect(try AnomalyTests.verdict(text).description.contains("and 39 more"))
    }

    @Test("A long history of a log that is as it should be has no anomaly, whatever clients miss")
    func long() throws {
        var log = SoundLog(seed: 7)
        let history = try log.history(operationCount: 6_000)
        let verdict = try HistoryChecker.check(history)
        #expect(verdict.isFine, "\(verdict)")
        #expect(verdict.figures.operations > 6_000)
        #expect(verdict.figures.unknownWrites > 10)
        #expect(verdict.undrainedKeys == [])
        #expect(verdict.figures.worstLagMicroseconds != nil)
    }

    @Test("One record that vanishes from a long history is found")
    func oneLost() throws {
        var log = SoundLog(seed: 8, forgetsOne: true)
        let verdict = try HistoryChecker.check(log.history(operationCount: 5_000))
        #expect(!verdict.isFine)
        #expect(verdict.tallies.contains { $0.anomaly == .lostWrite && $0.count == 1 })
    }
}

/// A log in memory that keeps all promises, and clients that lose answers: their history must be judged as sound.
struct SoundLog {
    private var generator: SeededGenerator
    private let forgetsOne: Bool
    private var logs: [[Int64]] = Array(repeating: [], count: 4)
    private var nextValue: Int64 = 0
    private var time: Int64 = 0
    private var positions: [Int32: [Int]] = [:]
    private var builder = HistoryBuilder()
    private var lost: (key: Int, offset: Int)?

    init(seed: UInt64, forgetsOne: Bool = false) {
        generator = SeededGenerator(seed: seed)
        self.forgetsOne = forgetsOne
    }

    private static func name(_ key: Int) -> String { "orders-\(key)" }
    private var names: [HistoryEvent.Item] { logs.indices.map { .key(SoundLog.name($0)) } }

    private mutating func note(
        _ process: Int32, _ phase: HistoryEvent.Phase, _ kind: HistoryEvent.Kind, _ items: [HistoryEvent.Item] = []
    ) throws {
        time += Int64.random(in: 1...400, using: &generator)
        try builder.add(HistoryEvent(timeMicroseconds: time, process: process, phase, kind, items))
    }

    mutating func history(operationCount: Int) throws -> History {
        for process: Int32 in 4..<8 {
            try note(process, .ok, .assign, names)
            positions[process] = [0, 0, 0, 0]
        }
        for count in 0..<operationCount {
            if count == operationCount / 2, forgetsOne { lost = (1, logs[1].count - 1) }
            let process = Int32.random(in: 0..<8, using: &generator)
            if process < 4 { try send(process) } else { try poll(process, most: 5) }
        }
        try note(9, .ok, .assign, names)
        positions[9] = [0, 0, 0, 0]
        try poll(9, most: .max)
        try note(9, .ok, .drain, names)
        return builder.finish()
    }

    private mutating func send(_ process: Int32) throws {
        let key = Int.random(in: 0..<4, using: &generator)
        let values = (0..<Int64.random(in: 1...3, using: &generator)).map { nextValue + $0 }
        nextValue += Int64(values.count)
        let name = SoundLog.name(key)
        try note(process, .invoke, .send, values.map { .write(key: name, value: $0, .asOperation) })
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: try note(process, .fail, .send)
        case 1: try note(process, .unknown, .send)
        case 2:
            logs[key] += values
            try note(process, .unknown, .send)
        default:
            let start = Int64(logs[key].count)
            logs[key] += values
            let items = values.enumerated().map { index, value in
                HistoryEvent.Item.write(
                    key: name, value: value, .acknowledged(at: Offset(start + Int64(index))))
            }
            try note(process, .ok, .send, items)
        }
    }

    private mutating func poll(_ process: Int32, most: Int) throws {
        try note(process, .invoke, .poll)
        var read: [HistoryEvent.Item] = []
        for key in logs.indices {
            let start = positions[process]?[key] ?? 0
            let end = start + min(most, logs[key].count - start)
            for offset in start..<end where lost.map({ $0 != (key, offset) }) ?? true {
                read.append(.read(key: SoundLog.name(key), value: logs[key][offset], at: Offset(Int64(offset))))
            }
            positions[process]?[key] = end
        }
        try note(process, .ok, .poll, read)
    }
}
