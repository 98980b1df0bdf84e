/// The names on a simulated disk: files and directories, and the changes of names that a loss of power may take back.
///
/// Names become durable in the order of their changes, as with a journal: what a directory's synchronisation makes
/// durable includes all earlier changes; a loss of power takes back some of the last ones.
struct VirtualNames {
    private enum Change {
        case created(String)
        case madeDirectory(String)
        case removed(String, VirtualNode)
        case renamed(from: String, to: String, replaced: VirtualNode?)
        case renamedTree(from: String, to: String)
        case removedTree(files: [(String, VirtualNode)], directories: [String])
    }

    private struct Entry {
        let change: Change
        /// The directories whose synchronisation makes it durable.
        let parents: [String]
    }

    private(set) var files: [String: VirtualNode] = [:]
    private(set) var directories: Set<String> = ["", "."]
    private var pending: [Entry] = []

    mutating func create(_ path: String, _ node: VirtualNode) {
        put(node, path)
        note(.created(path), VirtualNames.parent(path))
    }

    /// Makes the directory and its parents.
    mutating func makeDirectory(_ path: String) {
        var missing: [String] = []
        var next = path
        while !next.isEmpty, !directories.contains(next) {
            missing.append(next)
            next = VirtualNames.parent(next)
        }
        for path in missing.reversed() {
            directories.insert(path)
            note(.madeDirectory(path), VirtualNames.parent(path))
        }
    }

    /// False where there is nothing of that name.
    mutating func rename(_ from: String, to: String) -> Bool {
        let parents = [VirtualNames.parent(from), VirtualNames.parent(to)]
        if let node = files.removeValue(forKey: from) {
            let replaced = files.updateValue(node, forKey: to)
            node.path = VirtualPath(to)
            pending.append(Entry(change: .renamed(from: from, to: to, replaced: replaced), parents: parents))
            return true
        }
        guard directories.contains(from) else { return false }
        moveTree(from, to)
        pending.append(Entry(change: .renamedTree(from: from, to: to), parents: parents))
        return true
    }

    private mutating func moveTree(_ from: String, _ to: String) {
        func moved(_ name: String) -> String { to + name.dropFirst(from.count) }
        func isInside(_ name: String) -> Bool { name == from || name.hasPrefix(from + "/") }
        directories = Set(directories.map { isInside($0) ? moved($0) : $0 })
        var renamed: [String: VirtualNode] = [:]
        for (path, node) in files {
            let path = isInside(path) ? moved(path) : path
            node.path = VirtualPath(path)
            renamed[path] = node
        }
        files = renamed
    }

    mutating func remove(_ path: String) -> Bool {
        guard let node = files.removeValue(forKey: path) else { return false }
        note(.removed(path, node), VirtualNames.parent(path))
        return true
    }

    mutating func removeTree(_ root: String) {
        let gone = files.filter { $0.key == root || $0.key.hasPrefix(root + "/") }.sorted { $0.key < $1.key }
        let folders = directories.filter { $0 == root || $0.hasPrefix(root + "/") }.sorted()
        guard !gone.isEmpty || !folders.isEmpty else { return }
        for (path, _) in gone { files[path] = nil }
        directories.subtract(folders)
        note(.removedTree(files: gone.map { ($0.key, $0.value) }, directories: folders), VirtualNames.parent(root))
    }

    private mutating func note(_ change: Change, _ parent: String) {
        pending.append(Entry(change: change, parents: [parent]))
    }

    /// The names in a directory are durable, and every earlier change with them.
    mutating func synchronize(_ directory: String) {
        guard let last = pending.lastIndex(where: { $0.parents.contains(directory) }) else { return }
        pending.removeFirst(last + 1)
    }

    /// Takes some of the last changes back; those that stay are durable.
    mutating func losePower(draw: () -> UInt64) {
        guard !pending.isEmpty else { return }
        let kept = Int(draw() % UInt64(pending.count + 1))
        for entry in pending[kept...].reversed() { undo(entry.change) }
        pending = []
    }

    private mutating func undo(_ change: Change) {
        switch change {
        case .created(let path): files[path] = nil
        case .madeDirectory(let path): directories.remove(path)
        case .removed(let path, let node): put(node, path)
        case .renamed(let from, let to, let replaced):
            let node = files.removeValue(forKey: to)
            if let node { put(node, from) }
            if let replaced { put(replaced, to) }
        case .renamedTree(let from, let to): moveTree(to, from)
        case .removedTree(let gone, let folders):
            directories.formUnion(folders)
            for (path, node) in gone { put(node, path) }
        }
    }

    private mutating func put(_ node: VirtualNode, _ path: String) {
        files[path] = node
        node.path = VirtualPath(path)
    }

    static func normalized(_ path: String) -> String {
        isNormal(path) ? path : path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// Whether there is neither an empty part nor one that means its own directory: nearly always.
    private static func isNormal(_ path: String) -> Bool {
        var (length, last) = (0, UInt8(0))
        for byte in path.utf8 {
            if byte == UInt8(ascii: "/") {
                if length == 0 || (length == 1 && last == UInt8(ascii: ".")) { return false }
                length = 0
            } else {
                length += 1
            }
            last = byte
        }
        return path.isEmpty || !(length == 0 || (length == 1 && last == UInt8(ascii: ".")))
    }

    /// Whether a path is that of something right in a directory.
    static func isRightIn(_ directory: String, _ path: String) -> Bool {
        var rest = path.utf8[...]
        if !directory.isEmpty {
            guard path.utf8.count > directory.utf8.count, path.utf8.starts(with: directory.utf8) else { return false }
            rest = rest.dropFirst(directory.utf8.count)
            guard rest.popFirst() == UInt8(ascii: "/") else { return false }
        }
        return !rest.contains(UInt8(ascii: "/"))
    }

    static func parent(_ path: String) -> String { lastSlash(path).map { String(path[..<$0]) } ?? "" }

    static func last(_ path: String) -> String {
        lastSlash(path).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }

    /// Byte by byte: to look for a character the text would be taken apart into those that are seen as one.
    private static func lastSlash(_ path: String) -> String.Index? { path.utf8.lastIndex(of: UInt8(ascii: "/")) }
}

/// The name of a file, taken apart once: whoever watches the disk asks with each write.
final class VirtualPath: Sendable {
    let path: String
    let directory: String
    /// In the directory.
    let name: String
    /// Whether it is a segment of a log.
    let isLog: Bool

    init(_ path: String) {
        self.path = path
        directory = VirtualNames.parent(path)
        name = VirtualNames.last(path)
        isLog = path.hasSuffix(".log")
    }
}

/// A file of a simulated disk, whatever its name; open files keep it.
///
/// `@unchecked Sendable`: touched under the lock of its store only.
final class VirtualNode: @unchecked Sendable {
    var content = VirtualFileContent()
    var path = VirtualPath("")
    /// The pages that are on the disk only.
    var absent = AbsentPages()
}
