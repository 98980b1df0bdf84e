import CPlatform
import Glibc
package import World

/// The disks of the machine.
package final class PosixFileStore: FileStore {
    package init() {}

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .createIfMissing: O_RDWR | O_CREAT
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            case .replace: O_RDWR | O_CREAT | O_TRUNC
            }
        return PosixFile(path: path, handle: try PosixFileStore.descriptor(path, flags))
    }

    static func descriptor(_ path: String, _ flags: Int32) throws(FileError) -> Int32 {
        while true {
            let handle = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o644)
            if handle >= 0 { return handle }
            if errno != EINTR { throw FileError("open", path) }
        }
    }

    package func list(_ path: String) throws(FileError) -> [DirectoryEntry] {
        var names: UnsafeMutablePointer<CChar>?
        var count = 0
        let code = unsafe martlet_list(path, &names, &count)
        if code != 0 { throw FileError("list", path, code: code) }
        defer { unsafe free(names) }
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: names, count: count))
        let entries = bytes.split(separator: 0).map { entry in
            DirectoryEntry(
                name: String(decoding: entry.dropFirst(), as: UTF8.self),
                isDirectory: entry.first == UInt8(ascii: "d"))
        }
        return entries.sorted { $0.name < $1.name }
    }

    package func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    package func createDirectory(_ path: String) throws(FileError) {
        if unsafe mkdir(path, 0o755) == 0 { return }
        switch errno {
        case EEXIST where PosixFileStore.isDirectory(path): return
        case ENOENT:
            guard let parent = path.lastIndex(of: "/").map({ String(path[..<$0]) }), !parent.isEmpty else {
                throw FileError("create", path, code: ENOENT)
            }
            try createDirectory(parent)
            if unsafe mkdir(path, 0o755) != 0, errno != EEXIST { throw FileError("create", path) }
        default: throw FileError("create", path)
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var about = stat()
        return unsafe stat(path, &about) == 0 && about.st_mode & S_IFMT == S_IFDIR
    }

    package func rename(_ path: String, to newPath: String) throws(FileError) {
        if unsafe Glibc.rename(path, newPath) != 0 { throw FileError("rename", path) }
    }

    package func remove(_ path: String) throws(FileError) {
        if unsafe unlink(path) != 0 { throw FileError("remove", path) }
    }

    package func removeTree(_ path: String) throws(FileError) {
        for entry in try list(path) {
            let inner = path + "/" + entry.name
            if entry.isDirectory { try removeTree(inner) } else { try remove(inner) }
        }
        if unsafe rmdir(path) != 0 { throw FileError("remove", path) }
    }

    package func synchronizeDirectory(_ path: String) throws(FileError) {
        let handle = try PosixFileStore.descriptor(path, O_RDONLY | O_DIRECTORY)
        defer { _ = Glibc.close(handle) }
        if fsync(handle) != 0 { throw FileError("fsync", path) }
    }

    package func lock(_ path: String) throws(FileError) -> any DirectoryLock {
        let file = path + "/.lock"
        let handle = try PosixFileStore.descriptor(file, O_RDWR | O_CREAT)
        let code = martlet_try_lock(handle)
        if code != 0 {
            _ = Glibc.close(handle)
            throw FileError("lock", file, code: code)
        }
        return PosixDirectoryLock(handle: handle)
    }

    package func freeBytes(_ path: String) throws(FileError) -> Int64 {
        var about = statvfs()
        if unsafe statvfs(path, &about) != 0 { throw FileError("statvfs", path) }
        return Int64(about.f_bavail) * Int64(about.f_frsize)
    }

    package func totalBytes(_ path: String) throws(FileError) -> Int64 {
        var about = statvfs()
        if unsafe statvfs(path, &about) != 0 { throw FileError("statvfs", path) }
        return Int64(about.f_blocks) * Int64(about.f_frsize)
    }
}
