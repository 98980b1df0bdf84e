import LogStorage
import Primitives
import Testing
import World

/// Flips one bit of a file behind the log's back.
extension LogFixture {
    fileprivate func flip(_ name: String, at position: Int) { disk.flip(path(name), at: position) }

    fileprivate func audited(_ index: Int) throws -> LogDamage? {
        var audit = log.auditedSegments[index].audit
        return try audit.run()
    }
}

@Suite("Checks of what is on the disk")
struct AuditTests {
    private static let first = "00000000000000000000.log"

    private func fixture() throws -> LogFixture {
        var fixture = try LogFixture.small()
        try fixture.fill(40, epoch: 5)
        try #require(fixture.log.segmentCount > 2)
        return fixture
    }

    @Test("A sound log is called sound, every segment, the active one too")
    func sound() throws {
        let fixture = try fixture()
        for index in fixture.log.auditedSegments.indices { #expect(try fixture.audited(index) == nil) }
    }

    @Test("A flipped bit is found wherever it is in a closed segment, and named with the offset before it")
    func everyByte() throws {
        let sound = try fixture()
        let disk = sound.disk
        for (index, segment) in sound.log.auditedSegments.dropLast().enumerated() {
            for position in 0..<Int(segment.sizeBytes) {
                disk.flip(segment.path, at: position)
                let damage = try #require(try sound.audited(index), "byte \(position) is damaged and nobody sees it")
                #expect(damage.path == segment.path)
                // The first batch of all may begin anywhere: only the next one tells.
                #expect(damage.position <= Int64(position) || index == 0 && position < 8)
                disk.flip(segment.path, at: position)
            }
            #expect(try sound.audited(index) == nil)
        }
    }

    @Test("A file that lost its end is damaged")
    func shortened() throws {
        let fixture = try fixture()
        let segment = fixture.log.auditedSegments[0]
        let file = try fixture.disk.open(fixture.path(Self.first), .readWrite)
        try file.truncate(to: segment.sizeBytes - 10)
        let damage = try #require(try fixture.audited(0))
        #expect(damage.offset.map { $0 < segment.endOffset } == true)
    }

    @Test("A slice is checked whole, and what stands before the damage can be read")
    func slice() throws {
        var fixture = try fixture()
        let end = fixture.log.auditedSegments[0].endOffset
        let slice = try fixture.log.read(from: .zero, maxBytes: 10_000, upTo: end, minOneMessage: true)
        fixture.flip(Self.first, at: slice.count - 1)
        var audit = fixture.log.audit(slice)
        let damage = try #require(try audit.run())
        let prefix = try #require(slice.prefix(before: damage))
        #expect(prefix.endOffset == damage.offset && prefix.count == Int(damage.position))
        var again = fixture.log.audit(prefix)
        #expect(try again.run() == nil)
        // Damage in the first batch leaves nothing.
        fixture.flip(Self.first, at: 70)
        var whole = fixture.log.audit(slice)
        let first = try #require(try whole.run())
        #expect(slice.prefix(before: first) == nil)
    }

    @Test("Damage below the log start is nobody's: the range was given up")
    func belowStart() throws {
        var fixture = try fixture()
        fixture.flip(Self.first, at: 70)
        #expect(try fixture.audited(0) != nil)
        _ = try fixture.log.incrementLogStartOffset(to: Offset(1))
        #expect(try fixture.audited(0) == nil)
    }

    @Test("What is found in a log that was cut meanwhile is not true of it")
    func cutMeanwhile() throws {
        var fixture = try fixture()
        let segment = try #require(fixture.log.auditedSegments.last)
        #expect(fixture.log.holds(segment))
        try fixture.log.truncate(to: Offset(fixture.log.logEndOffset.value - 1))
        #expect(!fixture.log.holds(segment))
    }

    @Test("An index that leads astray is told from a damaged file, and made anew", arguments: [0, 3, 4, 7, 12])
    func index(byte: Int) throws {
        var fixture = try fixture()
        try fixture.log.close()
        fixture.flip("00000000000000000000.index", at: byte)
        let opened = try PartitionLog.open(
            directory: LogFixture.directory, files: fixture.disk, configuration: fixture.configuration, start: .clean,
            now: fixture.now)
        fixture.log = opened.log
        let expected = fixture.log.auditedSegments[0]
        for _ in 0..<2 {
            do {
                for offset in 0..<expected.endOffset.value {
                    let slice = try fixture.log.read(
                        from: Offset(offset), maxBytes: 1, upTo: expected.endOffset, minOneMessage: true)
                    #expect(slice.baseOffset.value <= offset && slice.endOffset.value > offset)
                }
            } catch StorageError.corrupt(let path, _, _) {
                #expect(path == expected.path)
                #expect(try fixture.audited(0) == nil)
                let rebuilt = try RebuiltIndexes(
                    of: expected, directory: LogFixture.directory, intervalBytes: 100, now: fixture.now)
                #expect(try fixture.log.adopt(rebuilt))
            }
        }
        for offset in 0..<expected.endOffset.value {
            let slice = try fixture.log.read(
                from: Offset(offset), maxBytes: 1, upTo: expected.endOffset, minOneMessage: true)
            #expect(slice.baseOffset.value <= offset && slice.endOffset.value > offset)
        }
    }
}
