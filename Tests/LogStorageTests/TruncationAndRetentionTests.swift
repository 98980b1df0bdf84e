import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Truncation and retention") struct TruncationAndRetentionTests {
    @Test("A cut at any offset leaves the batches that lie wholly below it, over segments and restarts")
    func cutsEverywhere() throws {
        var whole = try LogFixture.small()
        try whole.fill(30)
        let all = try whole.contents()
        for cut in 0...whole.log.logEndOffset.value {
            var fixture = try LogFixture.small()
            try fixture.log.appendAsFollower(Bytes(all), now: fixture.now)
            try fixture.log.flush()
            try fixture.log.truncate(to: Offset(cut))
            let kept = try fixture.contents()
            #expect(all.starts(with: kept))
            #expect(fixture.log.logEndOffset.value <= cut && cut < fixture.log.logEndOffset.value + 3)
            #expect(fixture.log.flushedEndOffset <= fixture.log.logEndOffset)
            // What was cut comes again, and the log goes on as if nothing had been.
            try fixture.log.appendAsFollower(Bytes(Array(all[kept.count...])), now: fixture.now)
            #expect(try fixture.contents() == all)
            try fixture.reopen(recoveryPoint: whole.log.logEndOffset)
            #expect(try fixture.contents() == all)
        }
    }

    @Test("Power lost right after a cut and an append leaves no record of the cut part")
    func cutThenCrash() throws {
        for seed in 0..<100 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var fixture = try LogFixture.small()
            for index in 0..<20 { _ = try fixture.append(batch(fill: UInt8(index)), epoch: 1) }
            try fixture.log.flush()
            let point = fixture.log.flushedEndOffset
            try fixture.log.truncate(to: Offset(8))
            for _ in 0..<20 { _ = try fixture.append(batch(fill: 0x7A), epoch: 2) }
            let written = try fixture.contents()
            fixture.disk.crash(using: &generator)
            // The directory's checkpoint still has the old recovery point.
            try fixture.reopen(recoveryPoint: point)
            #expect(written.starts(with: try fixture.contents()))
            #expect(fixture.log.logEndOffset >= Offset(8))
            #expect(fixture.log.epochs.entries.allSatisfy { $0.epoch.value == 1 || $0.startOffset == Offset(8) })
        }
    }

    @Test("A follower whose leader begins later starts empty at that offset")
    func startsLater() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(20)
        try fixture.log.truncateFullyAndStart(at: Offset(500))
        #expect(fixture.log.logStartOffset == Offset(500))
        #expect(fixture.log.logEndOffset == Offset(500))
        #expect(fixture.log.epochs.entries.isEmpty)
        #expect(fixture.log.producers.count == 0)
        try fixture.log.appendAsFollower(batch(baseOffset: 500, epoch: 3), now: fixture.now)
        try fixture.log.close()
        try fixture.reopen(clean: true)
        #expect(fixture.log.logStartOffset == Offset(500))
        #expect(fixture.log.logEndOffset == Offset(501))
        #expect(fixture.log.latestEpoch == LeaderEpoch(3))
    }

    @Test("Retention by time drops whole segments whose newest record is old, never above the high watermark")
    func retentionByTime() throws {
        var fixture = try LogFixture.small()
        fixture.configuration.retentionMilliseconds = 1_000
        fixture.log.configuration.retentionMilliseconds = 1_000
        for index in 0..<40 { _ = try fixture.append(batch(3, time: 1_000 + Int64(index) * 100)) }
        let count = fixture.log.segmentCount
        #expect(try fixture.log.enforceRetention(highWatermark: .zero, now: Timestamp(1 << 40)).isEmpty)
        let removed = try fixture.log.enforceRetention(highWatermark: Offset(120), now: Timestamp(4_000))
        #expect(!removed.isEmpty && fixture.log.segmentCount == count - removed.count)
        #expect(fixture.log.logStartOffset > .zero)
        let first = try RecordBatch(
            try fixture.log.readBytes(from: fixture.log.logStartOffset, upTo: Offset(120), maxBytes: 1))
        #expect(first.header.baseOffset == fixture.log.logStartOffset)
        #expect(try fixture.names.contains { $0.hasSuffix(".log.deleted") })
        for work in removed { try work.run(fixture.disk) }
        #expect(try !fixture.names.contains { $0.hasSuffix(".deleted") })
        // All old, the active segment too: it is rolled, and an empty one is left.
        let end = fixture.log.logEndOffset
        _ = try fixture.log.enforceRetention(highWatermark: end, now: Timestamp(1 << 40))
        #expect(fixture.log.segmentCount == 1)
        #expect(fixture.log.logStartOffset == end)
        #expect(fixture.log.logEndOffset == end)
        try fixture.reopen()
        #expect(fixture.log.logEndOffset == end)
        #expect(try !fixture.names.contains { $0.hasSuffix(".deleted") })
    }

    @Test("Retention by size keeps at least the given size")
    func retentionBySize() throws {
        var fixture = try LogFixture.small()
        fixture.log.configuration.retentionBytes = 2_500
        try fixture.fill(60)
        let removed = try fixture.log.enforceRetention(highWatermark: fixture.log.logEndOffset, now: fixture.now)
        #expect(!removed.isEmpty)
        #expect(fixture.log.sizeBytes >= 2_500 && fixture.log.sizeBytes < 3_600)
    }

    @Test("A raised log start removes the segments wholly below it and the epochs with them")
    func raisedStart() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(20, epoch: 1)
        try fixture.fill(20, epoch: 2)
        let removed = try fixture.log.incrementLogStartOffset(to: Offset(45))
        #expect(!removed.isEmpty)
        #expect(fixture.log.logStartOffset == Offset(45))
        #expect(fixture.log.epochs.entries.map(\.epoch.value) == [2])
        #expect(fixture.log.epochs.entries.map(\.startOffset.value) == [45])
        #expect(throws: StorageError.self) {
            try fixture.log.incrementLogStartOffset(to: fixture.log.logEndOffset + 1)
        }
        #expect(try fixture.log.incrementLogStartOffset(to: Offset(3)).isEmpty)
        #expect(fixture.log.logStartOffset == Offset(45))
    }
}
