import LogStorage
import Primitives
import Testing
import World

@Suite("Flushing") struct FlushTests {
    @Test("A flush covers the end that was sampled before it, not what came during it")
    func coversSampledEnd() throws {
        var fixture = try LogFixture()
        try fixture.fill(3)
        let end = fixture.log.logEndOffset
        let ticket = try #require(fixture.log.prepareFlush())
        try fixture.fill(2)
        try ticket.run(fixture.disk)
        fixture.log.flushed(ticket)
        #expect(fixture.log.flushedEndOffset == end)
        #expect(fixture.log.prepareFlush() != nil)
    }

    @Test("One ticket covers every segment since the last flush and the directory")
    func coversSegments() throws {
        for seed in 0..<20 as Range<UInt64> {
            var fixture = try LogFixture.small()
            try fixture.fill(40)
            #expect(fixture.log.segmentCount > 3)
            let whole = try fixture.contents()
            let ticket = try #require(fixture.log.prepareFlush())
            try ticket.run(fixture.disk)
            fixture.log.flushed(ticket)
            #expect(fixture.log.prepareFlush() == nil)
            var generator = SeededGenerator(seed: seed)
            fixture.disk.crash(using: &generator)
            try fixture.reopen(recoveryPoint: fixture.log.flushedEndOffset)
            #expect(try fixture.contents() == whole)
        }
    }

    @Test("A flush that was taken before a truncation says nothing about what came after")
    func truncationVoidsTickets() throws {
        var fixture = try LogFixture()
        for _ in 0..<10 { _ = try fixture.append(batch(1)) }
        let ticket = try #require(fixture.log.prepareFlush())
        try ticket.run(fixture.disk)
        try fixture.log.truncate(to: Offset(4))
        for _ in 0..<10 { _ = try fixture.append(batch(1), epoch: 1) }
        fixture.log.flushed(ticket)
        #expect(fixture.log.flushedEndOffset <= Offset(4))
    }

    @Test("Two flushes under way settle in any order")
    func overlappingFlushes() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(10)
        let first = try #require(fixture.log.prepareFlush())
        try fixture.fill(10)
        let second = try #require(fixture.log.prepareFlush())
        try second.run(fixture.disk)
        fixture.log.flushed(second)
        let end = fixture.log.flushedEndOffset
        try first.run(fixture.disk)
        fixture.log.flushed(first)
        #expect(fixture.log.flushedEndOffset == end)
        #expect(end == fixture.log.logEndOffset)
    }

    @Test("A failed flush takes the log offline for good (fault F14)")
    func failedFlush() throws {
        var fixture = try LogFixture()
        try fixture.fill(3)
        fixture.disk.fail("fdatasync", on: ".log")
        let ticket = try #require(fixture.log.prepareFlush())
        do {
            try ticket.run(fixture.disk)
            Issue.record("the flush did not fail")
        } catch {
            fixture.log.fail(error)
        }
        fixture.disk.heal()
        #expect(fixture.log.prepareFlush() == nil, "never tried again")
        #expect(fixture.log.flushedEndOffset == .zero)
        #expect(throws: StorageError.self) { try fixture.append(batch()) }
        #expect(throws: StorageError.self) {
            try fixture.log.read(from: .zero, maxBytes: 10, upTo: Offset(1), minOneMessage: true)
        }
    }

    @Test("Rule 1: the leader-epoch checkpoint is durable with the flush that needs it")
    func epochsAreDurable() throws {
        for seed in 0..<20 as Range<UInt64> {
            var fixture = try LogFixture()
            for epoch in 0..<5 as Range<Int32> {
                fixture.log.assign(LeaderEpoch(epoch * 2), startOffset: fixture.log.logEndOffset)
                try fixture.fill(2, epoch: epoch * 2)
            }
            let epochs = fixture.log.epochs.entries
            try fixture.log.flush()
            var generator = SeededGenerator(seed: seed)
            fixture.disk.crash(using: &generator)
            try fixture.reopen(recoveryPoint: fixture.log.flushedEndOffset)
            #expect(fixture.log.epochs.entries == epochs)
        }
    }

    @Test("Rule 1: an older flush that ends after a clean stop leaves an old checkpoint, which the next start replaces")
    func oldCheckpoint() throws {
        var fixture = try LogFixture()
        try fixture.fill(3, epoch: 1)
        let old = try #require(fixture.log.prepareFlush())
        try fixture.fill(3, epoch: 5)
        let epochs = fixture.log.epochs.entries
        try fixture.log.close()
        try old.run(fixture.disk)
        try fixture.reopen(clean: true)
        #expect(fixture.log.epochs.entries == epochs)
    }
}
