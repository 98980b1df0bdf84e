import Primitives
import Synchronization
package import World

/// The disk of a simulated node. It outlives crashes of the node, but what was not synchronised may be lost.
///
/// Permitted faults: on a loss of power each write since the file's last `synchronize` is kept, lost or torn, and some
/// of the last changes of names since their directory's synchronisation are taken back, by the seed. A disk may fill,
/// fail, lose everything, or flip a bit.
package final class VirtualFiles: FileStore {
    fileprivate struct State {
        var names = VirtualNames()
        var locked: Set<String> = []
        var failsSynchronize = false
        var failsWrites = false
        /// Below which directory writes are slow, and how long they take.
        var slowWrites: (directory: String, microseconds: ClosedRange<Int64>)?
        var capacityBytes = Int64.max

        var usedBytes: Int64 { names.files.values.reduce(0) { $0 + Int64($1.content.visible.count) } }
        func hasRoom(for count: Int) -> Bool { capacityBytes == .max || capacityBytes - usedBytes >= Int64(count) }
    }

    /// What happened to a file, for those who watch the disk.
    enum Event: Sendable {
        case wrote(VirtualPath, position: Int)
        case resized(VirtualPath, to: Int)
        /// An empty file came.
        case created(VirtualPath)
        /// A file went, or has another name.
        case renamed(VirtualPath)
        /// A directory did: all of it has to be looked at again.
        case renamedTree
    }

    /// The clean images of some files, by path.
    package typealias Copy = [String: [UInt8]]

    private let time: VirtualTime
    fileprivate let state = Mutex(State())
    /// In a struct, as a closure that is read out of a generic place is wrapped anew each time, for good.
    private struct Watcher: Sendable {
        let tell: @Sendable (Event) -> Void
    }

    private let watcher = Mutex<Watcher?>(nil)

    package init(time: VirtualTime) { self.time = time }

    /// From now on `watcher` hears of every change.
    func watch(_ watcher: @escaping @Sendable (Event) -> Void) {
        self.watcher.withLock { $0 = Watcher(tell: watcher) }
    }

    fileprivate func tell(_ event: Event) { watcher.withLock { $0 }?.tell(event) }

    // MARK: faults

    /// The machine loses power: open files are gone, un-synchronised changes are a matter of luck.
    package func losePower() {
        state.withLock { state in
            for node in state.names.files.sorted(by: { $0.key < $1.key }).map(\.value) {
                node.content.losePower { time.draw() }
            }
            state.names.losePower { time.draw() }
            state.locked = []
        }
        tell(.renamedTree)
    }

    /// The process dies but the machine does not: the page cache stays.
    package func endProcess() { state.withLock { $0.locked = [] } }

    /// All content below a directory is gone, as with a new disk; all there is, if none is named.
    package func wipe(_ directory: String = "") {
        let root = VirtualNames.normalized(directory)
        state.withLock { state in
            if root.isEmpty { state.names = VirtualNames() } else { state.names.removeTree(root) }
            state.names.synchronize(VirtualNames.parent(root))
            state.locked = []
        }
        tell(.renamedTree)
    }

    /// From now on every `synchronize` fails.
    package func failSynchronize(_ fails: Bool) { state.withLock { $0.failsSynchronize = fails } }

    /// From now on every write fails.
    package func failWrites(_ fails: Bool) { state.withLock { $0.failsWrites = fails } }

    /// From now on a write below a directory takes so long; nil for no time.
    package func slowWrites(below directory: String, microseconds: ClosedRange<Int64>?) {
        let root = VirtualNames.normalized(directory)
        state.withLock { state in state.slowWrites = microseconds.map { (root, $0) } }
    }

    /// Whoever writes waits for a slow disk.
    fileprivate func waitForWrite(of path: String) {
        let slow = state.withLock { $0.slowWrites }
        guard let slow, slow.directory.isEmpty || path.hasPrefix(slow.directory + "/") else { return }
        time.wait(microseconds: time.draw(in: slow.microseconds))
    }

    /// The disk has room for so many bytes in all.
    package func limit(toBytes capacity: Int64) { state.withLock { $0.capacityBytes = capacity } }

    /// Bytes of all files.
    package var usedBytes: Int64 { state.withLock { $0.usedBytes } }

    /// A bit of a file is another from now on, on the disk itself: its page is not in memory.
    package func flip(bit: Int, of path: String) {
        let path = VirtualNames.normalized(path)
        state.withLock { state in
            state.names.files[path]?.content.flip(bit: bit)
            state.names.files[path]?.absent.leave(bit / 8..<bit / 8 + 1)
        }
        tell(.wrote(VirtualPath(path), position: bit / 8))
    }

    /// The end of a file is lost, on the disk itself.
    package func cut(_ path: String, to size: Int) {
        let path = VirtualNames.normalized(path)
        state.withLock { state in
            state.names.files[path]?.content.resize(to: size)
            state.names.files[path]?.content.synchronize()
        }
        tell(.resized(VirtualPath(path), to: size))
    }

    /// A file is gone, on the disk itself.
    package func lose(_ path: String) {
        let path = VirtualNames.normalized(path)
        state.withLock { state in
            _ = state.names.remove(path)
            state.names.synchronize(VirtualNames.parent(path))
        }
        tell(.renamed(VirtualPath(path)))
    }

    /// What is in memory of a file leaves it.
    package func evict(_ path: String) {
        state.withLock { state in
            guard let node = state.names.files[VirtualNames.normalized(path)] else { return }
            node.absent.leave(0..<node.content.visible.count)
        }
    }

    /// The files below a directory as they are seen now.
    package func copy(below directory: String) -> Copy {
        let root = VirtualNames.normalized(directory)
        return state.withLock { state in
            state.names.files.filter { $0.key.hasPrefix(root + "/") }.mapValues(\.content.visible)
        }
    }

    /// Puts an old copy of a directory in the place of the present content, durable.
    package func restore(_ copy: Copy, below directory: String) {
        let root = VirtualNames.normalized(directory)
        state.withLock { state in
            state.names.removeTree(root)
            state.names.makeDirectory(root)
            for (path, bytes) in copy.sorted(by: { $0.key < $1.key }) {
                state.names.makeDirectory(VirtualNames.parent(path))
                let node = VirtualNode()
                node.content.write(bytes, at: 0)
                node.content.synchronize()
                state.names.create(path, node)
                state.names.synchronize(VirtualNames.parent(path))
            }
            state.names.synchronize(VirtualNames.parent(root))
        }
        tell(.renamedTree)
    }

    /// The bytes of a file from a position on, as they are seen now; nil if there is no such file.
    package func look(into path: String, from position: Int = 0) -> [UInt8]? {
        state.withLock { state in
            state.names.files[path].map { node in
                position < node.content.visible.count ? Array(node.content.visible[position...]) : []
            }
        }
    }

    /// The paths of all files, in order.
    package var paths: [String] { state.withLock { $0.names.files.keys.sorted() } }

    // MARK: FileStore

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let path = VirtualNames.normalized(path)
        var isNew = false
        let result: Result<VirtualNode, FileError> = state.withLock { state in
            let existing = state.names.files[path]
            switch mode {
            case .read, .readWrite:
                return existing.map { .success($0) }
                    ?? .failure(FileError(kind: .notFound, operation: "open", path: path))
            case .createNew where existing != nil:
                return .failure(FileError(kind: .alreadyExists, operation: "open", path: path))
            case .replace, .createIfMissing, .createNew:
                if let existing {
                    if mode == .replace { existing.content.resize(to: 0) }
                    return .success(existing)
                }
                guard state.names.directories.contains(VirtualNames.parent(path)) else {
                    return .failure(FileError(kind: .notFound, operation: "open", path: path))
                }
                let node = VirtualNode()
                state.names.create(path, node)
                isNew = true
                return .success(node)
            }
        }
        let node = try result.get()
        if isNew { tell(.created(node.path)) } else if mode == .replace { tell(.resized(node.path, to: 0)) }
        return VirtualFile(path: path, node: node, store: self)
    }

    package func list(_ path: String) throws(FileError) -> [DirectoryEntry] {
        let path = VirtualNames.normalized(path)
        let entries: [DirectoryEntry]? = state.withLock { state in
            guard state.names.directories.contains(path) else { return nil }
            let files = state.names.files.keys.filter { VirtualNames.isRightIn(path, $0) }
            let folders = state.names.directories.filter {
                $0 != path && !$0.isEmpty && $0 != "." && VirtualNames.isRightIn(path, $0)
            }
            return files.map { DirectoryEntry(name: VirtualNames.last($0), isDirectory: false) }
                + folders.map { DirectoryEntry(name: VirtualNames.last($0), isDirectory: true) }
        }
        guard let entries else { throw FileError(kind: .notFound, operation: "list", path: path) }
        return entries.sorted { $0.name < $1.name }
    }

    package func exists(_ path: String) -> Bool {
        let path = VirtualNames.normalized(path)
        return state.withLock { $0.names.files[path] != nil || $0.names.directories.contains(path) }
    }

    package func createDirectory(_ path: String) throws(FileError) {
        let path = VirtualNames.normalized(path)
        state.withLock { $0.names.makeDirectory(path) }
    }

    package func rename(_ path: String, to newPath: String) throws(FileError) {
        let (from, to) = (VirtualNames.normalized(path), VirtualNames.normalized(newPath))
        guard state.withLock({ $0.names.rename(from, to: to) }) else {
            throw FileError(kind: .notFound, operation: "rename", path: path)
        }
        let isTree = state.withLock { $0.names.directories.contains(to) }
        if isTree { return tell(.renamedTree) }
        for path in [from, to] { tell(.renamed(VirtualPath(path))) }
    }

    package func remove(_ path: String) throws(FileError) {
        let name = VirtualNames.normalized(path)
        guard state.withLock({ $0.names.remove(name) }) else {
            throw FileError(kind: .notFound, operation: "remove", path: path)
        }
        tell(.renamed(VirtualPath(name)))
    }

    package func removeTree(_ path: String) throws(FileError) {
        let root = VirtualNames.normalized(path)
        state.withLock { $0.names.removeTree(root) }
        tell(.renamedTree)
    }

    package func synchronizeDirectory(_ path: String) throws(FileError) {
        guard exists(path) else { throw FileError(kind: .notFound, operation: "fsync", path: path) }
        let isDone = state.withLock { state in
            guard !state.failsSynchronize else { return false }
            state.names.synchronize(VirtualNames.normalized(path))
            return true
        }
        guard isDone else { throw FileError(kind: .inputOutput, operation: "fsync", path: path) }
    }

    package func lock(_ path: String) throws(FileError) -> any DirectoryLock {
        let name = VirtualNames.normalized(path)
        let isFree = state.withLock { $0.locked.insert(name).inserted }
        guard isFree else { throw FileError(kind: .lockedByAnother, operation: "lock", path: path) }
        return VirtualDirectoryLock(path: name, store: self)
    }

    package func freeBytes(_ path: String) throws(FileError) -> Int64 {
        state.withLock { $0.capacityBytes == .max ? .max : $0.capacityBytes - $0.usedBytes }
    }

    package func totalBytes(_ path: String) throws(FileError) -> Int64 { state.withLock { $0.capacityBytes } }

    fileprivate func unlock(_ path: String) { _ = state.withLock { $0.locked.remove(path) } }
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
    private let node: VirtualNode
    private let store: VirtualFiles

    init(path: String, node: VirtualNode, store: VirtualFiles) {
        self.path = path
        self.node = node
        self.store = store
    }

    var descriptor: Int32? { nil }

    func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        let bytes = pieces.count == 1 ? pieces[0].array : pieces.flatMap { $0.array }
        let result: Result<VirtualPath, FileError> = store.state.withLock { state in
            guard !state.failsWrites else {
                return .failure(FileError(kind: .inputOutput, operation: "write", path: path))
            }
            guard state.hasRoom(for: bytes.count) else {
                return .failure(FileError(kind: .noSpace, operation: "write", path: path))
            }
            node.content.write(bytes, at: Int(position))
            node.absent.comeBack(Int(position)..<Int(position) + bytes.count)
            return .success(node.path)
        }
        store.tell(.wrote(try result.get(), position: Int(position)))
        store.waitForWrite(of: path)
    }

    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        store.state.withLock { _ in
            let visible = node.content.visible
            guard position < visible.count else { return 0 }
            let count = min(visible.count - Int(position), buffer.count)
            node.absent.comeBack(Int(position)..<Int(position) + count)
            unsafe buffer.withUnsafeMutableBytes { target in
                unsafe visible.withUnsafeBytes { source in
                    unsafe target.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[Int(position)..<Int(position) + count]))
                }
            }
            return count
        }
    }

    func synchronize() throws(FileError) {
        let isDone: Bool = store.state.withLock { state in
            guard !state.failsSynchronize else { return false }
            node.content.synchronize()
            return true
        }
        guard isDone else { throw FileError(kind: .inputOutput, operation: "fdatasync", path: path) }
    }

    func truncate(to size: Int64) throws(FileError) {
        let path = store.state.withLock { _ in
            node.content.resize(to: Int(size))
            return node.path
        }
        store.tell(.resized(path, to: Int(size)))
    }

    func size() throws(FileError) -> Int64 { Int64(store.state.withLock { _ in node.content.visible.count }) }

    func isResident(from position: Int64, count: Int) -> Bool {
        store.state.withLock { _ in !node.absent.isAnyAbsent(Int(position)..<Int(position) + count) }
    }

    func close() {}
}
