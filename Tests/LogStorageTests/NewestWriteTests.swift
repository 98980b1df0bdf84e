import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("What was written a moment ago")
struct NewestWriteTests {
    private func append(_ fixture: inout LogFixture, _ pieces: Bytes..., keeps: Bool = true) throws -> [UInt8] {
        _ = try fixture.log.appendAsLeader(
            pieces, epoch: LeaderEpoch(1), now: fixture.now, keepsNewest: keeps)
        return pieces.flatMap(\.array)
    }

    private func newest(_ fixture: inout LogFixture, from offset: Int64) throws -> LogSlice {
        try fixture.log.read(
            from: Offset(offset), maxBytes: 1 << 20, upTo: fixture.log.logEndOffset, minOneMessage: true)
    }

    @Test("It is read from memory, and from the file once it is to be forgotten")
    func kept() throws {
        var fixture = try LogFixture()
        _ = try append(&fixture, batch(1, valueBytes: 3_000), keeps: false)
        let written = try append(&fixture, batch(2), batch(1, fill: 0x70))
        let slice = try newest(&fixture, from: 1)
        // Were it read from the file, its pages would come back by that.
        fixture.disk.evict(slice.file.path, 0..<8_192)
        #expect(try slice.read().array == written)
        #expect(!slice.isResident)
        slice.file.forgetNewest()
        #expect(try slice.read().array == written)
        #expect(slice.isResident)
    }

    @Test("Parts of it are found, what reaches beyond it is read from the file")
    func parts() throws {
        var fixture = try LogFixture()
        let before = try append(&fixture, batch(1), keeps: false)
        let written = try append(&fixture, batch(1), batch(3, fill: 0x70))
        let file = fixture.log.activeFile
        let all = before + written
        for start in stride(from: 0, to: all.count, by: 37) {
            for end in [start + 1, start + 60, all.count] where end <= all.count {
                let buffer = Bytes([UInt8](repeating: 0, count: end - start))
                #expect(try file.read(into: buffer, at: Int64(start)) == end - start)
                #expect(buffer.array == Array(all[start..<end]))
            }
        }
    }

    @Test("Nothing is left of it once the log was cut, and other records stand in its place")
    func cut() throws {
        var fixture = try LogFixture()
        _ = try append(&fixture, batch(1), keeps: false)
        _ = try append(&fixture, batch(1, fill: 0x70))
        try fixture.log.truncate(to: Offset(1))
        let other = try append(&fixture, batch(1, fill: 0x62), keeps: false)
        #expect(try newest(&fixture, from: 1).read().array == other)
    }

    @Test("What is too much for a copy is not kept")
    func large() throws {
        var fixture = try LogFixture()
        let written = try append(&fixture, batch(1, valueBytes: 20_000))
        let slice = try newest(&fixture, from: 0)
        fixture.disk.evict(slice.file.path, 0..<20_480)
        #expect(try slice.read().array == written)
        #expect(slice.isResident)
    }
}
