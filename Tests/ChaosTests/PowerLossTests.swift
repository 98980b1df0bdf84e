import Chaos
import Foundation
import Testing

@Suite("What a loss of power takes")
struct PowerLossTests {
    private func entry(
        _ kind: ShimJournal.Kind, _ path: String = "", to newPath: String = "", inode: UInt64 = 0,
        at offset: UInt64 = 0,
        count: UInt64 = 0, oldSize: UInt64 = 0, old: String = ""
    ) -> ShimJournal.Entry {
        var entry = ShimJournal.Entry(kind)
        entry.path = path
        entry.newPath = newPath
        entry.inode = inode
        entry.offset = offset
        entry.count = count
        entry.oldSize = oldSize
        entry.old = Array(old.utf8)
        return entry
    }

    @Test("A flush of a file keeps what was written before it, and only to this file")
    func flushes() {
        let changes = UnflushedChanges(
            ShimJournal([
                entry(.write, inode: 1, count: 4), entry(.write, inode: 2, count: 4), entry(.fileFlushed, inode: 1),
                entry(.write, inode: 1, at: 4, count: 4, oldSize: 4),
            ]))
        #expect(changes.ofFiles[1]?.map(\.offset) == [4])
        #expect(changes.ofFiles[2]?.count == 1)
        #expect(changes.doomed.isEmpty)
    }

    @Test("After a failed flush nothing of the file is kept, whatever is flushed later")
    func failedFlush() {
        let changes = UnflushedChanges(
            ShimJournal([
                entry(.write, inode: 1, count: 4), entry(.flushFailed, inode: 1), entry(.fileFlushed, inode: 1),
                entry(.write, inode: 1, at: 4, count: 4, oldSize: 4), entry(.fileFlushed, inode: 1),
            ]))
        #expect(changes.ofFiles[1]?.count == 2)
        #expect(changes.doomed == [1])
    }

    @Test("A flush of a folder keeps the names in it, also after the folder was renamed")
    func names() {
        let changes = UnflushedChanges(
            ShimJournal([
                entry(.create, "/d/a/one"), entry(.create, "/d/b/two"), entry(.rename, "/d/a", to: "/d/c"),
                entry(.folderFlushed, "/d/c"), entry(.folderFlushed, "/d"),
            ]))
        #expect(changes.ofNames.map(\.path) == ["/d/b/two"])
    }

    @Test("A name that is not flushed goes along with its folder's lasting rename")
    func movedNames() {
        let changes = UnflushedChanges(
            ShimJournal([
                entry(.create, "/d/a/one"), entry(.rename, "/d/a", to: "/d/c"), entry(.folderFlushed, "/d"),
            ]))
        #expect(changes.ofNames.map(\.path) == ["/d/c/one"])
    }

    @Test("What was not flushed is undone on the disk, what was is not", arguments: 0..<20 as Range<UInt64>)
    func strike(seed: UInt64) throws {
        let folder = NSTemporaryDirectory() + "/martlet-power-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["/data", "/side"] {
            try FileManager.default.createDirectory(atPath: folder + name, withIntermediateDirectories: true)
        }
        let path = folder + "/data/log"
        try Data("firmly".utf8).write(to: URL(fileURLWithPath: path))
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        let inode = try #require(attributes[.systemFileNumber] as? NSNumber).uint64Value
        // "firmly" was flushed; " and more" was appended, and the first letter changed.
        try Data("Firmly and more".utf8).write(to: URL(fileURLWithPath: path))
        let journal = bytes(
            of: [
                entry(.write, inode: inode, count: 6), entry(.fileFlushed, path, inode: inode),
                entry(.write, inode: inode, at: 6, count: 9, oldSize: 6),
                entry(.write, inode: inode, at: 0, count: 1, oldSize: 15, old: "f"),
            ])
        try Data(journal).write(to: URL(fileURLWithPath: folder + "/side/journal"))
        var loss = PowerLoss(root: folder + "/data", side: folder + "/side", seed: seed)
        let toll = try loss.strike()
        let found = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        #expect(["firmly", "firmly and", "firmly and more", "Firmly and more"].contains(found), "\(found)")
        #expect(toll.writes + toll.kept == 2)
        #expect(!FileManager.default.fileExists(atPath: folder + "/side/journal"))
    }

    @Test("A journal is read as it was written; a last entry that is cut off does not count")
    func parsing() throws {
        let entries = [
            entry(.rename, "/a", to: "/b", at: 7), entry(.truncate, inode: 3, at: 2, oldSize: 5, old: "xyz"),
        ]
        let written = bytes(of: entries)
        #expect(try ShimJournal(parsing: written).entries == entries)
        #expect(try ShimJournal(parsing: Array(written.dropLast())).entries == [entries[0]])
        #expect(throws: ChaosError.self) { try ShimJournal(parsing: [UInt8](repeating: 1, count: 48)) }
    }

    /// As `Tests/Shims/machine.c` writes them.
    private func bytes(of entries: [ShimJournal.Entry]) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ value: UInt64, _ count: Int) {
            bytes += (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        for entry in entries {
            append(UInt64(entry.kind.rawValue), 4)
            append(UInt64(entry.path.utf8.count), 4)
            append(UInt64(entry.newPath.utf8.count), 4)
            append(UInt64(entry.old.count), 4)
            for number in [entry.inode, entry.offset, entry.count, entry.oldSize] { append(number, 8) }
            bytes += Array(entry.path.utf8) + Array(entry.newPath.utf8) + entry.old
        }
        return bytes
    }
}
