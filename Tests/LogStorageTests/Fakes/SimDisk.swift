import Primitives
import Synchronization
import World

/// A disk in memory that can lose what was not made durable.
///
/// Permitted faults, so that a failure is always the log's: on `crash` (1) of a file's bytes written since its last
/// `synchronize`, any blocks of 512 bytes may be kept, old or zero, and its length anything between; (2) of the
/// creations, renames and removals since the last `synchronizeDirectory`, any first part is kept, in order. A file
/// operation can be made to fail, once or for ever. Bits can be flipped anywhere.
final class SimDisk: FileStore {
    enum Entry: Hashable {
        case file(Int)
        case directory
    }

    struct Inode {
        var current: [UInt8] = []
        var durable: [UInt8] = []
    }

    /// One change of names.
    enum NameChange {
        case set(String, Entry)
        case remove(String)
        case rename(String, String)
    }

    struct State {
        var inodes: [Int: Inode] = [:]
        var names: [String: Entry] = [:]
        var durableNames: [String: Entry] = [:]
        var pending: [NameChange] = []
        var nextInode = 0
        var lives = 0
        var operations = 0
        var synchronizations = 0
        var writes = 0
        var reads = 0
        /// By inode, what is not in memory; one range each.
        var absent: [Int: Range<Int>] = [:]
        /// What was asked for before it was read.
        var readsAhead: [Range<Int64>] = []
        /// The number of the first operation that fails; all after it fail too.
        var stopsAt: Int?
        var failure: (operation: String, pathPart: String)?
    }

    let state = Mutex(State())
    private static let blockBytes = 512

    // MARK: Faults

    /// All operations from now on that change something.
    var operations: Int { state.withLock { $0.operations } }
    var writes: Int { state.withLock { $0.writes } }
    var reads: Int { state.withLock { $0.reads } }
    var synchronizations: Int { state.withLock { $0.synchronizations } }

    /// From the operation with this number on nothing works any more: the machine is stopping.
    func stop(atOperation number: Int?) { state.withLock { $0.stopsAt = number } }

    /// The named operation fails on paths that contain `pathPart`, until `heal`.
    func fail(_ operation: String, on pathPart: String) { state.withLock { $0.failure = (operation, pathPart) } }

    func heal() { state.withLock { $0.failure = nil } }

    /// The process dies; what the machine knows stays.
    func kill() { state.withLock { $0.lives += 1 } }

    /// The machine loses power.
    func crash(using generator: inout SeededGenerator) {
        state.withLock { state in
            state.lives += 1
            state.stopsAt = nil
            let kept = state.pending.isEmpty ? 0 : Int(generator.next() % UInt64(state.pending.count + 1))
            for change in state.pending.prefix(kept) { SimDisk.apply(change, to: &state.durableNames) }
            state.pending = []
            state.names = state.durableNames
            for id in state.inodes.keys.sorted() {
                guard var inode = state.inodes[id] else { continue }
                inode.durable = SimDisk.torn(inode, using: &generator)
                inode.current = inode.durable
                state.inodes[id] = inode
            }
        }
    }

    /// Whole pages of 4,096 bytes come back; a range that is read in its midst comes back as a whole.
    static func comeBack(_ inode: Int, _ range: Range<Int>, _ state: inout State) {
        guard let absent = state.absent[inode] else { return }
        let read = range.lowerBound / 4_096 * 4_096..<(range.upperBound + 4_095) / 4_096 * 4_096
        guard absent.overlaps(read) else { return }
        let left =
            read.lowerBound <= absent.lowerBound ? read.upperBound..<max(read.upperBound, absent.upperBound) : nil
        state.absent[inode] = left.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func torn(_ inode: Inode, using generator: inout SeededGenerator) -> [UInt8] {
        let (old, new) = (inode.durable, inode.current)
        if old == new { return old }
        switch generator.next() % 4 {
        case 0: return old
        case 1: return new
        default: break
        }
        let (low, high) = (min(old.count, new.count), max(old.count, new.count))
        let size = low + Int(generator.next() % UInt64(high - low + 1))
        var result = [UInt8](repeating: 0, count: size)
        for start in stride(from: 0, to: size, by: blockBytes) {
            let range = start..<min(start + blockBytes, size)
            let choice = generator.next() % 3
            for index in range {
                let before: UInt8 = index < old.count ? old[index] : 0
                let after: UInt8 = index < new.count ? new[index] : before
                result[index] = choice == 0 && index >= old.count ? 0 : choice == 1 ? before : after
            }
        }
        return result
    }

    /// A part of a file leaves the page cache.
    func evict(_ path: String, _ range: Range<Int>) {
        state.withLock { state in
            guard case .file(let id) = state.names[path] else { preconditionFailure("no file \(path)") }
            state.absent[id] = range
        }
    }

    /// What was read ahead since the last call.
    func takeReadsAhead() -> [Range<Int64>] {
        state.withLock { state in
            defer { state.readsAhead = [] }
            return state.readsAhead
        }
    }

    /// Changes one byte of a file, durably.
    func flip(_ path: String, at position: Int) {
        edit(path) { $0[position] ^= 0x40 }
    }

    /// Changes a file behind the log's back, durably.
    func edit(_ path: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard case .file(let id) = state.names[path] else { preconditionFailure("no file \(path)") }
            var content = state.inodes[id]?.current ?? []
            change(&content)
            state.inodes[id] = Inode(current: content, durable: content)
        }
    }

