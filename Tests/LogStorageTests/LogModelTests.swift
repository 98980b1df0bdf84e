import Foundation
import LogStorage
import Primitives
import Testing
import WireProtocol
import World

/// The log as a plain list of batches: slow, obvious, and without a disk.
private struct ModelLog {
    var batches: [RecordBatch] = []
    var start = Offset.zero
    /// The end of an empty list.
    var emptyEnd = Offset.zero
    /// Every batch that ends at or before it must survive anything.
    var durableEnd = Offset.zero
    var recoveryPoint = Offset.zero

    var end: Offset { batches.last?.header.nextOffset ?? emptyEnd }

    mutating func cut(to offset: Offset) {
        let kept = batches.prefix { $0.header.nextOffset <= offset }
        if kept.isEmpty { emptyEnd = batches.first?.header.baseOffset ?? emptyEnd }
        batches = Array(kept)
        durableEnd = min(durableEnd, end)
        start = min(start, end)
    }

    /// Keeps what a log has that lost records which were not durable.
    mutating func lose(to offset: Offset) {
        cut(to: offset)
    }

    var records: [Record] {
        get throws {
            var all: [Record] = []
            for batch in batches {
                var records = try RecordIterator(batch)
                while let record = try records.next() { all.append(record) }
            }
            return all
        }
    }

    var contents: [UInt8] { batches.filter { $0.header.nextOffset > start }.flatMap(\.bytes.array) }

    var epochs: [LeaderEpochs.Entry] {
        var entries: [LeaderEpochs.Entry] = []
        for batch in batches where batch.header.nextOffset > start && batch.header.leaderEpoch != entries.last?.epoch {
            entries.append(.init(epoch: batch.header.leaderEpoch, startOffset: max(start, batch.header.baseOffset)))
        }
        return entries
    }
}

/// The log and its model under the same random operations; the first difference ends the run.
private struct LogDuel {
    var generator: SeededGenerator
    var fixture: LogFixture
    var model = ModelLog()
    var epoch: Int32 = 0
    var ticket: FlushTicket?
    var sequences: [Int64: Int32] = [:]
    var done: [Operation: Int] = [:]

