import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Appending and reading") struct AppendAndReadTests {
    @Test("Batches get dense offsets and the leader's epoch, and come back byte for byte")
    func assignsOffsets() throws {
        var fixture = try LogFixture()
        let outcomes = try fixture.append(batch(3), batch(2), epoch: 7)
        #expect(outcomes.map { $0.appended?.baseOffset } == [Offset(0), Offset(3)])
        #expect(outcomes.map { $0.appended?.endOffset } == [Offset(3), Offset(5)])
        #expect(fixture.log.logEndOffset == Offset(5))
        let bytes = try fixture.log.readBytes(from: .zero, upTo: Offset(5), maxBytes: 10_000)
        #expect(bytes.array == batch(3, epoch: 7).array + batch(2, baseOffset: 3, epoch: 7).array)
    }

    @Test("What comes in one call leaves with one write")
    func writesOnce() throws {
        var fixture = try LogFixture()
        let before = fixture.disk.writes
        _ = try fixture.append(batch(3), batch(2), batch(1))
        #expect(fixture.disk.writes == before + 1)
    }

    @Test("A follower's log is equal to the leader's, byte for byte, over segments")
    func followerEqualsLeader() throws {
        var leader = try LogFixture.small()
        var follower = try LogFixture.small()
        try leader.fill(40)
        let all = try leader.contents()
        var rest = Bytes(all)
        while !rest.isEmpty {
            let part = rest[0..<min(rest.count, 911)]
            let before = follower.log.logEndOffset
            try follower.log.appendAsFollower(part, now: follower.now)
            let position = try follower.contents().count
            if follower.log.logEndOffset == before, part.count == rest.count { break }
            rest = Bytes(Array(all[position...]))
        }
        #expect(try follower.contents() == all)
        #expect(follower.log.logEndOffset == leader.log.logEndOffset)
        #expect(follower.log.segmentCount > 3)
    }

    @Test("A follower refuses a wrong checksum, a gap and a step back, and writes nothing of it")
    func followerRefuses() throws {
        var fixture = try LogFixture()
        try fixture.log.appendAsFollower(batch(2, epoch: 1), now: fixture.now)
        let damaged = batch(1, baseOffset: 2, epoch: 1)
        damaged.patch(UInt8(1), at: damaged.count - 1)
        let good = batch(1, baseOffset: 2, epoch: 1).array
        #expect(throws: StorageError.self) { try fixture.log.appendAsFollower(damaged, now: fixture.now) }
        let gap = Bytes(good + batch(1, baseOffset: 9, epoch: 1).array)
        #expect(throws: StorageError.notContiguous(expected: Offset(3), received: Offset(9))) {
            try fixture.log.appendAsFollower(gap, now: fixture.now)
        }
        #expect(throws: StorageError.notContiguous(expected: Offset(2), received: Offset(0))) {
            try fixture.log.appendAsFollower(batch(1, baseOffset: 0, epoch: 1), now: fixture.now)
        }
        #expect(fixture.log.logEndOffset == Offset(2))
        #expect(fixture.log.failure == nil)
    }

    @Test("A slice starts at the batch that contains the offset and ends below the given end and the given size")
    func slicesAtBoundaries() throws {
        for isCold in [false, true] {
            var fixture = try LogFixture { $0.indexIntervalBytes = 150 }
            try fixture.fill(60)
            if isCold {
                try fixture.log.close()
                try fixture.reopen(clean: true)
            }
            let boundaries = try Self.boundaries(fixture)
            for start in 0..<fixture.log.logEndOffset.value {
                for (maxBytes, end) in [(1, 200), (300, 30), (300, 31), (5_000, 45), (5_000, 119), (100_000, 120)] {
                    let end = Offset(min(Int64(end), fixture.log.logEndOffset.value))
                    let slice = try fixture.log.read(
                        from: Offset(start), maxBytes: maxBytes, upTo: end, minOneMessage: false)
                    let first = boundaries.last { $0.offset <= start }!
                    let allowed = boundaries.filter {
                        $0.offset <= end.value && $0.position > first.position
                            && $0.position - first.position <= maxBytes
                    }
                    if let last = allowed.last, start < end.value {
                        #expect(slice.baseOffset.value == first.offset)
                        #expect(slice.endOffset.value == last.offset)
                        #expect(slice.position == first.position)
                        #expect(slice.count == Int(last.position - first.position))
                    } else {
                        #expect(slice.isEmpty)
                    }
                }
            }
        }
    }

    /// Base offset and position of each batch, and the end.
    private static func boundaries(_ fixture: LogFixture) throws -> [(offset: Int64, position: Int64)] {
        let content = Bytes(fixture.disk.content(fixture.path("00000000000000000000.log")))
        var found: [(offset: Int64, position: Int64)] = []
        var batches = RecordBatches(content)
        var position = 0
        while let batch = try batches.next() {
            found.append((batch.header.baseOffset.value, Int64(position)))
            position = batches.position
        }
        return found + [(fixture.log.logEndOffset.value, Int64(content.count))]
    }

    @Test("A limit that is the size of some batches exactly gives all of them, far behind the newest ones")
    func limitAtABoundary() throws {
        var fixture = try LogFixture { $0.indexIntervalBytes = 1 }
        let size = batch(1).count
        for _ in 0..<1_000 { _ = try fixture.append(batch(1)) }
        for count in [1, 2, 16, 100] {
            let slice = try fixture.log.read(
                from: Offset(5), maxBytes: count * size, upTo: fixture.log.logEndOffset, minOneMessage: true)
            #expect(slice.count == count * size)
            #expect(slice.endOffset == Offset(Int64(5 + count)))
        }
    }

    @Test("Who goes on where the last read ended looks at one header, which tells where this read ends")
    func goesOn() throws {
        var fixture = try LogFixture { $0.indexIntervalBytes = 1 }
        let size = batch(1).count
        for _ in 0..<1_000 { _ = try fixture.append(batch(1)) }
        var next = Offset(5)
        for round in 0..<20 {
            let before = fixture.disk.reads
            let slice = try fixture.log.read(
                from: next, maxBytes: 16 * size, upTo: fixture.log.logEndOffset, minOneMessage: true)
            #expect(slice.baseOffset == next && slice.endOffset == next + 16)
            #expect(slice.count == 16 * size && slice.position == next.value * Int64(size))
            #expect(round == 0 || fixture.disk.reads - before <= 1)
            next = slice.endOffset
        }
        // What was remembered of a place is nothing once the log was cut there.
        try fixture.log.truncate(to: next)
        #expect(try fixture.log.read(from: next, maxBytes: size, upTo: next, minOneMessage: true).isEmpty)
        _ = try fixture.append(batch(3))
        let grown = try fixture.log.read(from: next, maxBytes: size, upTo: next + 3, minOneMessage: true)
        #expect(grown.endOffset == next + 3)
    }

    @Test("A first batch that is too long comes alone when one message is asked for, and not otherwise")
    func minOneMessage() throws {
        var fixture = try LogFixture()
        _ = try fixture.append(batch(1, valueBytes: 500), batch(1))
        let end = fixture.log.logEndOffset
        let one = try fixture.log.read(from: .zero, maxBytes: 10, upTo: end, minOneMessage: true)
        #expect(one.endOffset == Offset(1))
        #expect(try fixture.log.read(from: .zero, maxBytes: 10, upTo: end, minOneMessage: false).isEmpty)
        // Nothing above the end goes out, though one message is asked for.
        #expect(try fixture.log.read(from: .zero, maxBytes: 10, upTo: .zero, minOneMessage: true).isEmpty)
    }

    @Test("The log end can be read and is empty; before the start and behind the end is out of range")
    func outOfRange() throws {
        var fixture = try LogFixture()
        try fixture.fill(3)
        let end = fixture.log.logEndOffset
        #expect(try fixture.log.read(from: end, maxBytes: 10, upTo: end, minOneMessage: true).isEmpty)
        #expect(throws: StorageError.offsetOutOfRange(requested: end + 1, start: .zero, end: end)) {
            try fixture.log.read(from: end + 1, maxBytes: 10, upTo: end, minOneMessage: true)
        }
        _ = try fixture.log.incrementLogStartOffset(to: Offset(2))
        #expect(throws: StorageError.self) {
            try fixture.log.read(from: Offset(1), maxBytes: 10, upTo: end, minOneMessage: true)
        }
    }

    @Test("Segments roll by size, by record time, by a full index and where an offset no longer fits")
    func rolls() throws {
        var bySize = try LogFixture { $0.segmentBytes = 300 }
        try bySize.fill(10)
        #expect(bySize.log.segmentCount > 2)
        var byTime = try LogFixture { $0.segmentMilliseconds = 100 }
        _ = try byTime.append(batch(time: 1_000))
        _ = try byTime.append(batch(time: 1_100))
        #expect(byTime.log.segmentCount == 1)
        _ = try byTime.append(batch(time: 1_101))
        #expect(byTime.log.segmentCount == 2)
        var byIndex = try LogFixture {
            $0.indexSizeMaxBytes = 64
            $0.indexIntervalBytes = 0
        }
        try byIndex.fill(30)
        #expect(byIndex.log.segmentCount > 2)
        var byOffset = try LogFixture { $0.isCompacted = true }
        try byOffset.log.appendAsFollower(batch(1, epoch: 0), now: byOffset.now)
        try byOffset.log.appendAsFollower(batch(1, baseOffset: 3_000_000_000, epoch: 0), now: byOffset.now)
        #expect(byOffset.log.segmentCount == 2)
        #expect(try byOffset.names.contains("00000000003000000000.log"))
    }

    @Test("An idle segment rolls when its first record is old enough")
    func rollsIdle() throws {
        var fixture = try LogFixture { $0.segmentMilliseconds = 1_000 }
        try fixture.log.rollIfDue(now: Timestamp(100_000))
        #expect(fixture.log.segmentCount == 1, "an empty segment stays")
        _ = try fixture.append(batch(time: 1_000))
        try fixture.log.rollIfDue(now: Timestamp(2_000))
        #expect(fixture.log.segmentCount == 1)
        try fixture.log.rollIfDue(now: Timestamp(2_001))
        #expect(fixture.log.segmentCount == 2)
    }

    @Test("A piece larger than a segment is refused, the pieces beside it are appended")
    func refusesTooLarge() throws {
        var fixture = try LogFixture { $0.segmentBytes = 300 }
        let outcomes = try fixture.append(batch(1), batch(1, valueBytes: 400), batch(1))
        #expect(outcomes[1].refusal == .recordListTooLarge)
        #expect(outcomes[2].appended?.baseOffset == Offset(1))
    }

    @Test("LogAppendTime stamps the batch with the broker's time and a right checksum")
    func logAppendTime() throws {
        var fixture = try LogFixture { $0.timestampType = .logAppendTime }
        fixture.now = Timestamp(5_000)
        let outcome = try fixture.append(batch(2, time: 1))[0]
        #expect(outcome.appended?.logAppendTime == Timestamp(5_000))
        let stored = try RecordBatch(try fixture.log.readBytes(from: .zero, upTo: Offset(2), maxBytes: 1_000))
        try stored.verifyChecksum()
        #expect(stored.header.maxTimestamp == Timestamp(5_000))
        #expect(stored.header.attributes.timestampType == .logAppendTime)
    }

    @Test("A time is found to the record, over segments, before and after a restart")
    func findsTimes() throws {
        var fixture = try LogFixture.small()
        for index in 0..<40 { _ = try fixture.append(batch(3, time: 1_000 + Int64(index) * 10), epoch: 2) }
        for _ in 0..<2 {
            for time: Int64 in [0, 1_000, 1_001, 1_003, 1_195, 1_391, 1_392] {
                let times = (0..<120).map { (index: Int64) -> Int64 in 1_000 + index / 3 * 10 + index % 3 }
                let expected = times.firstIndex { $0 >= time } ?? -1
                let found = try fixture.log.offset(forTimestamp: Timestamp(time))
                #expect(found?.offset == Offset(Int64(expected)))
                #expect(found?.epoch == LeaderEpoch(2))
            }
            #expect(try fixture.log.offset(forTimestamp: Timestamp(1_393)) == nil)
            #expect(try fixture.log.offsetOfMaxTimestamp()?.offset == Offset(119))
            try fixture.log.close()
            try fixture.reopen(clean: true)
        }
    }

    @Test("The greatest timestamp is found where it stands, not at the end")
    func findsGreatestTime() throws {
        var fixture = try LogFixture.small()
        for time: Int64 in [10, 90, 50, 20, 90] { _ = try fixture.append(batch(1, valueBytes: 200, time: time)) }
        let found = try fixture.log.offsetOfMaxTimestamp()
        #expect(found?.offset == Offset(1))
        #expect(found?.timestamp == Timestamp(90))
    }
}