    func content(_ path: String) -> [UInt8] {
        state.withLock { state in
            guard case .file(let id) = state.names[path] else { preconditionFailure("no file \(path)") }
            return state.inodes[id]?.current ?? []
        }
    }

    /// A copy of the disk as it is, to try several crashes from one state.
    func copy() -> SimDisk {
        let copied = SimDisk()
        let now = state.withLock { $0 }
        copied.state.withLock { $0 = now }
        return copied
    }

    /// Counts an operation and fails it if it must.
    static func begin(
        _ operation: String, _ path: String, _ state: inout State, life: Int? = nil
    ) throws(FileError) {
        if let life { precondition(life == state.lives, "a file of a dead process is used: \(path)") }
        state.operations += 1
        if let stop = state.stopsAt, state.operations > stop {
            throw FileError(kind: .inputOutput, operation: operation, path: path, systemCode: 5)
        }
        if let failure = state.failure, failure.operation == operation, path.contains(failure.pathPart) {
            throw FileError(kind: .inputOutput, operation: operation, path: path, systemCode: 5)
        }
    }

    // MARK: Names

    private static func apply(_ change: NameChange, to names: inout [String: Entry]) {
        switch change {
        case .set(let path, let entry): names[path] = entry
        case .remove(let path): names[path] = nil
        case .rename(let path, let target):
            for name in names.keys where name == path || name.hasPrefix(path + "/") {
                names[target + name.dropFirst(path.count)] = names[name]
                names[name] = nil
            }
        }
    }

    private static func change(_ change: NameChange, _ state: inout State) {
        apply(change, to: &state.names)
        state.pending.append(change)
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        try state.withLock { (state) throws(FileError) in
            switch (state.names[path], mode) {
            case (.directory, _): throw FileError(kind: .other, operation: "open", path: path)
            case (.file, .createNew): throw FileError(kind: .alreadyExists, operation: "open", path: path)
            case (nil, .read), (nil, .readWrite): throw FileError(kind: .notFound, operation: "open", path: path)
            case (nil, _):
                try SimDisk.begin("open", path, &state)
                let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
                guard parent.isEmpty || state.names[parent] == .directory else {
                    throw FileError(kind: .notFound, operation: "open", path: path)
                }
                state.nextInode += 1
                state.inodes[state.nextInode] = Inode()
                SimDisk.change(.set(path, .file(state.nextInode)), &state)
            case (.file(let id), .replace):
                try SimDisk.begin("open", path, &state)
                state.inodes[id]?.current = []
            case (.file, .read), (.file, .readWrite), (.file, .createIfMissing): break
            }
            guard case .file(let id) = state.names[path] else { preconditionFailure("just made") }
            return SimFile(disk: self, path: path, inode: id, life: state.lives)
        }
    }

    func list(_ path: String) throws(FileError) -> [DirectoryEntry] {
        try state.withLock { (state) throws(FileError) in
            guard state.names[path] == .directory else {
                throw FileError(kind: .notFound, operation: "list", path: path)
            }
            let inside = state.names.filter {
                $0.key.hasPrefix(path + "/") && !$0.key.dropFirst(path.count + 1).contains("/")
            }
            return inside.map {
                DirectoryEntry(name: String($0.key.dropFirst(path.count + 1)), isDirectory: $0.value == .directory)
            }.sorted { $0.name < $1.name }
        }
    }

    func exists(_ path: String) -> Bool { state.withLock { $0.names[path] != nil } }

