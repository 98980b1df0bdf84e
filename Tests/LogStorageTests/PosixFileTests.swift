import Foundation
import LiveWorld
import LogStorage
import Primitives
import Testing
import World

@Suite("Files of the machine") struct PosixFileTests {
    /// A directory of its own for each test, removed at the end.
    private final class Scratch {
        let path = NSTemporaryDirectory() + "martlet-files-\(UUID().uuidString)"
        let store = PosixFileStore()
        init() throws { try store.createDirectory(path + "/a/b") }
        deinit { try? store.removeTree(path) }
    }

    @Test("Pieces are written one after the other, more than one system call takes")
    func gathers() throws {
        let scratch = try Scratch()
        let file = try scratch.store.open(scratch.path + "/f", .createNew)
        let pieces = (0..<3_000).map { Bytes([UInt8](repeating: UInt8($0 % 251), count: $0 % 7)) }
        try file.write(pieces, at: 5)
        try file.synchronize()
        let whole = [UInt8](repeating: 0, count: 5) + pieces.flatMap(\.array)
        #expect(try scratch.store.readAll(scratch.path + "/f") == whole)
        #expect(try file.size() == Int64(whole.count))
        #expect(file.isResident(from: 0, count: whole.count))
        try file.truncate(to: 3)
        #expect(try scratch.store.readAll(scratch.path + "/f") == [0, 0, 0])
    }

    @Test("The modes of opening, and errors by their kind")
    func modes() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/f"
        func kind(_ body: () throws -> Void) -> FileError.Kind? {
            do { try body() } catch { return (error as? FileError)?.kind }
            return nil
        }
        #expect(kind { _ = try scratch.store.open(path, .read) } == .notFound)
        #expect(kind { _ = try scratch.store.open(path, .readWrite) } == .notFound)
        try scratch.store.open(path, .createIfMissing).write([Bytes(utf8: "abc")], at: 0)
        #expect(kind { _ = try scratch.store.open(path, .createNew) } == .alreadyExists)
        #expect(kind { try scratch.store.open(path, .read).write([Bytes(utf8: "x")], at: 0) } == .other)
        _ = try scratch.store.open(path, .replace)
        #expect(try scratch.store.readAll(path).isEmpty)
        #expect(kind { try scratch.store.remove(path + "2") } == .notFound)
        #expect(kind { _ = try scratch.store.list(path + "2") } == .notFound)
        #expect(kind { try scratch.store.createDirectory(path) } != nil, "a file is in the way")
    }

    @Test("Names are listed in order, renamed and removed with all below them")
    func names() throws {
        let scratch = try Scratch()
        let store = scratch.store
        for name in ["z", "a/x", "a/b/y"] { _ = try store.open(scratch.path + "/" + name, .createNew) }
        #expect(try store.list(scratch.path).map(\.name) == ["a", "z"])
        #expect(try store.list(scratch.path).map(\.isDirectory) == [true, false])
        try store.rename(scratch.path + "/a", to: scratch.path + "/c")
        #expect(store.exists(scratch.path + "/c/b/y") && !store.exists(scratch.path + "/a"))
        try store.synchronizeDirectory(scratch.path)
        try store.removeTree(scratch.path + "/c")
        #expect(try store.list(scratch.path).map(\.name) == ["z"])
        #expect(try store.freeBytes(scratch.path) > 0)
    }

    @Test("Fault F37: a directory is locked once; the lock goes with its holder")
    func locks() throws {
        let scratch = try Scratch()
        var first: (any DirectoryLock)? = try scratch.store.lock(scratch.path)
        do throws(FileError) {
            _ = try scratch.store.lock(scratch.path)
            Issue.record("locked twice")
        } catch { #expect(error.kind == .lockedByAnother) }
        first?.release()
        let second = try scratch.store.lock(scratch.path)
        second.release()
        first = nil
        try scratch.store.lock(scratch.path).release()
    }

    @Test("A log on a real disk: append, flush, kill, recover, read")
    func logOnDisk() throws {
        let scratch = try Scratch()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 5_000
        let directory = scratch.path + "/orders-0"
        var (log, _) = try PartitionLog.open(
            directory: directory, files: scratch.store, configuration: configuration, start: .clean, now: Timestamp(0))
        for index in 0..<100 {
            _ = try log.appendAsLeader([batch(3, time: Int64(index))], epoch: LeaderEpoch(1), now: Timestamp(0))
        }
        try log.flush()
        #expect(log.flushedEndOffset == Offset(300))
        #expect(log.segmentCount > 2)
        let tail = scratch.path + "/orders-0/" + SegmentFileName.name(log.logEndOffset, .log)
        #expect(!scratch.store.exists(tail))
        let bytes = try log.readBytes(from: Offset(150), upTo: Offset(300), maxBytes: 2_000)
        log.abandon()
        var (again, report) = try PartitionLog.open(
            directory: directory, files: scratch.store, configuration: configuration,
            start: RecoveryStart(wasCleanShutdown: false), now: Timestamp(0))
        #expect(report.truncatedBytes == 0 && report.scannedBytes > 0)
        #expect(again.logEndOffset == Offset(300))
        #expect(try again.readBytes(from: Offset(150), upTo: Offset(300), maxBytes: 2_000) == bytes)
        let slice = try again.read(from: Offset(10), maxBytes: 900, upTo: Offset(300), minOneMessage: true)
        #expect(slice.isResident && slice.file.descriptor != nil)
    }
}
