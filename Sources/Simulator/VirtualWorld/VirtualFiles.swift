import Primitives
import Synchronization
package import World

/// The disk of a simulated node. It outlives crashes of the node, but what was not synchronised may be lost.
///
/// Permitted faults: on a crash each write since the file's last `synchronize` is kept, lost, or (the last one) torn,
/// by the seed. Names (creation, renaming, removal) are kept as they are: losing those is the storage tests' own
/// subject.
package final class VirtualFiles: FileStore {
    fileprivate struct Write {
        let position: Int
        let bytes: [UInt8]
    }

    fileprivate struct Content {
        /// What survives a crash.
        var durable: [UInt8] = []
        /// What a reader sees.
        var visible: [UInt8] = []
        var writes: [Write] = []
        /// The length was cut since the last synchronisation: the cut may be lost with the crash, as a whole.
        var isCut = false
    }

    fileprivate struct State {
        var nextFile = 0
        var names: [String: Int] = [:]
        var contents: [Int: Content] = [:]
        var directories: Set<String> = ["", "."]
        var locked: Set<String> = []
        var failsSynchronize = false
        var capacityBytes = Int64.max
        var usedBytes: Int64 { contents.values.reduce(0) { $0 + Int64($1.visible.count) } }
    }

    private let time: VirtualTime
    fileprivate let state = Mutex(State())

    package init(time: VirtualTime) { self.time = time }

    // MARK: faults

    /// The machine loses power: open files are gone, un-synchronised writes are a matter of luck.
    package func losePower() {
        state.withLock { state in
            for id in state.contents.keys.sorted() { state.contents[id] = survived(state.contents[id] ?? Content()) }
            state.locked = []
        }
    }

    /// The process dies but the machine does not: the page cache stays.
    package func endProcess() { state.withLock { $0.locked = [] } }

    /// All content is gone, as with a new disk.
    package func wipe() { state.withLock { $0 = State(nextFile: $0.nextFile) } }

    /// From now on every `synchronize` fails.
    package func failSynchronize(_ fails: Bool) { state.withLock { $0.failsSynchronize = fails } }

    private func survived(_ content: Content) -> Content {
        var kept = Content(durable: content.durable)
        if content.isCut {
            kept.durable = time.draw() % 2 == 0 ? content.visible : content.durable
        } else {
            for (index, write) in content.writes.enumerated() {
                switch time.draw() % 3 {
                case 0: continue
                case 1 where index == content.writes.count - 1:
                    let torn = Int(time.draw() % UInt64(write.bytes.count + 1))
                    VirtualFiles.apply(
                        Write(position: write.position, bytes: Array(write.bytes[..<torn])), to: &kept.durable)
                default: VirtualFiles.apply(write, to: &kept.durable)
                }
            }
        }
        kept.visible = kept.durable
        return kept
    }

    fileprivate static func apply(_ write: Write, to bytes: inout [UInt8]) {
        let end = write.position + write.bytes.count
        if bytes.count < end { bytes.append(contentsOf: [UInt8](repeating: 0, count: end - bytes.count)) }
        bytes.replaceSubrange(write.position..<end, with: write.bytes)
    }

    // MARK: FileStore

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let path = VirtualFiles.normalized(path)
        let result: Result<Int, FileError> = state.withLock { state in
            let existing = state.names[path]
            switch mode {
            case .read, .readWrite:
                guard let existing else { return .failure(FileError(kind: .notFound, operation: "open", path: path)) }
                return .success(existing)
            case .createNew where existing != nil:
                return .failure(FileError(kind: .alreadyExists, operation: "open", path: path))
            case .createIfMissing where existing != nil, .createNew where existing != nil:
                return .success(existing ?? 0)
            case .replace, .createIfMissing, .createNew:
                if let existing, mode == .replace { state.contents[existing]?.visible = [] }
                if let existing {
                    state.contents[existing]?.isCut = true
                    return .success(existing)
                }
                guard state.directories.contains(VirtualFiles.parent(path)) else {
                    return .failure(FileError(kind: .notFound, operation: "open", path: path))
                }
                state.nextFile += 1
                state.names[path] = state.nextFile
                state.contents[state.nextFile] = Content()
                return .success(state.nextFile)
            }
        }
        return VirtualFile(path: path, id: try result.get(), store: self)
    }

    package func list(_ path: String) throws(FileError) -> [DirectoryEntry] {
        let path = VirtualFiles.normalized(path)
        let entries: [DirectoryEntry]? = state.withLock { state in
            guard state.directories.contains(path) else { return nil }
            let files = state.names.keys.filter { VirtualFiles.parent($0) == path }
            let folders = state.directories.filter { $0 != path && !$0.isEmpty && VirtualFiles.parent($0) == path }
            return files.map { DirectoryEntry(name: VirtualFiles.last($0), isDirectory: false) }
                + folders.map { DirectoryEntry(name: VirtualFiles.last($0), isDirectory: true) }
        }
        guard let entries else { throw FileError(kind: .notFound, operation: "list", path: path) }
        return entries.sorted { $0.name < $1.name }
    }

    package func exists(_ path: String) -> Bool {
        let path = VirtualFiles.normalized(path)
        return state.withLock { $0.names[path] != nil || $0.directories.contains(path) }
    }

    package func createDirectory(_ path: String) throws(FileError) {
        var path = VirtualFiles.normalized(path)
        state.withLock { state in
            while !path.isEmpty, state.directories.insert(path).inserted { path = VirtualFiles.parent(path) }
        }
    }

    package func rename(_ path: String, to newPath: String) throws(FileError) {
        let (from, to) = (VirtualFiles.normalized(path), VirtualFiles.normalized(newPath))
        let isDone: Bool = state.withLock { state in
            if let id = state.names.removeValue(forKey: from) {
                if let replaced = state.names[to] { state.contents[replaced] = nil }
                state.names[to] = id
                return true
            }
            guard state.directories.contains(from) else { return false }
            func moved(_ name: String) -> String { to + name.dropFirst(from.count) }
            func isInside(_ name: String) -> Bool { name == from || name.hasPrefix(from + "/") }
            state.directories = Set(state.directories.map { isInside($0) ? moved($0) : $0 })
            state.names = Dictionary(
                uniqueKeysWithValues: state.names.map { (isInside($0.key) ? moved($0.key) : $0.key, $0.value) })
            return true
        }
        guard isDone else { throw FileError(kind: .notFound, operation: "rename", path: path) }
    }

    package func remove(_ path: String) throws(FileError) {
        let name = VirtualFiles.normalized(path)
        let isDone = state.withLock { $0.names.removeValue(forKey: name) != nil }
        guard isDone else { throw FileError(kind: .notFound, operation: "remove", path: path) }
    }

    package func removeTree(_ path: String) throws(FileError) {
        let root = VirtualFiles.normalized(path)
        state.withLock { state in
            state.names = state.names.filter { $0.key != root && !$0.key.hasPrefix(root + "/") }
            state.directories = state.directories.filter { $0 != root && !$0.hasPrefix(root + "/") }
        }
    }

    package func synchronizeDirectory(_ path: String) throws(FileError) {
        guard exists(path) else { throw FileError(kind: .notFound, operation: "fsync", path: path) }
    }

    package func lock(_ path: String) throws(FileError) -> any DirectoryLock {
        let name = VirtualFiles.normalized(path)
        let isFree = state.withLock { $0.locked.insert(name).inserted }
        guard isFree else { throw FileError(kind: .lockedByAnother, operation: "lock", path: path) }
        return VirtualDirectoryLock(path: name, store: self)
    }

    package func freeBytes(_ path: String) throws(FileError) -> Int64 {
        state.withLock { $0.capacityBytes - $0.usedBytes }
    }

    package func totalBytes(_ path: String) throws(FileError) -> Int64 { state.withLock { $0.capacityBytes } }

    fileprivate func unlock(_ path: String) { _ = state.withLock { $0.locked.remove(path) } }

    private static func normalized(_ path: String) -> String {
        path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func last(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}

/// The lock of a simulated directory.
private final class VirtualDirectoryLock: DirectoryLock {
    private let path: String
    private let store: VirtualFiles

    init(path: String, store: VirtualFiles) {
        self.path = path
        self.store = store
    }

    func release() { store.unlock(path) }
}

/// An open file of a simulated disk.
private final class VirtualFile: File {
    let path: String
    private let id: Int
    private let store: VirtualFiles

    init(path: String, id: Int, store: VirtualFiles) {
        self.path = path
        self.id = id
        self.store = store
    }

    var descriptor: Int32? { nil }

    func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        let bytes = pieces.flatMap(\.array)
        let isDone: Bool = store.state.withLock { state in
            guard state.capacityBytes - state.usedBytes >= Int64(bytes.count) else { return false }
            let write = VirtualFiles.Write(position: Int(position), bytes: bytes)
            guard state.contents[id] != nil else { return true }
            VirtualFiles.apply(write, to: &state.contents[id]!.visible)
            state.contents[id]?.writes.append(write)
            return true
        }
        guard isDone else { throw FileError(kind: .noSpace, operation: "write", path: path) }
    }

    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        let found: [UInt8] = store.state.withLock { state in
            let visible = state.contents[id]?.visible ?? []
            guard position < visible.count else { return [] }
            return Array(visible[Int(position)..<min(visible.count, Int(position) + buffer.count)])
        }
        unsafe buffer.withUnsafeMutableBytes { unsafe $0.copyBytes(from: found) }
        return found.count
    }

    func synchronize() throws(FileError) {
        let isDone: Bool = store.state.withLock { state in
            guard !state.failsSynchronize else { return false }
            guard var content = state.contents[id] else { return true }
            content.durable = content.visible
            content.writes = []
            content.isCut = false
            state.contents[id] = content
            return true
        }
        guard isDone else { throw FileError(kind: .inputOutput, operation: "fdatasync", path: path) }
    }

    func truncate(to size: Int64) throws(FileError) {
        store.state.withLock { state in
            guard var content = state.contents[id] else { return }
            if content.visible.count > size {
                content.visible.removeLast(content.visible.count - Int(size))
            } else {
                content.visible.append(contentsOf: [UInt8](repeating: 0, count: Int(size) - content.visible.count))
            }
            content.isCut = true
            state.contents[id] = content
        }
    }

    func size() throws(FileError) -> Int64 {
        Int64(store.state.withLock { $0.contents[id]?.visible.count ?? 0 })
    }

    func isResident(from position: Int64, count: Int) -> Bool { true }

    func close() {}
}