    enum Operation: CaseIterable {
        case appendAsLeader, appendAsLeader2, appendAsFollower, takeTicket, settleTicket, flush, roll, truncate
        case raiseStart, savePoint, kill, crash, restart, read, startLater, readAtTheEnd, findTime
    }

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        fixture = try LogFixture.small()
    }

    mutating func draw(_ limit: Int) -> Int { limit <= 0 ? 0 : Int(generator.next() % UInt64(limit)) }

    mutating func run(steps: Int) throws {
        for step in 0..<steps {
            let operation = Operation.allCases[draw(Operation.allCases.count)]
            try perform(operation)
            done[operation, default: 0] += 1
            try compare("step \(step), \(operation)")
        }
    }

    mutating func compare(_ place: String) throws {
        try #require(fixture.log.logEndOffset == model.end, "log end after \(place)")
        try #require(fixture.log.logStartOffset == model.start, "log start after \(place)")
        try #require(fixture.log.flushedEndOffset <= model.end, "flushed end after \(place)")
        // An empty log may still know the epoch of what was removed before its start.
        if model.start < model.end {
            try #require(fixture.log.epochs.entries == model.epochs, "epochs after \(place)")
        }
        if draw(4) == 0 { try #require(try fixture.contents() == model.contents, "contents after \(place)") }
    }

    mutating func makeBatch(at offset: Offset) -> Bytes {
        let id = Int64(draw(4))
        let count = draw(3) + 1
        let sequence = sequences[id, default: 0]
        sequences[id] = sequence + Int32(count)
        let isIdempotent = draw(3) == 0
        return batch(
            count, valueBytes: draw(200), time: 1_000 + Int64(draw(1_000)),
            producer: isIdempotent ? idempotent(id, epoch: Int16(epoch), sequence: 0) : nil, baseOffset: offset.value,
            epoch: epoch, fill: UInt8(draw(256)))
    }

    mutating func perform(_ operation: Operation) throws {
        switch operation {
        case .appendAsLeader, .appendAsLeader2: try appendAsLeader()
        case .appendAsFollower: try appendAsFollower()
        // One flush of a log runs at a time.
        case .takeTicket: if ticket == nil { ticket = fixture.log.prepareFlush() }
        case .settleTicket:
            guard let taken = ticket else { return }
            ticket = nil
            try taken.run(fixture.disk)
            fixture.log.flushed(taken)
            model.durableEnd = max(model.durableEnd, fixture.log.flushedEndOffset)
        case .flush:
            if let taken = ticket { try taken.run(fixture.disk) }
            ticket = nil
            try fixture.log.flush()
            model.durableEnd = model.end
        case .roll: try fixture.log.roll(now: fixture.now)
        case .truncate:
            if draw(3) > 0 { return }
            let length = model.end - model.start
            let cut = model.start + Int64(draw(Int(length) + 1))
            try fixture.log.truncate(to: cut)
            if cut < model.end { model.cut(to: cut) }
            epoch += 1
        case .raiseStart:
            let room = min(model.durableEnd, fixture.log.flushedEndOffset) - model.start
            let target = model.start + Int64(draw(Int(max(room, 0)) / 2 + 1))
            for removal in try fixture.log.incrementLogStartOffset(to: target) { try removal.run(fixture.disk) }
            model.start = target
            let end = model.end
            model.batches.removeAll { $0.header.nextOffset <= target && $0.header.nextOffset < end }
        case .savePoint:
            model.recoveryPoint = fixture.log.flushedEndOffset
            try fixture.log.recoveryPointWasSaved(model.recoveryPoint)
        case .findTime: try findTime()
        case .kill: try reopen(.unclean)
        case .crash: try reopen(.powerLost)
        case .restart: try reopen(.clean)
        case .read: try read()
        case .readAtTheEnd:
            let slice = try fixture.log.read(from: model.end, maxBytes: 1_000, upTo: model.end, minOneMessage: true)
            try #require(slice.isEmpty)
        case .startLater:
            if draw(8) > 0 { return }
            let target = model.end + Int64(draw(50))
            try fixture.log.truncateFullyAndStart(at: target)
            model = ModelLog(
                start: target, emptyEnd: target, durableEnd: target, recoveryPoint: model.recoveryPoint)
            epoch += 1
        }
    }

    mutating func appendAsLeader() throws {
        var pieces: [Bytes] = []
        var next = model.end
        for _ in 0...draw(3) {
            let made = makeBatch(at: next)
            let copy = Bytes(made.array)
            copy.patch(Int64(0), at: 0)
            pieces.append(copy)
            next = try RecordBatch(made).header.nextOffset
        }
        let outcomes = try fixture.log.appendAsLeader(pieces, epoch: LeaderEpoch(epoch), now: fixture.now)
        for (piece, outcome) in zip(pieces, outcomes) where outcome.appended != nil {
            let stored = try RecordBatch(piece)
            try #require(stored.header.baseOffset == model.end)
            model.batches.append(stored)
        }
    }

    mutating func appendAsFollower() throws {
        if draw(2) == 0 { epoch += 1 }
        var bytes: [UInt8] = []
        for _ in 0...draw(3) {
            let made = makeBatch(at: model.end)
            model.batches.append(try RecordBatch(made))
            bytes += made.array
        }
        // A fetch may end with a part of a batch.
        bytes += batch(baseOffset: model.end.value, epoch: epoch).array.prefix(draw(60))
        try fixture.log.appendAsFollower(Bytes(bytes), now: fixture.now)
    }

    mutating func findTime() throws {
        let records = try model.records.filter { $0.offset >= model.start }
        let time = Timestamp(900 + Int64(draw(1_300)))
        let expected = records.first { $0.timestamp >= time }
        let found = try fixture.log.offset(forTimestamp: time)
        try #require(found?.offset == expected?.offset, "the first record of \(time) or later")
        let newest = records.map(\.timestamp).max()
        // The greatest timestamp may be that of a removed record whose segment is still there.
        if let newest, model.start == .zero {
            let greatest = try fixture.log.offsetOfMaxTimestamp()
            try #require(greatest?.offset == records.first { $0.timestamp == newest }?.offset)
        }
    }

    enum Stop { case clean, unclean, powerLost }

    mutating func reopen(_ stop: Stop) throws {
        ticket = nil
        switch stop {
        case .clean:
            try fixture.log.close()
            model.durableEnd = model.end
            fixture.disk.kill()
        case .unclean: fixture.disk.kill()
        case .powerLost: fixture.disk.crash(using: &generator)
        }
        (fixture.log, fixture.report) = try PartitionLog.open(
            directory: LogFixture.directory, files: fixture.disk, configuration: fixture.configuration,
            start: RecoveryStart(
                wasCleanShutdown: stop == .clean, recoveryPoint: model.recoveryPoint, logStartOffset: model.start),
            now: fixture.now)
        let end = fixture.log.logEndOffset
        try #require(end >= model.durableEnd, "flushed records are lost")
        if stop != .powerLost { try #require(end == model.end, "records are lost that the machine still has") }
        model.lose(to: end)
        try #require(try fixture.contents() == model.contents)
        model.durableEnd = model.end
        try #require(fixture.log.flushedEndOffset == model.end)
    }

    mutating func read() throws {
        guard let picked = model.batches.isEmpty ? nil : model.batches[draw(model.batches.count)],
            picked.header.baseOffset >= model.start
        else { return }
        let delta = Int64(draw(Int(picked.header.lastOffsetDelta) + 1))
        let limit = model.batches[draw(model.batches.count)].header.nextOffset
        let bytes = try fixture.log.readBytes(
            from: picked.header.baseOffset + delta, upTo: limit, maxBytes: draw(1_500))
        let following = model.batches.filter {
            $0.header.baseOffset >= picked.header.baseOffset && $0.header.nextOffset <= limit
        }
        try #require(following.flatMap(\.bytes.array).starts(with: bytes.array))
        try #require(bytes.isEmpty == (following.isEmpty || picked.header.baseOffset + delta >= limit))
    }
}

@Suite("A log against a plain model") struct LogModelTests {
    /// `SEED=n swift test --filter LogModelTests` repeats one run.
    private static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }.map { [$0] } ?? Array(1...60)

    @Test("Random operations, stops and crashes: the log is what the model says", arguments: seeds)
    func duel(seed: UInt64) throws {
        var duel = try LogDuel(seed: seed)
        try duel.run(steps: 150)
    }

    @Test("Every operation of the model happens")
    func coverage() throws {
        var duel = try LogDuel(seed: 4711)
        try duel.run(steps: 600)
        for operation in LogDuel.Operation.allCases { #expect(duel.done[operation, default: 0] > 0) }
    }
}