    func createDirectory(_ path: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            try SimDisk.begin("create", path, &state)
            var made = ""
            for part in path.split(separator: "/", omittingEmptySubsequences: false) {
                made +=
                    made.isEmpty && part.isEmpty ? "" : made.isEmpty && !path.hasPrefix("/") ? String(part) : "/" + part
                if !made.isEmpty, state.names[made] == nil { SimDisk.change(.set(made, .directory), &state) }
            }
        }
    }

    func rename(_ path: String, to newPath: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            try SimDisk.begin("rename", path, &state)
            guard state.names[path] != nil else { throw FileError(kind: .notFound, operation: "rename", path: path) }
            SimDisk.change(.rename(path, newPath), &state)
        }
    }

    func remove(_ path: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            try SimDisk.begin("remove", path, &state)
            guard case .file = state.names[path] else {
                throw FileError(kind: .notFound, operation: "remove", path: path)
            }
            SimDisk.change(.remove(path), &state)
        }
    }

    func removeTree(_ path: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            try SimDisk.begin("remove", path, &state)
            let inside = state.names.keys.filter { $0 == path || $0.hasPrefix(path + "/") }
            for name in inside.sorted(by: >) { SimDisk.change(.remove(name), &state) }
        }
    }

    func synchronizeDirectory(_ path: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            try SimDisk.begin("fsync", path, &state)
            for change in state.pending { SimDisk.apply(change, to: &state.durableNames) }
            state.pending = []
        }
    }

    func lock(_ path: String) throws(FileError) -> any DirectoryLock { SimLock() }

    func freeBytes(_ path: String) throws(FileError) -> Int64 { 1 << 40 }

    func totalBytes(_ path: String) throws(FileError) -> Int64 { 1 << 41 }
}

final class SimLock: DirectoryLock {
    func release() {}
}

/// An open file of a `SimDisk`. Using it after the process died is a mistake of the test.
final class SimFile: File {
    let disk: SimDisk
    let path: String
    private let inode: Int
    private let life: Int

    init(disk: SimDisk, path: String, inode: Int, life: Int) {
        self.disk = disk
        self.path = path
        self.inode = inode
        self.life = life
    }

    var descriptor: Int32? { nil }

    func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        try disk.state.withLock { (state) throws(FileError) in
            state.writes += 1
            try SimDisk.begin("write", path, &state, life: life)
            SimDisk.comeBack(inode, Int(position)..<Int(position) + 1, &state)
            var content = state.inodes[inode]?.current ?? []
            state.inodes[inode]?.current = []
            var at = Int(position)
            for piece in pieces {
                if content.count < at + piece.count {
                    content.append(contentsOf: [UInt8](repeating: 0, count: at + piece.count - content.count))
                }
                content.replaceSubrange(at..<at + piece.count, with: piece.array)
                at += piece.count
            }
            state.inodes[inode]?.current = content
        }
    }

    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        disk.state.withLock { state in
            precondition(life == state.lives, "a file of a dead process is read: \(path)")
            state.reads += 1
            SimDisk.comeBack(inode, Int(position)..<Int(position) + buffer.count, &state)
            let content = state.inodes[inode]?.current ?? []
            let count = max(0, min(buffer.count, content.count - Int(position)))
            for index in 0..<count { buffer.patch(content[Int(position) + index], at: index) }
            return count
        }
    }

    func synchronize() throws(FileError) {
        try disk.state.withLock { (state) throws(FileError) in
            state.synchronizations += 1
            try SimDisk.begin("fdatasync", path, &state, life: life)
            if let inode = state.inodes[inode] { state.inodes[self.inode]?.durable = inode.current }
        }
    }

    func truncate(to size: Int64) throws(FileError) {
        try disk.state.withLock { (state) throws(FileError) in
            try SimDisk.begin("truncate", path, &state, life: life)
            var content = state.inodes[inode]?.current ?? []
            if content.count > Int(size) {
                content.removeSubrange(Int(size)...)
            } else {
                content.append(contentsOf: [UInt8](repeating: 0, count: Int(size) - content.count))
            }
            state.inodes[inode]?.current = content
        }
    }

    func size() throws(FileError) -> Int64 {
        disk.state.withLock { Int64($0.inodes[inode]?.current.count ?? 0) }
    }

    func isResident(from position: Int64, count: Int) -> Bool {
        disk.state.withLock { $0.absent[inode]?.overlaps(Int(position)..<Int(position) + count) != true }
    }

    func readAhead(from position: Int64, count: Int) {
        disk.state.withLock { $0.readsAhead.append(position..<position + Int64(count)) }
    }

    func close() {}
}
