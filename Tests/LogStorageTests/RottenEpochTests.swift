import LogStorage
import Primitives
import Testing
import World

/// The leader epoch of one batch, which no checksum covers, is another when the log is read anew.
@Suite("Rotten leader epochs") struct RottenEpochTests {
    private static let path = LogFixture.directory + "/00000000000000000000.log"
    private static let epochs: [Int32] = [0, 0, 2, 2, 2, 5, 5, 7, 7, 7]

    /// A flushed log, one batch of one record for each epoch.
    private func log(_ epochs: [Int32] = RottenEpochTests.epochs) throws -> (fixture: LogFixture, batchBytes: Int) {
        var fixture = try LogFixture()
        for (offset, epoch) in epochs.enumerated() {
            try fixture.log.appendAsFollower(batch(baseOffset: Int64(offset), epoch: epoch), now: fixture.now)
        }
        try fixture.log.flush()
        return (fixture, fixture.disk.content(RottenEpochTests.path).count / epochs.count)
    }

    private func rot(_ fixture: LogFixture, _ position: Int, to epoch: Int32) {
        fixture.disk.edit(RottenEpochTests.path) { $0[position + 15] = UInt8(epoch) }
    }

    @Test(
        "One that stands in order among the others does not move the begin of any epoch, and is found",
        arguments: 0..<epochs.count - 1)
    func plausible(index: Int) throws {
        let known = RottenEpochTests.epochs
        var tried = 0
        for epoch in (index > 0 ? known[index - 1] : 0)...known[index + 1] where epoch != known[index] {
            var (fixture, size) = try log()
            let entries = fixture.log.epochs.entries
            rot(fixture, index * size, to: epoch)
            try fixture.reopen()
            #expect(fixture.log.logEndOffset == Offset(Int64(known.count)) && fixture.report.truncatedBytes == 0)
            #expect(fixture.log.epochs.entries == entries, "batch \(index) says \(epoch)")
            var audit = fixture.log.auditedSegments[0].audit
            #expect(try audit.run()?.position == Int64(index * size))
            tried += 1
        }
        #expect(tried > 0 || known[index] == (index > 0 ? known[index - 1] : 0) && known[index] == known[index + 1])
    }

    @Test("Nor where the log is asked because the checkpoint does not know the last batch")
    func lastOfAll() throws {
        var (fixture, size) = try log()
        let entries = fixture.log.epochs.entries
        try fixture.log.close()
        rot(fixture, 6 * size, to: 7)
        rot(fixture, 9 * size, to: 8)
        try fixture.reopen(clean: true, recoveryPoint: Offset(10))
        #expect(fixture.report.ignoredFiles == [fixture.path("leader-epoch-checkpoint")])
        #expect(fixture.log.epochs.entries.dropLast() == entries[...])
        #expect(fixture.log.epochs.latest?.startOffset == Offset(9))
    }

    @Test("What was written behind a cut is not taken for rotten by a checkpoint from before it", arguments: [1, 2])
    func staleCheckpoint(count: Int) throws {
        var (fixture, _) = try log([0, 0, 5, 5])
        let path = fixture.path("leader-epoch-checkpoint")
        let stale = fixture.disk.content(path)
        try fixture.log.truncate(to: Offset(1))
        for offset in 1...3 {
            let epoch: Int32 = offset <= count ? 4 : 6
            try fixture.log.appendAsFollower(batch(baseOffset: Int64(offset), epoch: epoch), now: fixture.now)
        }
        try fixture.log.flush()
        let entries = fixture.log.epochs.entries
        fixture.disk.edit(path) { $0 = stale }
        try fixture.reopen()
        #expect(fixture.log.epochs.entries == entries)
        #expect(entries.map(\.epoch.value) == [0, 4, 6])
    }

    @Test("Where more than one batch differs from the checkpoint, that is what is wrong")
    func rottenCheckpoint() throws {
        var (fixture, _) = try log()
        let entries = fixture.log.epochs.entries
        fixture.disk.edit(fixture.path("leader-epoch-checkpoint")) {
            $0 = Array(String(decoding: $0, as: UTF8.self).replacing("2 2\n", with: "2 4\n").utf8)
        }
        try fixture.reopen()
        #expect(fixture.log.epochs.entries == entries)
    }
}
