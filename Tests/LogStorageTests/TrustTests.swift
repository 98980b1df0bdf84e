import LogStorage
import Primitives
import Testing
import World

@Suite("What need not be checked again")
struct TrustTests {
    private let now = MonotonicInstant(1_000_000_000)
    private var late: MonotonicInstant { now.advanced(byMilliseconds: 5 * 60 * 1_000 + 1) }

    private func fixture() throws -> LogFixture {
        var fixture = try LogFixture.small()
        try fixture.fill(40, epoch: 5)
        try #require(fixture.log.segmentCount > 2)
        return fixture
    }

    /// All of a segment as one slice.
    private func slice(_ fixture: inout LogFixture, _ segment: Int) throws -> LogSlice {
        let audited = fixture.log.auditedSegments[segment]
        return try fixture.log.read(
            from: audited.baseOffset, maxBytes: Int(audited.sizeBytes), upTo: audited.endOffset, minOneMessage: true)
    }

    private func isTrusted(_ fixture: inout LogFixture, _ segment: Int) throws -> Bool {
        try slice(&fixture, segment).isTrusted(now: now)
    }

    @Test("What this process wrote is trusted, before and after its segment is closed")
    func written() throws {
        var fixture = try fixture()
        for segment in 0..<fixture.log.segmentCount { #expect(try isTrusted(&fixture, segment)) }
    }

    @Test("What was there when the log was opened is not trusted, what is appended behind it is")
    func opened() throws {
        var fixture = try fixture()
        try fixture.reopen()
        for segment in 0..<fixture.log.segmentCount { #expect(try !isTrusted(&fixture, segment)) }
        let end = fixture.log.logEndOffset
        _ = try fixture.append(batch(1, valueBytes: 10), epoch: 5)
        let newest = try fixture.log.read(from: end, maxBytes: 300, upTo: end + 1, minOneMessage: true)
        #expect(newest.isTrusted(now: now))
    }

    @Test("What left the page cache is not trusted, nor is the rest of its segment; other segments are")
    func evicted() throws {
        var fixture = try fixture()
        let slice = try slice(&fixture, 0)
        fixture.disk.evict(slice.file.path, 0..<1_000)
        #expect(!slice.isResident)
        slice.distrust()
        #expect(try !isTrusted(&fixture, 0))
        #expect(try isTrusted(&fixture, 1))
    }

    @Test("A page that comes back by a look for a batch is not trusted")
    func broughtBack() throws {
        var fixture = try fixture()
        fixture.disk.evict(fixture.log.auditedSegments[0].path, 0..<1_000)
        let slice = try slice(&fixture, 0)
        #expect(slice.isResident)
        #expect(!slice.isTrusted(now: now))
    }

    @Test("A check restores trust, piece by piece")
    func checked() throws {
        var fixture = try fixture()
        try fixture.reopen()
        let segment = fixture.log.auditedSegments[0]
        var offset = segment.baseOffset
        while offset < segment.endOffset {
            let piece = try fixture.log.read(
                from: offset, maxBytes: 200, upTo: segment.endOffset, minOneMessage: true)
            #expect(!piece.isTrusted(now: now))
            piece.wasChecked(now: now)
            #expect(piece.isTrusted(now: now))
            offset = piece.endOffset
        }
        #expect(try isTrusted(&fixture, 0))
        #expect(try !isTrusted(&fixture, 1))
    }

    @Test("What several readers checked is kept for a few of them, the newest first")
    func severalReaders() throws {
        let disk = SimDisk()
        try disk.createDirectory("/d")
        let file = SegmentFile(try disk.open("/d/f", .createNew))
        let starts = stride(from: Int64(0), to: 80_000, by: 10_000)
        for (index, start) in starts.enumerated() {
            file.wasChecked(start..<start + 5_000, now: now.advanced(byMilliseconds: Int64(index)))
        }
        let kept = starts.filter { file.isTrusted($0..<$0 + 5_000, now: now) }
        #expect(kept == [40_000, 50_000, 60_000, 70_000])
        file.wasChecked(45_000..<70_000, now: now.advanced(byMilliseconds: 9))
        #expect(file.isTrusted(40_000..<75_000, now: now))
        #expect(!file.isTrusted(40_000..<75_001, now: now))
        #expect(!file.isTrusted(39_999..<75_000, now: now))
    }

    @Test("What was cut off is not trusted where something else is found there later, and what stays is")
    func truncated() throws {
        var fixture = try fixture()
        let first = fixture.log.auditedSegments[0]
        try fixture.log.truncate(to: Offset(first.endOffset.value - 1))
        let left = fixture.log.auditedSegments[0]
        #expect(left.sizeBytes < first.sizeBytes)
        #expect(try isTrusted(&fixture, 0))
        // The same place of the same file, with bytes that this process has not written.
        let file = try slice(&fixture, 0).file
        #expect(!file.isTrusted(left.sizeBytes..<first.sizeBytes, now: now))
        _ = try fixture.append(batch(1, valueBytes: 10), epoch: 6)
        #expect(try isTrusted(&fixture, 0))
        try fixture.log.truncateFullyAndStart(at: Offset(500))
        _ = try fixture.append(batch(1, valueBytes: 10), epoch: 7)
        #expect(try isTrusted(&fixture, 0))
    }

    @Test("Trust ends with time, and what was asked for or written meanwhile does not make it last longer")
    func time() throws {
        var fixture = try fixture()
        let active = fixture.log.segmentCount - 1
        let slice = try slice(&fixture, active)
        #expect(slice.isTrusted(now: now))
        let middle = now.advanced(byMilliseconds: 4 * 60 * 1_000)
        #expect(slice.isTrusted(now: middle))
        _ = try fixture.append(batch(1, valueBytes: 10), epoch: 5)
        slice.wasChecked(now: middle)
        #expect(!slice.isTrusted(now: late))
        slice.wasChecked(now: late)
        #expect(slice.isTrusted(now: late))
    }

    @Test("What nobody asked for is forgotten as well")
    func aging() throws {
        var fixture = try fixture()
        fixture.log.ageTrust(now: now)
        #expect(try isTrusted(&fixture, 0))
        fixture.log.ageTrust(now: late)
        #expect(try slice(&fixture, 0).isTrusted(now: now) == false)
    }

    @Test("An append to a page that had left memory ends the trust in what stands before it there")
    func appendReadsBack() throws {
        var fixture = try fixture()
        let active = fixture.log.segmentCount - 1
        let slice = try slice(&fixture, active)
        fixture.log.ageTrust(now: now)
        fixture.disk.evict(slice.file.path, 0..<slice.count)
        _ = try fixture.append(batch(1, valueBytes: 10), epoch: 5)
        #expect(slice.isResident)
        #expect(!slice.isTrusted(now: now))
    }

    @Test("What a walk asks for ahead ends before what is trusted")
    func readAhead() throws {
        let disk = SimDisk()
        try disk.createDirectory("/d")
        let file = SegmentFile(try disk.open("/d/f", .createNew))
        try file.write([Bytes([UInt8](repeating: 7, count: 1 << 20))], at: 0)
        file.distrust(0..<1 << 20)
        let buffer = Bytes(MemoryRegion(count: 100_000), start: 0, count: 100_000)
        func walk() throws -> [Range<Int64>] {
            disk.evict("/d/f", 0..<1 << 20)
            _ = try file.read(into: buffer, at: 0)
            return disk.takeReadsAhead()
        }
        #expect(try walk() == [0..<400_000])
        file.wasChecked(200_000..<300_000, now: now)
        #expect(try walk() == [0..<196_608])
        #expect(file.isTrusted(200_000..<300_000, now: now))
        _ = try file.read(into: buffer, at: 0)
        #expect(disk.takeReadsAhead().isEmpty, "what is in memory is not asked for")
    }
}
