package import World

/// Files of one dropped segment, already renamed so that no restart takes them for live ones.
package struct SegmentRemoval: Hashable, Sendable {
    package let paths: [String]

    /// Removes the files; blocks. A file that is gone already is no error.
    package func run(_ store: any FileStore) throws(FileError) {
        for path in paths {
            do throws(FileError) { try store.remove(path) } catch { if error.kind != .notFound { throw error } }
        }
    }
}
