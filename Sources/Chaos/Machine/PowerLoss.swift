import Glibc
import LiveWorld
import Primitives
import World

/// Takes from a dead node's disk what it had not flushed, or a part of that.
package struct PowerLoss {
    /// What was taken.
    package struct Toll: Hashable, Sendable, CustomStringConvertible {
        package var writes = 0
        package var tornWrites = 0
        package var names = 0
        package var kept = 0

        package var description: String {
            "\(writes) unflushed changes of files undone (\(tornWrites) torn), \(names) of names; \(kept) left alone"
        }
    }

    private let root: String
    private let side: String
    private let files = PosixFileStore()
    private var toll = Toll()
    private var generator: SeededGenerator

    /// - Parameters:
    ///   - root: the data directory of the node.
    ///   - side: the folder of the library's journal and of the files that it kept.
    package init(root: String, side: String, seed: UInt64) {
        self.root = root
        self.side = side
        generator = SeededGenerator(seed: seed)
    }

    /// Undoes what the seed says. The journal is gone afterwards.
    package mutating func strike() throws -> Toll {
        let journal = try ShimJournal(parsing: files.exists(side + "/journal") ? files.readAll(side + "/journal") : [])
        let changes = UnflushedChanges(journal)
        var paths: [UInt64: String] = [:]
        try findFiles(root, &paths)
        try findFiles(side, &paths)
        for (inode, entries) in changes.ofFiles.sorted(by: { $0.key < $1.key }) {
            let keep = changes.doomed.contains(inode) ? 0 : keptCount(of: entries.count)
            if let path = paths[inode] { try undo(entries, keep, path) }
        }
        let keep = keptCount(of: changes.ofNames.count)
        toll.kept += keep
        for entry in changes.ofNames[keep...].reversed() { undoName(entry) }
        if files.exists(side + "/journal") { try files.remove(side + "/journal") }
        for entry in try files.list(side) where entry.name.hasPrefix("kept-") {
            try files.remove(side + "/" + entry.name)
        }
        return toll
    }

    /// Half of the time nothing stays; else a beginning, as a disk that was just writing leaves it.
    private mutating func keptCount(of count: Int) -> Int {
        Bool.random(using: &generator) ? 0 : Int.random(in: 0...count, using: &generator)
    }

    private func findFiles(_ folder: String, _ paths: inout [UInt64: String]) throws(FileError) {
        for entry in try files.list(folder) {
            let path = folder + "/" + entry.name
            if entry.isDirectory {
                try findFiles(path, &paths)
                continue
            }
            var about = stat()
            if unsafe stat(path, &about) == 0 { paths[UInt64(about.st_ino)] = path }
        }
    }

    private mutating func undo(_ entries: [ShimJournal.Entry], _ keep: Int, _ path: String) throws {
        toll.kept += keep
        let lost = entries[keep...]
        guard let first = lost.first else { return }
        let file = try files.open(path, .readWrite)
        defer { file.close() }
        var torn: Bytes?
        if first.kind == .write, first.count > 1, Bool.random(using: &generator) {
            let half = Bytes([UInt8](repeating: 0, count: Int(first.count / 2)))
            if try file.read(into: half, at: Int64(first.offset)) == half.count { torn = half }
        }
        for entry in lost.reversed() {
            if !entry.old.isEmpty { try file.write([Bytes(entry.old)], at: Int64(entry.offset)) }
            if try file.size() != Int64(entry.oldSize) { try file.truncate(to: Int64(entry.oldSize)) }
            toll.writes += 1
        }
        if let torn {
            try file.write([torn], at: Int64(first.offset))
            toll.tornWrites += 1
        }
    }

    /// What can't be undone any more (its folder is gone with an earlier one) is undone.
    private mutating func undoName(_ entry: ShimJournal.Entry) {
        toll.names += 1
        switch entry.kind {
        case .create: try? files.remove(entry.path)
        case .rename:
            try? files.rename(entry.newPath, to: entry.path)
            if entry.offset > 0 { try? files.rename("\(side)/kept-\(entry.offset)", to: entry.newPath) }
        case .unlink: try? files.rename("\(side)/kept-\(entry.offset)", to: entry.path)
        case .makeFolder: try? files.removeTree(entry.path)
        case .removeFolder: try? files.createDirectory(entry.path)
        case .write, .truncate, .fileFlushed, .flushFailed, .folderFlushed: break
        }
    }
}
