package import Primitives

/// What went wrong with a file, named so that an operator can act on it.
package struct FileError: Error, Hashable, CustomStringConvertible {
    /// What the caller may decide on.
    package enum Kind: Hashable, Sendable {
        case notFound
        case alreadyExists
        case noSpace
        case permission
        case lockedByAnother
        case inputOutput
        case other
    }

    package let kind: Kind
    /// The operation that failed, as a verb: `open`, `write`, `fdatasync`.
    package let operation: String
    package let path: String
    /// The system's own number, 0 if there is none.
    package let systemCode: Int32

    package init(kind: Kind, operation: String, path: String, systemCode: Int32 = 0) {
        self.kind = kind
        self.operation = operation
        self.path = path
        self.systemCode = systemCode
    }

    package var description: String {
        "\(operation) \(path): \(kind)" + (systemCode == 0 ? "" : " (errno \(systemCode))")
    }
}

/// An open file. Calls are synchronous; each says by its name whether it can wait for a disk.
package protocol File: AnyObject, Sendable {
    var path: String { get }

    /// The system's descriptor for `sendfile`; nil in a simulated world, where `read` serves instead.
    var descriptor: Int32? { get }

    /// Writes all of `pieces`, one after the other, from `position` on (into the page cache). All or an error.
    func write(_ pieces: [Bytes], at position: Int64) throws(FileError)

    /// Reads up to `buffer.count` bytes at `position` into `buffer`; returns how many there were (0 at the end).
    func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int

    /// Makes what was written before this call durable (`fdatasync`). Never call it again after it failed.
    func synchronize() throws(FileError)

    /// Cuts or extends the file.
    func truncate(to size: Int64) throws(FileError)

    /// The present length in bytes.
    func size() throws(FileError) -> Int64

    /// Whether all of a range of the file is in the page cache, so that reading it will not wait for a disk.
    func isResident(from position: Int64, count: Int) -> Bool

    /// The system reads nothing into the page cache from now on but what is asked for.
    func switchOffReadAhead()

    /// Begins to read a range into the page cache, without waiting for it. Nothing is told where it can't be.
    func readAhead(from position: Int64, count: Int)

    /// Closes it; no call may follow. Dropping the last reference closes it too.
    func close()
}

extension File {
    package func switchOffReadAhead() {}

    package func readAhead(from position: Int64, count: Int) {}
}

/// How `FileStore.open` treats an existing or missing file.
package enum OpenMode: Hashable, Sendable {
    /// It must exist; reading only.
    case read
    /// It must exist; reading and writing.
    case readWrite
    /// Made if missing; reading and writing.
    case createIfMissing
    /// Must not exist yet.
    case createNew
    /// Made if missing, emptied if not.
    case replace
}

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
    package let name: String
    package let isDirectory: Bool

    package init(name: String, isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }
}

/// An exclusive hold on a directory; given back when closed or when the process ends.
package protocol DirectoryLock: AnyObject, Sendable {
    func release()
}

/// A node's view of its disks. Paths are absolute or relative to the node's working directory.
package protocol FileStore: AnyObject, Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File
    /// The entries of a directory, sorted by name.
    func list(_ path: String) throws(FileError) -> [DirectoryEntry]
    func exists(_ path: String) -> Bool
    /// Makes a directory and its missing parents.
    func createDirectory(_ path: String) throws(FileError)
    /// Renames a file or directory, replacing a file that is there. Durable only after `synchronizeDirectory`.
    func rename(_ path: String, to newPath: String) throws(FileError)
    /// Removes one file.
    func remove(_ path: String) throws(FileError)
    /// Removes a directory and all in it.
    func removeTree(_ path: String) throws(FileError)
    /// Makes creations, renames and removals in a directory durable.
    func synchronizeDirectory(_ path: String) throws(FileError)
    /// Takes the `.lock` of a directory; fails with `lockedByAnother` at once when another process holds it.
    func lock(_ path: String) throws(FileError) -> any DirectoryLock
    /// Bytes free for us on the disk that holds `path`.
    func freeBytes(_ path: String) throws(FileError) -> Int64
    /// Bytes of the disk that holds `path`, used or not.
    func totalBytes(_ path: String) throws(FileError) -> Int64
}

extension FileStore {
    /// The whole content of a small file.
    package func readAll(_ path: String) throws(FileError) -> [UInt8] {
        let file = try open(path, .read)
        defer { file.close() }
        let buffer = Bytes(MemoryRegion(count: Int(try file.size())), start: 0, count: Int(try file.size()))
        var done = 0
        while done < buffer.count {
            let got = try file.read(into: buffer[done..<buffer.count], at: Int64(done))
            if got == 0 { break }
            done += got
        }
        return buffer[0..<done].array
    }

    /// Replaces a small file so that a crash leaves the old or the new content: temporary file, fsync, rename, fsync
    /// of the directory.
    package func replace(_ path: String, with content: [UInt8]) throws(FileError) {
        let temporary = path + ".tmp"
        let file = try open(temporary, .replace)
        defer { file.close() }
        try file.write([Bytes(content)], at: 0)
        try file.synchronize()
        try rename(temporary, to: path)
        let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
        try synchronizeDirectory(directory.isEmpty ? "/" : directory)
    }
}
