/// What a loss of power may take: every change that was not flushed.
package struct UnflushedChanges: Hashable, Sendable {
    /// By file, in the order in which they were made.
    package private(set) var ofFiles: [UInt64: [ShimJournal.Entry]] = [:]
    /// Of names in folders, in the order in which they were made.
    package private(set) var ofNames: [ShimJournal.Entry] = []
    /// Files of which a flush failed: nothing that is written to them from then on reaches the disk.
    package private(set) var doomed: Set<UInt64> = []

    package init(_ journal: ShimJournal) {
        for entry in journal.entries {
            switch entry.kind {
            case .write, .truncate: ofFiles[entry.inode, default: []].append(entry)
            case .fileFlushed: if !doomed.contains(entry.inode) { ofFiles[entry.inode] = nil }
            case .flushFailed: doomed.insert(entry.inode)
            case .create, .rename, .unlink, .makeFolder, .removeFolder: ofNames.append(entry)
            case .folderFlushed: keepNames(in: entry.path)
            }
        }
    }

    /// The names in this folder are on the disk now.
    private mutating func keepNames(in folder: String) {
        let isFlushed = ofNames.indices.map { index in
            let entry = ofNames[index]
            let later = ofNames[(index + 1)...].filter { $0.kind == .rename }
            let places = entry.kind == .rename ? [entry.path, entry.newPath] : [entry.path]
            return places.contains { UnflushedChanges.parent(of: UnflushedChanges.moved($0, later)) == folder }
        }
        guard isFlushed.contains(true) else { return }
        var left: [ShimJournal.Entry] = []
        for (index, entry) in ofNames.enumerated() where !isFlushed[index] {
            // A later rename that stays for good moves what stands within it.
            let lasting = ofNames.indices.filter { $0 > index && isFlushed[$0] && ofNames[$0].kind == .rename }
            var moved = entry
            moved.path = UnflushedChanges.moved(entry.path, lasting.map { ofNames[$0] })
            moved.newPath = UnflushedChanges.moved(entry.newPath, lasting.map { ofNames[$0] })
            left.append(moved)
        }
        ofNames = left
    }

    /// Where `path` is after these renames of folders above it.
    private static func moved(_ path: String, _ renames: some Sequence<ShimJournal.Entry>) -> String {
        renames.reduce(path) { path, rename in
            path.hasPrefix(rename.path + "/") ? rename.newPath + path.dropFirst(rename.path.count) : path
        }
    }

    static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
