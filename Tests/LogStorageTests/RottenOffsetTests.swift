import LogStorage
import Primitives
import Testing
import World

/// One flipped bit in the base offset of a batch, which no checksum covers, in a log that is open.
@Suite("Rotten base offsets") struct RottenOffsetTests {
    private static let path = LogFixture.directory + "/00000000000000000000.log"
    private static let batches = 300

    /// One segment of batches of one record; memory holds where the newest are, the file tells of the others.
    private func log(indexed: Bool) throws -> (fixture: LogFixture, sound: [UInt8], batchBytes: Int) {
        var fixture = try LogFixture { $0.indexIntervalBytes = indexed ? 1_000 : 1 << 20 }
        for index in 0..<RottenOffsetTests.batches { _ = try fixture.append(batch(fill: UInt8(index % 200))) }
        let content = fixture.disk.content(RottenOffsetTests.path)
        return (fixture, content, content.count / RottenOffsetTests.batches)
    }

    private static let flips: [(batch: Int, bit: Int)] =
        [0, 7, 40, 200, 299].flatMap { batch in [0, 1, 3, 9, 40].map { (batch, $0) } }

    @Test("A read gives the batches that were asked for or says that the file is corrupt", arguments: [true, false])
    func reads(indexed: Bool) throws {
        var (fixture, sound, size) = try log(indexed: indexed)
        var corrupt = 0
        for flip in RottenOffsetTests.flips {
            rot(fixture, flip.batch * size, flip.bit)
            for (from, end) in [(0, 1), (0, 300), (3, 61), (30, 41), (199, 260), (250, 280), (280, 299), (299, 300)] {
                do throws(StorageError) {
                    let slice = try fixture.log.read(
                        from: Offset(Int64(from)), maxBytes: 1 << 20, upTo: Offset(Int64(end)), minOneMessage: true)
                    // A batch's own header may be rotten in what is sent, never another's place be taken for it.
                    #expect(slice.position == Int64(from * size))
                    #expect(slice.count > 0 && from * size + slice.count <= end * size)
                    #expect(slice.endOffset == Offset(Int64(from + slice.count / size)))
                } catch {
                    guard case .corrupt(RottenOffsetTests.path, _, _) = error else { throw error }
                    corrupt += 1
                }
            }
            fixture.disk.edit(RottenOffsetTests.path) { $0 = sound }
        }
        #expect(corrupt > 15, "\(corrupt)")
    }

    @Test("A cut takes what lies behind it, or nothing and says that the file is corrupt", arguments: [true, false])
    func cuts(indexed: Bool) throws {
        var corrupt = 0
        for flip in RottenOffsetTests.flips {
            for cut in [1, 41, 299] where [0, 9].contains(flip.bit) {
                var (fixture, _, size) = try log(indexed: indexed)
                rot(fixture, flip.batch * size, flip.bit)
                let end = fixture.log.logEndOffset
                do throws(StorageError) {
                    try fixture.log.truncate(to: Offset(Int64(cut)))
                    #expect(fixture.disk.content(RottenOffsetTests.path).count == cut * size)
                } catch {
                    guard case .corrupt(RottenOffsetTests.path, _, _) = error else { throw error }
                    corrupt += 1
                    let left = fixture.disk.content(RottenOffsetTests.path).count
                    // Seen before the cut nothing is done; a batch that stays is seen when what is left is read again.
                    #expect(left == end.value * Int64(size) || left == cut * size)
                }
            }
        }
        #expect(corrupt > 5, "\(corrupt)")
    }

    @Test("A start does not take a rotten offset for a gap of the cleaner where the missing batches follow")
    func falseGap() throws {
        for flushed in [Int64(0), 2, 4] {
            var fixture = try LogFixture { $0.isCompacted = true }
            for _ in 0..<4 { _ = try fixture.append(batch()) }
            try fixture.log.flush()
            try fixture.log.recoveryPointWasSaved(Offset(flushed))
            let size = fixture.disk.content(RottenOffsetTests.path).count / 4
            rot(fixture, 2 * size, 3)
            do {
                try fixture.reopen(recoveryPoint: Offset(flushed))
                #expect(flushed <= 2 && fixture.log.logEndOffset == Offset(2))
                #expect(fixture.report.truncatedBytes == 2 * Int64(size))
                #expect(fixture.disk.content(RottenOffsetTests.path).count == 2 * size)
            } catch let error as StorageError {
                guard case .corrupt(RottenOffsetTests.path, Int64(2 * size), _) = error else { throw error }
                #expect(flushed > 2, "what was flushed is not cut away")
            }
        }
    }

    @Test("An index of Kafka 3, which names the ends of whole appends, leads to the same batches")
    func oldIndexes() throws {
        var fixture = try LogFixture.small()
        try fixture.fill(60)
        let sound = try fixture.contents()
        let paths = fixture.log.auditedSegments.dropLast().map(\.path)
        try #require(paths.count > 2)
        for path in paths {
            fixture.disk.edit(path.replacing(".log", with: ".index")) { bytes in
                // Each entry goes as far as the next one's batch begins, at least.
                for entry in stride(from: 0, to: bytes.count - 8, by: 8) {
                    bytes[entry + 3] = max(bytes[entry + 3], bytes[entry + 11] - 3)
                }
            }
        }
        try fixture.reopen(clean: true, recoveryPoint: fixture.log.logEndOffset)
        #expect(try fixture.contents(maxBytes: 150) == sound)
        for offset in 0..<fixture.log.logEndOffset.value {
            #expect(try fixture.contents(from: Offset(offset)).isEmpty == false)
        }
    }

    private func rot(_ fixture: LogFixture, _ position: Int, _ bit: Int) {
        fixture.disk.edit(RottenOffsetTests.path) { $0[position + 7 - bit / 8] ^= 1 << UInt8(bit % 8) }
    }
}
