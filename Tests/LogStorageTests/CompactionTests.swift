import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Compaction of a log")
struct CompactionTests {
    @Test("Each key keeps its last record at its offset, whatever the codec", arguments: Compression.allCases)
    func keepsLast(codec: Compression) throws {
        var fixture = try LogFixture.compacted()
        var model: [String: String] = [:]
        for round in 0..<60 {
            let records: [KeyedValue] = (0..<3).map { ("k\((round * 7 + $0) % 10)", "value \(round).\($0)") }
            for record in records { model[record.key] = record.value }
            _ = try fixture.append(keyed(records, time: 1_000 + Int64(round), compression: codec))
        }
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("last", "1")]))
        model["last"] = "1"
        let before = try fixture.records()
        let end = fixture.log.logEndOffset
        let figures = try #require(try fixture.compact())
        let after = try fixture.records()
        #expect(try fixture.table() == model)
        #expect(after.count == 11, "one record for each key")
        #expect(Set(after).isSubset(of: before), "offset, key and value are as they were")
        #expect(fixture.log.logEndOffset == end)
        #expect(figures.recordsRead == 180)
        #expect(figures.recordsKept == 10)
        #expect(fixture.log.cleanedEndOffset == Offset(180))
        let batches = try fixture.batches()
        let compacted = batches.filter { $0.header.recordCount > 0 && $0.header.lastOffset < Offset(180) }
        #expect(compacted.allSatisfy { $0.header.attributes.compression == codec })
        #expect(batches.allSatisfy { $0.header.leaderEpoch == LeaderEpoch(0) })
        #expect(try fixture.compact() == nil, "nothing is dirty")
        try fixture.reopen(recoveryPoint: fixture.log.logEndOffset)
        #expect(try fixture.records() == after)
        let segments = fixture.log.segmentCount
        try fixture.log.roll(now: fixture.now)
        try fixture.compact()
        #expect(fixture.log.segmentCount < segments / 2, "what is small now becomes one")
        #expect(try fixture.records() == after)
    }

    @Test("A batch keeps its base offset, last offset and sequence; records their headers and times")
    func keepsHeaders() throws {
        var fixture = try LogFixture.compacted()
        let producer = BatchProducer(id: ProducerID(9), epoch: ProducerEpoch(2), baseSequence: 40)
        _ = try fixture.append(
            keyed([("a", "1"), ("b", "1"), ("c", "1")], time: 5_000, producer: producer), epoch: 3)
        _ = try fixture.append(keyed([("a", "2"), ("c", "2")], time: 9_000), epoch: 3)
        try fixture.log.roll(now: fixture.now)
        try fixture.compact()
        let batch = try #require(try fixture.batches().first)
        #expect(batch.header.baseOffset == .zero)
        #expect(batch.header.lastOffset == Offset(2))
        #expect(batch.header.baseSequence == 40)
        #expect(batch.header.lastSequence == 42)
        #expect(batch.header.leaderEpoch == LeaderEpoch(3))
        #expect(batch.header.recordCount == 1)
        #expect(batch.header.baseTimestamp == Timestamp(5_001), "the first record that is left")
        #expect(batch.header.maxTimestamp == Timestamp(5_001))
        var records = try RecordIterator(batch)
        let record = try #require(try records.next())
        #expect(record.offset == Offset(1))
        #expect(record.timestamp == Timestamp(5_001))
        #expect(record.headers == [RecordHeader(key: "h", value: nil)])
    }

    @Test("A tombstone gets a horizon at its first compaction, and goes once that has passed")
    func tombstones() throws {
        var fixture = try LogFixture.compacted()
        _ = try fixture.append(keyed([("a", "1"), ("b", "1")]))
        _ = try fixture.append(keyed([("a", nil)], time: 2_000))
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("c", "1")]))
        fixture.now = Timestamp(10_000)
        try fixture.compact()
        #expect(try fixture.records() == ["1 b=1", "2 a=null", "3 c=1"])
        let tombstone = try #require(try fixture.batches().first { $0.header.baseOffset == Offset(2) })
        #expect(tombstone.header.attributes.hasDeleteHorizon)
        #expect(tombstone.header.baseTimestamp == Timestamp(11_000))
        #expect(tombstone.header.maxTimestamp == Timestamp(2_000))
        var records = try RecordIterator(tombstone)
        #expect(try records.next()?.timestamp == Timestamp(2_000))

        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("d", "1")]))
        fixture.now = Timestamp(10_999)
        try fixture.compact()
        #expect(try fixture.records().contains("2 a=null"), "not yet")
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("e", "1")]))
        fixture.now = Timestamp(11_000)
        try fixture.compact()
        #expect(try fixture.records() == ["1 b=1", "3 c=1", "4 d=1", "5 e=1"])
    }

    @Test("Rule 27: nothing above the high watermark or an open transaction, and not the active segment")
    func bounds() throws {
        var fixture = try LogFixture.compacted()
        for value in 0..<4 {
            _ = try fixture.append(keyed([("a", "\(value)")]))
            try fixture.log.roll(now: fixture.now)
        }
        #expect(fixture.log.compactionSource(highWatermark: Offset(0), now: fixture.now) == nil)
        let below = try #require(fixture.log.compactionSource(highWatermark: Offset(2), now: fixture.now))
        #expect(below.firstUncleanable == Offset(2))
        _ = try fixture.append(
            keyed([("a", "open")], producer: idempotent(1, sequence: 0), isTransactional: true))
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("a", "later")]))
        try fixture.log.roll(now: fixture.now)
        #expect(fixture.log.lastStableOffset(highWatermark: Offset(6)) == Offset(4))
        let stable = try #require(fixture.log.compactionSource(highWatermark: Offset(6), now: fixture.now))
        #expect(stable.firstUncleanable == Offset(4))
        try fixture.compact(highWatermark: Offset(6))
        #expect(try fixture.records() == ["3 a=3", "4 a=open", "5 a=later"])
    }

    @Test("min.compaction.lag.ms keeps young segments, max.compaction.lag.ms calls for old ones")
    func lags() throws {
        var fixture = try LogFixture.compacted {
            $0.minCompactionLagMilliseconds = 5_000
            $0.maxCompactionLagMilliseconds = 60_000
        }
        _ = try fixture.append(keyed([("a", "1")], time: 1_000))
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("a", "2")], time: 8_000))
        try fixture.log.roll(now: fixture.now)
        #expect(fixture.log.compactionSource(highWatermark: Offset(2), now: Timestamp(5_000)) == nil)
        let first = try #require(fixture.log.compactionSource(highWatermark: Offset(2), now: Timestamp(6_000)))
        #expect(first.firstUncleanable == Offset(1))
        #expect(try first.overdueMilliseconds(now: Timestamp(61_000), fixture.disk) == nil)
        #expect(try first.overdueMilliseconds(now: Timestamp(61_500), fixture.disk) == 500)
        _ = try fixture.append(keyed([("b", "1")], time: 10_000))
        try fixture.log.rollIfDue(now: Timestamp(70_001))
        #expect(
            fixture.log.compactionSource(highWatermark: Offset(3), now: Timestamp(80_000))?.firstUncleanable
                == Offset(3), "a segment older than the longest lag is rolled")
    }

    @Test("A map that is full compacts a part, the rest the next time")
    func smallMap() throws {
        var fixture = try LogFixture.compacted()
        for round in 0..<3 {
            for key in 0..<40 { _ = try fixture.append(keyed([("key \(key)", "\(round)")])) }
        }
        try fixture.log.roll(now: fixture.now)
        var rounds = 0
        while try fixture.compact(mapBytes: 24 * 30) != nil { rounds += 1 }
        #expect(rounds > 1)
        #expect(try fixture.table().count == 40)
        #expect(try fixture.table().values.allSatisfy { $0 == "2" })
    }

    @Test("Rule 27: the last batch of a producer stays, empty if need be, and its sequences go on after a restart")
    func producersStay() throws {
        var fixture = try LogFixture.compacted()
        for sequence in 0..<5 {
            _ = try fixture.append(keyed([("a", "\(sequence)")], producer: idempotent(7, sequence: Int32(sequence))))
        }
        try fixture.log.roll(now: fixture.now)
        for _ in 0..<2 { _ = try fixture.append(keyed([("a", "other")])) }
        try fixture.log.roll(now: fixture.now)
        try fixture.compact()
        let mine = try fixture.batches().filter { $0.header.producerID == ProducerID(7) }
        #expect(mine.count == 1)
        #expect(mine.first?.header.recordCount == 0)
        #expect(mine.first?.header.baseSequence == 4)
        #expect(try fixture.records() == ["6 a=other"])
        for name in try fixture.names where name.hasSuffix(".snapshot") { try fixture.disk.remove(fixture.path(name)) }
        try fixture.log.flush()
        try fixture.reopen(clean: true)
        let repeated = try fixture.append(keyed([("a", "4")], producer: idempotent(7, sequence: 4)))
        #expect(repeated.first?.duplicate?.baseOffset == Offset(4))
        let next = try fixture.append(keyed([("a", "5")], producer: idempotent(7, sequence: 5)))
        #expect(next.first?.appended?.baseOffset == Offset(7))
    }

    @Test("Rule 27: retention and compaction of one log leave each key its last record and producers their state")
    func compactAndDelete() throws {
        var fixture = try LogFixture.compacted {
            $0.isDeletedByRetention = true
            $0.retentionMilliseconds = 5_000
        }
        func write(_ record: KeyedValue, _ time: Int64, _ producer: BatchProducer? = nil, inTransaction: Bool = false)
            throws
        {
            _ = try fixture.append(keyed([record], time: time, producer: producer, isTransactional: inTransaction))
        }
        try write(("a", "old"), 1_000, idempotent(7, sequence: 0))
        try write(("c", "1"), 1_100)
        try write(("c", nil), 1_200)
        try write(("b", "old"), 1_300, idempotent(9, sequence: 0), inTransaction: true)
        _ = try fixture.append(marker(.commit, 9, time: 1_400))
        try fixture.log.roll(now: fixture.now)
        let start = fixture.log.logEndOffset
        for round in 0..<3 { try write(("a", "new \(round)"), 9_000, idempotent(7, sequence: Int32(round) + 1)) }
        try write(("c", "2"), 9_100)
        try write(("d", "1"), 9_200)
        try write(("d", nil), 9_300)
        try write(("b", "new"), 9_400, idempotent(9, sequence: 1), inTransaction: true)
        _ = try fixture.append(marker(.commit, 9, time: 9_500))
        try fixture.log.roll(now: fixture.now)
        try write(("e", "1"), 9_600)
        fixture.now = Timestamp(9_700)

        let removals = try fixture.log.enforceRetention(highWatermark: fixture.log.logEndOffset, now: fixture.now)
        for removal in removals { try removal.run(fixture.disk) }
        #expect(fixture.log.logStartOffset == start)
        try fixture.compact()
        let expected = ["a": "new 2", "b": "new", "c": "2", "e": "1"]
        #expect(try fixture.table() == expected)
        #expect(try fixture.records().contains { $0.hasSuffix("d=null") }, "a tombstone stays until its horizon")
        #expect(try fixture.batches().contains { $0.header.attributes.isControl })
        #expect(fixture.log.cleanedEndOffset > start)

        try fixture.log.flush()
        try fixture.reopen(clean: true)
        #expect(try fixture.table() == expected)
        let repeated = try fixture.append(keyed([("a", "new 2")], producer: idempotent(7, sequence: 3)))
        #expect(repeated.first?.duplicate?.endOffset == start + 3)
        let next = try fixture.append(keyed([("a", "last")], time: 9_800, producer: idempotent(7, sequence: 4)))
        #expect(next.first?.appended != nil)

        // All is old now: nothing is left to read, and the producers go on.
        fixture.now = Timestamp(100_000)
        _ = try fixture.log.enforceRetention(highWatermark: fixture.log.logEndOffset, now: fixture.now)
        #expect(fixture.log.logStartOffset == fixture.log.logEndOffset)
        #expect(try fixture.compact() == nil)
        try fixture.log.close()
        try fixture.reopen(clean: true, recoveryPoint: fixture.log.logEndOffset)
        let gone = try fixture.append(keyed([("a", "again")], time: 100_000, producer: idempotent(7, sequence: 6)))
        #expect(gone.first?.refusal == .outOfOrderSequenceNumber)
        let goesOn = try fixture.append(keyed([("a", "again")], time: 100_000, producer: idempotent(7, sequence: 5)))
        #expect(goesOn.first?.appended != nil)
    }

    @Test("Rule 27: aborted records go, markers only after their data, and after their horizon")
    func transactions() throws {
        var fixture = try LogFixture.compacted()
        func write(_ key: String, _ producer: Int64, _ sequence: Int32) throws {
            _ = try fixture.append(
                keyed([(key, "\(producer)")], producer: idempotent(producer, sequence: sequence), isTransactional: true)
            )
        }
        try write("a", 1, 0)
        try write("b", 2, 0)
        _ = try fixture.append(marker(.abort, 1))
        _ = try fixture.append(marker(.commit, 2))
        _ = try fixture.append(keyed([("a", "plain")]))
        // Later batches of both, so that the first ones are not kept as their last.
        try write("x", 1, 1)
        _ = try fixture.append(marker(.commit, 1))
        try write("y", 2, 1)
        _ = try fixture.append(marker(.commit, 2))
        try fixture.log.roll(now: fixture.now)
        fixture.now = Timestamp(10_000)
        try fixture.compact()
        #expect(try fixture.records() == ["1 b=2", "4 a=plain", "5 x=1", "7 y=2"])
        var markers = try fixture.batches().filter(\.header.attributes.isControl).map(\.header)
        #expect(markers.map(\.baseOffset.value) == [2, 3, 6, 8], "all data was met before its marker")
        #expect(markers.allSatisfy { !$0.attributes.hasDeleteHorizon })

        _ = try fixture.append(keyed([("z", "1")]))
        try fixture.log.roll(now: fixture.now)
        try fixture.compact()
        markers = try fixture.batches().filter(\.header.attributes.isControl).map(\.header)
        #expect(markers.map(\.baseOffset.value) == [2, 3, 6, 8])
        #expect(markers.map(\.attributes.hasDeleteHorizon) == [true, false, false, false])

        _ = try fixture.append(keyed([("z", "2")]))
        try fixture.log.roll(now: fixture.now)
        fixture.now = Timestamp(11_000)
        try fixture.compact()
        markers = try fixture.batches().filter(\.header.attributes.isControl).map(\.header)
        #expect(markers.map(\.baseOffset.value) == [3, 6, 8], "the marker of nothing is gone")
    }

    @Test("A batch that is damaged is named, and nothing is replaced", arguments: [7, 30, 70, 80])
    func damaged(position: Int) throws {
        var fixture = try LogFixture.compacted()
        for value in 0..<20 { _ = try fixture.append(keyed([("a", "\(value)")])) }
        try fixture.log.roll(now: fixture.now)
        fixture.disk.flip(fixture.path("00000000000000000000.log"), at: position)
        let names = try fixture.names
        #expect(throws: StorageError.self) { try fixture.compact() }
        #expect(try fixture.names == names)
    }

    @Test("A log that was cut meanwhile keeps what it has")
    func cutMeanwhile() throws {
        var fixture = try LogFixture.compacted()
        for value in 0..<20 { _ = try fixture.append(keyed([("a", "\(value)")])) }
        try fixture.log.roll(now: fixture.now)
        let source = try #require(fixture.log.compactionSource(highWatermark: Offset(20), now: fixture.now))
        var compaction = LogCompaction(
            source, files: fixture.disk, limits: LogCompaction.Limits(mapBytes: 1_000, mapLoad: 0.9, bufferBytes: 512),
            secret: KeyHash.Secret(1, 2), now: fixture.now)
        var cleaned: CleanedSegment?
        while cleaned == nil {
            if case .cleaned(let segment) = try compaction.step(bytes: 1 << 20) { cleaned = segment }
        }
        try fixture.log.truncate(to: Offset(18))
        let before = try fixture.records()
        let segment = try #require(cleaned)
        let removals = try fixture.log.replace(with: segment)
        #expect(removals == nil)
        segment.discard(in: LogFixture.directory, fixture.disk)
        compaction.discard()
        #expect(try fixture.names.allSatisfy { !$0.hasSuffix(".cleaned") })
        #expect(try fixture.records() == before)
    }

    @Test("A follower takes gaps as they are; a topic that is no longer compacted keeps them over a crash")
    func gapsOfFollowers() throws {
        var follower = try LogFixture { $0.acceptsGaps = true }
        try follower.log.appendAsFollower(batch(2, baseOffset: 10, epoch: 0), now: follower.now)
        #expect(try !follower.names.contains("offset-gaps"), "a log may begin anywhere")
        try follower.log.appendAsFollower(batch(1, baseOffset: 50, epoch: 0), now: follower.now)
        #expect(try follower.names.contains("offset-gaps"))
        try follower.log.flush()
        let before = try follower.contents()
        try follower.reopen(recoveryPoint: Offset(51))
        #expect(follower.log.logEndOffset == Offset(51))
        #expect(try follower.contents() == before)
    }
}
