import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Transactions in a log") struct TransactionTests {
    /// A batch of one record in a producer's transaction.
    private func piece(_ id: Int64, epoch: Int16 = 0, sequence: Int32 = 0) -> Bytes {
        var builder = RecordBatchBuilder(
            producer: idempotent(id, epoch: epoch, sequence: sequence), isTransactional: true)
        builder.append(timestamp: Timestamp(1_000), key: Bytes([1]), value: Bytes([UInt8](repeating: 7, count: 20)))
        return builder.finish()
    }

    private func marker(
        _ id: Int64, epoch: Int16 = 0, commit: Bool = false, coordinator: Int32 = 0, ownEpoch: Bool = false
    ) -> EndMarker {
        EndMarker(
            producerID: ProducerID(id), producerEpoch: ProducerEpoch(epoch), isCommit: commit,
            coordinatorEpoch: coordinator, hasOwnEpoch: ownEpoch)
    }

    private func end(_ fixture: inout LogFixture, _ marker: EndMarker) throws -> AppendOutcome {
        try fixture.log.append(marker, epoch: LeaderEpoch(0), now: fixture.now)
    }

    @Test("What is stable ends where the oldest open transaction begins, and goes on once its marker is committed")
    func stableOffset() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(batch(), piece(1), piece(2), batch())
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(4)) == Offset(1))
        #expect(fixture.log.lastStableOffset(highWatermark: .zero) == .zero, "never above the high watermark")
        _ = try end(&fixture, marker(1, commit: true))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(4)) == Offset(1), "the marker can be lost yet")
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(5)) == Offset(2))
        _ = try end(&fixture, marker(2))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(5)) == Offset(2))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(6)) == Offset(6))
        fixture.log.committed(upTo: Offset(6))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(6)) == Offset(6))
    }

    @Test("Deleted records leave what is stable at the log start, not before it")
    func deletedRecords() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(piece(1), batch(), batch())
        _ = try fixture.log.incrementLogStartOffset(to: Offset(2))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(3)) == Offset(2))
    }

    @Test("Only what was aborted is told, to those whose range it touches")
    func abortedTransactions() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(piece(1), piece(2), piece(3))
        _ = try end(&fixture, marker(2))
        _ = try end(&fixture, marker(1, commit: true))
        _ = try end(&fixture, marker(3))
        let second = AbortedTransaction(
            producerID: ProducerID(2), firstOffset: Offset(1), lastOffset: Offset(3), lastStableOffset: .zero)
        let third = AbortedTransaction(
            producerID: ProducerID(3), firstOffset: Offset(2), lastOffset: Offset(5), lastStableOffset: Offset(6))
        #expect(try fixture.aborted(from: .zero, upTo: Offset(6)) == [second, third])
        #expect(try fixture.aborted(from: .zero, upTo: Offset(2)) == [second])
        #expect(try fixture.aborted(from: Offset(4), upTo: Offset(6)) == [third])
        #expect(try fixture.aborted(from: .zero, upTo: Offset(1)) == [])
    }

    @Test("Rule 29: an earlier coordinator is fenced, and so is a marker of an earlier life")
    func fencing() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(piece(1, epoch: 4))
        #expect(try end(&fixture, marker(1, epoch: 3)).refusal == .invalidProducerEpoch)
        #expect(try end(&fixture, marker(1, epoch: 4, ownEpoch: true)).refusal == .invalidProducerEpoch)
        #expect(try end(&fixture, marker(1, epoch: 5, coordinator: 7, ownEpoch: true)).appended != nil)
        #expect(try end(&fixture, marker(1, epoch: 5, coordinator: 6)).refusal == .transactionCoordinatorFenced)
        #expect(try end(&fixture, marker(1, epoch: 5, coordinator: 7, ownEpoch: true)).appended != nil, "again")
        #expect(try fixture.append(piece(1, epoch: 4, sequence: 1))[0].refusal == .invalidProducerEpoch)
        #expect(try fixture.append(piece(1, epoch: 5))[0].appended != nil, "the next transaction begins at 0")
    }

    @Test("A cut that takes a marker opens its transaction again")
    func truncation() throws {
        var fixture = try LogFixture.small()
        _ = try fixture.append(piece(1))
        try fixture.fill(20)
        let before = fixture.log.logEndOffset
        _ = try end(&fixture, marker(1))
        try fixture.fill(20)
        let after = fixture.log.logEndOffset
        #expect(fixture.log.lastStableOffset(highWatermark: after) == after)
        #expect(try fixture.aborted(from: .zero, upTo: after).count == 1)
        try fixture.log.truncate(to: before)
        #expect(fixture.log.lastStableOffset(highWatermark: before) == .zero)
        #expect(try fixture.aborted(from: .zero, upTo: before) == [])
    }

    @Test("A marker that was not committed when the log was closed, or cut behind it, keeps readers back")
    func uncommittedMarkerOutlivesSnapshot() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(batch(), piece(1), batch())
        _ = try end(&fixture, marker(1, commit: true))
        _ = try fixture.append(batch(), batch())
        for _ in 0..<2 {
            try fixture.log.close()
            try fixture.reopen(clean: true, highWatermark: Offset(2))
            #expect(fixture.log.lastStableOffset(highWatermark: Offset(3)) == Offset(1))
            #expect(fixture.log.lastStableOffset(highWatermark: Offset(4)) == Offset(4))
        }
        // Its own segment is closed, so that a snapshot stands behind the marker and before the cut.
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(batch(), batch())
        try fixture.log.truncate(to: Offset(7))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(3)) == Offset(1))
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(4)) == Offset(4))
        fixture.log.committed(upTo: Offset(7))
        try fixture.log.close()
        try fixture.reopen(clean: true, highWatermark: Offset(4))
        #expect(fixture.report.replayedBatches == 0, "what is committed is in the snapshot")
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(7)) == Offset(7))
    }

    @Test("Followers, stops of every kind, cuts and lost indexes leave what a fresh log has that is given the same")
    func rebuilt() throws {
        var generator = SeededGenerator(seed: 11)
        var leader = try LogFixture.small()
        try write(300, &leader, &generator)
        try compare(leader)
        try leader.log.close()
        try leader.reopen(clean: true)
        try compare(leader)
        try write(100, &leader, &generator)
        try leader.reopen()
        try compare(leader)
        try leader.log.flush()
        let flushed = leader.log.flushedEndOffset
        try write(100, &leader, &generator)
        try leader.reopen(recoveryPoint: flushed)
        try compare(leader)
        while leader.log.logEndOffset > Offset(20) {
            try leader.log.truncate(to: Offset(leader.log.logEndOffset.value * 3 / 4))
            try compare(leader)
            try leader.reopen()
            try compare(leader)
        }
    }

    @Test("An index that can't be right is made anew from the log")
    func damagedIndex() throws {
        var generator = SeededGenerator(seed: 12)
        var fixture = try LogFixture.small()
        try write(300, &fixture, &generator)
        try fixture.log.close()
        let names = try fixture.disk.list(LogFixture.directory).map(\.name).filter { $0.hasSuffix(".txnindex") }
        try #require(names.count > 3)
        for name in names {
            let path = LogFixture.directory + "/" + name
            var content = try fixture.disk.readAll(path)
            content[20] ^= 0xFF
            try fixture.disk.replace(path, with: content)
        }
        try fixture.reopen(clean: true)
        try compare(fixture)
        #expect(fixture.report.rebuiltIndexes >= names.count)
    }

    private func write(_ steps: Int, _ fixture: inout LogFixture, _ generator: inout SeededGenerator) throws {
        for _ in 0..<steps {
            let id = Int64(generator.next() % 4)
            let known = fixture.log.producers[ProducerID(id)]
            let epoch = known?.epoch.value ?? 0
            if known?.currentTransactionFirstOffset != nil, generator.next() % 3 == 0 {
                let ending = marker(id, epoch: epoch + 1, commit: generator.next() % 2 == 0, ownEpoch: true)
                #expect(try end(&fixture, ending).appended != nil)
            } else {
                let sequence = known?.batches.last.map { $0.lastSequence + 1 } ?? 0
                #expect(try fixture.append(piece(id, epoch: epoch, sequence: sequence))[0].appended != nil)
            }
        }
    }

    /// Compares a log with a fresh one that gets its batches.
    private func compare(_ fixture: LogFixture, at location: SourceLocation = #_sourceLocation) throws {
        var fixture = fixture
        var fresh = try LogFixture()
        let content = try fixture.contents()
        if !content.isEmpty { try fresh.log.appendAsFollower(Bytes(content), now: fixture.now) }
        let end = fixture.log.logEndOffset
        #expect(fresh.log.logEndOffset == end, sourceLocation: location)
        #expect(
            fixture.log.lastStableOffset(highWatermark: end) == fresh.log.lastStableOffset(highWatermark: end),
            sourceLocation: location)
        for from in stride(from: Int64(0), to: end.value, by: 17) {
            for upTo in [from + 1, from + 30, end.value] {
                let found = try fixture.aborted(from: Offset(from), upTo: Offset(upTo))
                let expected = try fresh.aborted(from: Offset(from), upTo: Offset(upTo))
                #expect(found == expected, sourceLocation: location)
            }
        }
    }
}

extension LogFixture {
    fileprivate func aborted(from offset: Offset, upTo end: Offset) throws -> [AbortedTransaction] {
        try log.abortedTransactions(from: offset, upTo: end)?.find() ?? []
    }
}
