import Primitives
import Synchronization
import World

/// Files in memory, without faults.
final class MemoryDisk: FileStore {
    fileprivate struct State {
        var contents: [Int: [UInt8]] = [:]
        var names: [String: Int] = [:]
        var directories: Set<String> = []
        var next = 0
    }

    fileprivate let state = Mutex(State())
    /// No file grows beyond it: a position that a damaged file names must not take the machine's memory.
    static let fileBytesMax = 1 << 24

    /// Puts a file where it is wanted, with its directory.
    func put(_ path: String, _ content: [UInt8]) {
        state.withLock { state in
            let id = state.names[path] ?? state.next
            state.next = max(state.next, id + 1)
            state.names[path] = id
            state.contents[id] = content
            MemoryDisk.addParents(of: path, &state)
        }
    }

    private static func addParents(of path: String, _ state: inout State) {
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            state.directories.insert(String(rest))
        }
    }

    private static func missing(_ path: String, _ operation: String) -> FileError {
        FileError(kind: .notFound, operation: operation, path: path)
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        try state.withLock { (state) throws(FileError) in
            if let id = state.names[path] {
                if mode == .createNew { throw FileError(kind: .alreadyExists, operation: "open", path: path) }
                if mode == .replace { state.contents[id] = [] }
                return MemoryFile(self, path: path, id: id)
            }
            if mode == .read || mode == .readWrite { throw MemoryDisk.missing(path, "open") }
            let id = state.next
            state.next += 1
            state.names[path] = id
            state.contents[id] = []
            return MemoryFile(self, path: path, id: id)
        }
    }

    func list(_ path: String) throws(FileError) -> [DirectoryEntry] {
        try state.withLock { (state) throws(FileError) in
            guard state.directories.contains(path) else { throw MemoryDisk.missing(path, "list") }
            let inside = path + "/"
            let files = state.names.keys.map { DirectoryEntry(name: $0, isDirectory: false) }
            let folders = state.directories.map { DirectoryEntry(name: $0, isDirectory: true) }
            return (files + folders).filter { $0.name.hasPrefix(inside) }
                .map { DirectoryEntry(name: String($0.name.dropFirst(inside.count)), isDirectory: $0.isDirectory) }
                .filter { !$0.name.contains("/") }.sorted { $0.name < $1.name }
        }
    }

    func exists(_ path: String) -> Bool {
        state.withLock { $0.names[path] != nil || $0.directories.contains(path) }
    }

    func createDirectory(_ path: String) throws(FileError) {
        state.withLock { MemoryDisk.addParents(of: path + "/x", &$0) }
    }

    func rename(_ path: String, to newPath: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            guard let id = state.names.removeValue(forKey: path) else { throw MemoryDisk.missing(path, "rename") }
            state.names[newPath] = id
        }
    }

    func remove(_ path: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            guard state.names.removeValue(forKey: path) != nil else { throw MemoryDisk.missing(path, "remove") }
        }
    }

    func removeTree(_ path: String) throws(FileError) {
        state.withLock { state in
            state.names = state.names.filter { !$0.key.hasPrefix(path + "/") }
            state.directories = state.directories.filter { $0 != path && !$0.hasPrefix(path + "/") }
        }
    }

    func synchronizeDirectory(_ path: String) throws(FileError) {}

    func lock(_ path: String) throws(FileError) -> any DirectoryLock { MemoryLock() }

    func freeBytes(_ path: String) throws(FileError) -> Int64 { 1 << 40 }

    func totalBytes(_ path: String) throws(FileError) -> Int64 { 1 << 41 }
}

private final class MemoryLock: DirectoryLock {
    func release() {}
}

private final class MemoryFile: File {
    let path: String
    private let disk: MemoryDisk
    private let id: Int

    init(_ disk: MemoryDisk, path: String, id: Int) {
        self.disk = disk
        self.path = path
        self.id = id
    }

    var descriptor: Int32? { nil }

    private func change(_ operation: String, _ body: (inout [UInt8]) -> Bool) throws(FileError) {
        let isDone = disk.state.withLock { state in
            var content = state.contents.removeValue(forKey: id) ?? []
            let isDone = body(&content)
            state.contents[id] = content
            return isDone
        }
        if !isDone { throw FileError(kind: .noSpace, operation: operation, path: path) }
    }

    func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        try change("write") { content in
            var at = Int(position)
            for piece in pieces {
                guard at + piece.count <= MemoryDisk.fileBytesMax else { return false }
                if content.count < at + piece.count {
                    content += [UInt8](repeating: 0, count: at + piece.count - content.count)
                }
                content.replaceSubrange(at..<at + piece.count, with: piece.array)
                at += piece.count
            }
            return true
        }
    }

    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        guard position >= 0 else { throw FileError(kind: .inputOutput, operation: "read", path: path) }
        return disk.state.withLock { state in
            let content = state.contents[id] ?? []
            guard position < content.count else { return 0 }
            let count = min(buffer.count, content.count - Int(position))
            for index in 0..<count { buffer.patch(content[Int(position) + index], at: index) }
            return count
        }
    }

    func synchronize() throws(FileError) {}

    func truncate(to size: Int64) throws(FileError) {
        try change("truncate") { content in
            guard size >= 0, size <= MemoryDisk.fileBytesMax else { return false }
            if content.count > size {
                content.removeSubrange(Int(size)...)
            } else {
                content += [UInt8](repeating: 0, count: Int(size) - content.count)
            }
            return true
        }
    }

    func size() throws(FileError) -> Int64 { disk.state.withLock { Int64($0.contents[id]?.count ?? 0) } }

    func isResident(from position: Int64, count: Int) -> Bool { true }

    func close() {}
}
