import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Recovery") struct RecoveryTests {
    @Test("A clean stop and start reads nothing again and goes on where it stopped")
    func cleanRestart() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(30)
        let before = try fixture.contents()
        let end = fixture.log.logEndOffset
        try fixture.log.close()
        try fixture.reopen(clean: true)
        #expect(fixture.report.scannedBytes == 0)
        #expect(fixture.report.rebuiltIndexes == 0)
        #expect(fixture.report.replayedBatches == 0)
        #expect(fixture.log.logEndOffset == end)
        #expect(fixture.log.flushedEndOffset == end)
        #expect(try fixture.contents() == before)
        try fixture.fill(5)
        #expect(try fixture.contents().starts(with: before))
    }

    @Test("After kill -9 what the page cache has is kept, counted as flushed only once it is")
    func killKeepsPageCache() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(30)
        let before = try fixture.contents()
        try fixture.reopen()
        #expect(try fixture.contents() == before)
        #expect(fixture.report.scannedBytes == Int64(before.count))
        #expect(fixture.log.flushedEndOffset == fixture.log.logEndOffset)
        var generator = SeededGenerator(seed: 1)
        fixture.disk.crash(using: &generator)
        try fixture.reopen()
        #expect(try fixture.contents() == before, "recovery flushed it")
    }

    @Test("A tail torn at any byte is cut to the last whole batch")
    func tornAtEveryByte() throws {
        var fixture = try LogFixture()
        try fixture.fill(4)
        let whole = try fixture.contents()
        let lastStart = whole.count - batch(1).count
        let file = fixture.path("00000000000000000000.log")
        for length in lastStart..<whole.count {
            var torn = fixture
            torn.disk = fixture.disk.copy()
            torn.disk.edit(file) { $0.removeSubrange(length...) }
            try torn.reopen()
            #expect(try torn.contents() == Array(whole[..<lastStart]))
            #expect(torn.report.truncatedBytes == Int64(length - lastStart))
            #expect(torn.disk.content(file).count == lastStart)
        }
    }

    @Test("Zeros and noise behind the last batch are cut off")
    func noiseAtTheEnd() throws {
        for noise in [[UInt8](repeating: 0, count: 4_096), [UInt8](repeating: 0xA5, count: 100)] {
            var fixture = try LogFixture()
            try fixture.fill(4)
            let whole = try fixture.contents()
            fixture.disk.edit(fixture.path("00000000000000000000.log")) { $0 += noise }
            try fixture.reopen()
            #expect(try fixture.contents() == whole)
        }
    }

    @Test("A flipped bit below the recovery point is corruption: the open fails and shortens nothing")
    func corruptMiddle() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(20)
        try fixture.log.flush()
        try fixture.log.recoveryPointWasSaved(fixture.log.flushedEndOffset)
        try fixture.fill(3)
        let file = fixture.path("00000000000000000000.log")
        let (first, second) = (batch(1).count, batch(2).count)
        for position in 0..<first + second {
            // The epoch stands outside the checksum; a later batch tells that the first one's is wrong.
            if (first + 12..<first + 16).contains(position) { continue }
            var damaged = fixture
            damaged.disk = fixture.disk.copy()
            damaged.disk.flip(file, at: position)
            let content = damaged.disk.content(file)
            #expect(throws: StorageError.self, "byte \(position)") { try damaged.reopen(recoveryPoint: Offset(3)) }
            #expect(damaged.disk.content(file) == content)
        }
        try fixture.reopen(recoveryPoint: Offset(3))
    }

    @Test("A log that ends before its recovery point lost flushed records: corruption, not a short log")
    func endsBeforeRecoveryPoint() throws {
        var fixture = try LogFixture()
        try fixture.fill(4)
        try fixture.log.flush()
        let point = fixture.log.flushedEndOffset
        try fixture.log.recoveryPointWasSaved(point)
        let size = batch(1).count
        fixture.disk.edit(fixture.path("00000000000000000000.log")) { $0.removeLast(size) }
        #expect(throws: StorageError.self) { try fixture.reopen(recoveryPoint: point) }
    }

    @Test("A new log under the name of a deleted one does not inherit its recovery point, wherever power is lost")
    func inheritsNoRecoveryPoint() throws {
        for seed in 0..<30 as Range<UInt64> {
            let disk = SimDisk()
            // The directory and the topic's id are there before the log is opened.
            try disk.createDirectory(LogFixture.directory)
            try PartitionMetadataFile.write(UUID128(high: 1, low: 2), in: LogFixture.directory, disk)
            var fixture = try LogFixture(disk: disk)
            try fixture.fill(Int(seed % 5))
            if seed % 2 == 0 { try fixture.log.flush() }
            let flushed = fixture.log.flushedEndOffset
            var generator = SeededGenerator(seed: seed)
            disk.crash(using: &generator)
            try fixture.reopen(recoveryPoint: Offset(1_000))
            #expect(fixture.log.logEndOffset >= flushed)
        }
    }

    @Test("A bad batch behind the recovery point ends the log there, also in an earlier segment than the last")
    func cutsLaterSegments() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(40)
        let second = try fixture.names.filter { $0.hasSuffix(".log") }[1]
        fixture.disk.flip(fixture.path(second), at: 90)
        try fixture.reopen()
        #expect(fixture.log.segmentCount == 2)
        #expect(fixture.report.removedSegments > 0)
        #expect(try fixture.names.filter { $0.hasSuffix(".log") }.last == second)
    }

    @Test("Lost and damaged index files are made anew")
    func lostIndexes() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(40)
        try fixture.log.close()
        let before = try LogFixture.contentsOfIndexes(fixture)
        for name in try fixture.names where name.hasSuffix("index") {
            if name.hasSuffix(".index") {
                try fixture.disk.remove(fixture.path(name))
            } else {
                fixture.disk.edit(fixture.path(name)) { $0 += [1, 2, 3] }
            }
        }
        try fixture.reopen(clean: true)
        #expect(fixture.report.rebuiltIndexes == fixture.log.segmentCount)
        try fixture.log.close()
        #expect(try LogFixture.contentsOfIndexes(fixture) == before)
    }

    @Test("A stop at every single operation, with power lost, leaves a log that opens and has all that was flushed")
    func stopsAtEveryOperation() throws {
        for seed in 0..<3 as Range<UInt64> {
            var operation = 0
            while try !stops(at: operation, seed: seed) { operation += 1 }
            #expect(operation > 40)
        }
    }

    /// Runs a fixed history that is stopped at an operation; true when it came to its end.
    private func stops(at operation: Int, seed: UInt64) throws -> Bool {
        var generator = SeededGenerator(seed: seed &* 1_000 &+ UInt64(operation))
        var fixture = try LogFixture.small()
        var written: [UInt8] = []
        var flushed = Offset.zero
        fixture.disk.stop(atOperation: fixture.disk.operations + operation)
        var isDone = false
        do {
            for step in 0..<12 {
                let piece = batch(step % 3 + 1, valueBytes: 150, time: 1_000 + Int64(step))
                _ = try fixture.log.appendAsLeader([piece], epoch: LeaderEpoch(Int32(step / 4)), now: fixture.now)
                written += piece.array
                if step % 3 == 2 {
                    try fixture.log.flush()
                    flushed = fixture.log.flushedEndOffset
                }
            }
            try fixture.log.close()
            isDone = true
            fixture.disk.stop(atOperation: nil)
        } catch {
            #expect(throws: StorageError.self) { try fixture.append(batch()) }
        }
        fixture.disk.crash(using: &generator)
        try fixture.reopen(recoveryPoint: flushed)
        #expect(fixture.log.logEndOffset >= flushed)
        let found = try fixture.contents()
        let known = try Self.batches(written)
        let stored = try Self.batches(found)
        #expect(stored.count >= known.count(where: { $0.nextOffset <= flushed }))
        for (index, header) in stored.enumerated() where index < known.count { #expect(header == known[index]) }
        if isDone { #expect(found == written) }
        return isDone
    }

    private static func batches(_ bytes: [UInt8]) throws -> [RecordBatchHeader] {
        var batches = RecordBatches(Bytes(bytes))
        var headers: [RecordBatchHeader] = []
        while let batch = try batches.next() { headers.append(batch.header) }
        return headers
    }

    @Test("Rule 24: a failed write takes the log offline, changes no state and is not tried again")
    func failedWrite() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(batch(producer: idempotent(5, sequence: 0)))
        fixture.disk.fail("write", on: ".log")
        #expect(throws: StorageError.self) { try fixture.append(batch(producer: idempotent(5, sequence: 1))) }
        fixture.disk.heal()
        #expect(fixture.log.failure?.operation == "write")
        #expect(fixture.log.producers[ProducerID(5)]?.batches.count == 1)
        #expect(fixture.log.logEndOffset == Offset(1))
        do {
            _ = try fixture.append(batch())
            Issue.record("appended to an offline log")
        } catch let error as StorageError {
            #expect(error.takesDirectoryOffline)
            #expect(error.code == .kafkaStorageError)
        }
    }

    @Test("A failed roll takes the log offline, and what was acknowledged before is there after a restart")
    func failedRoll() throws {
        for step in ["index", "snapshot", "00000000000000000002.log"] {
            var fixture = try LogFixture { $0.segmentBytes = 200 }
            _ = try fixture.append(batch(2))
            fixture.disk.fail(step.hasSuffix("log") ? "open" : "write", on: step)
            #expect(throws: StorageError.self) { try fixture.append(batch(2)) }
            fixture.disk.heal()
            try fixture.reopen()
            #expect(fixture.log.logEndOffset == Offset(2))
        }
    }

    @Test("A start that is itself stopped at every operation can be repeated")
    func recoveryIsRepeatable() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(25)
        let whole = try fixture.contents()
        fixture.disk.edit(fixture.path("00000000000000000000.log")) { $0.removeLast(30) }
        var operation = 0
        var isDone = false
        while !isDone {
            var attempt = fixture
            attempt.disk = fixture.disk.copy()
            attempt.disk.stop(atOperation: attempt.disk.operations + operation)
            do {
                try attempt.reopen()
                isDone = true
            } catch {
                var generator = SeededGenerator(seed: UInt64(operation))
                attempt.disk.crash(using: &generator)
                try attempt.reopen()
            }
            #expect(attempt.log.segmentCount == 1)
            #expect(try attempt.contents() == Array(whole[..<attempt.contents().count]))
            operation += 1
        }
        #expect(operation > 5)
    }
}

extension LogFixture {
    /// All index files by name.
    static func contentsOfIndexes(_ fixture: LogFixture) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try fixture.names where name.hasSuffix("index") {
            found[name] = fixture.disk.content(fixture.path(name))
        }
        return found
    }
}
