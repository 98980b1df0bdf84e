import Primitives
import Synchronization
import World

/// A disk that fails its flushes or writes, or takes long for writes, from the moment the test says so.
final class FailingFiles: FileStore {
    private let real: any FileStore
    /// Below which path flushes fail; nil for nowhere.
    let failing = Mutex<String?>(nil)

    /// What the disk is said to have; nil for what it has.
    let space = Mutex<(free: Int64, total: Int64)?>(nil)

    init(_ real: any FileStore) { self.real = real }

    func failFlushes(below path: String = "") { failing.withLock { $0 = path } }

    private struct Waiting: Sendable {
        let path: String
        let wait: @Sendable () -> Void
    }

    private let slow = Mutex<Waiting?>(nil)
    private let failingWrites = Mutex<String?>(nil)

    /// What each write below a path does first; nothing where none is named.
    func slowWrites(below path: String?, _ wait: @escaping @Sendable () -> Void = {}) {
        slow.withLock { $0 = path.map { Waiting(path: $0, wait: wait) } }
    }

    func failWrites(below path: String) { failingWrites.withLock { $0 = path } }

    func beforeWrite(to path: String) throws(FileError) {
        if let slow = slow.withLock({ $0 }), path.hasPrefix(slow.path) { slow.wait() }
        if let failing = failingWrites.withLock({ $0 }), path.hasPrefix(failing) {
            throw FileError(kind: .inputOutput, operation: "write", path: path)
        }
    }

    func isFailing(_ path: String) -> Bool { failing.withLock { $0.map { path.hasPrefix($0) } ?? false } }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        FailingFile(try real.open(path, mode), self)
    }
    func list(_ path: String) throws(FileError) -> [DirectoryEntry] { try real.list(path) }
    func exists(_ path: String) -> Bool { real.exists(path) }
    func createDirectory(_ path: String) throws(FileError) { try real.createDirectory(path) }
    func rename(_ path: String, to newPath: String) throws(FileError) { try real.rename(path, to: newPath) }
    func remove(_ path: String) throws(FileError) { try real.remove(path) }
    func removeTree(_ path: String) throws(FileError) { try real.removeTree(path) }
    func synchronizeDirectory(_ path: String) throws(FileError) { try real.synchronizeDirectory(path) }
    func lock(_ path: String) throws(FileError) -> any DirectoryLock { try real.lock(path) }
    func freeBytes(_ path: String) throws(FileError) -> Int64 {
        if let free = space.withLock({ $0?.free }) { return free }
        return try real.freeBytes(path)
    }
    func totalBytes(_ path: String) throws(FileError) -> Int64 {
        if let total = space.withLock({ $0?.total }) { return total }
        return try real.totalBytes(path)
    }
}

final class FailingFile: File {
    private let real: any File
    private let store: FailingFiles

    init(_ real: any File, _ store: FailingFiles) {
        self.real = real
        self.store = store
    }

    var path: String { real.path }
    var descriptor: Int32? { real.descriptor }
    func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        try store.beforeWrite(to: path)
        try real.write(pieces, at: position)
    }
    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        try real.read(into: buffer, at: position)
    }
    func synchronize() throws(FileError) {
        if store.isFailing(path) { throw FileError(kind: .inputOutput, operation: "fdatasync", path: path) }
        try real.synchronize()
    }
    func truncate(to size: Int64) throws(FileError) { try real.truncate(to: size) }
    func size() throws(FileError) -> Int64 { try real.size() }
    func isResident(from position: Int64, count: Int) -> Bool { real.isResident(from: position, count: count) }
    func close() { real.close() }
}
