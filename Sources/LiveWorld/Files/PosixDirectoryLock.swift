import Glibc
import Synchronization
import World

/// A lock by `flock`: the system gives it back when the process ends, however it ends.
final class PosixDirectoryLock: DirectoryLock {
    private let handle: Mutex<Int32?>

    init(handle: Int32) { self.handle = Mutex(handle) }

    deinit { release() }

    func release() {
        handle.withLock { handle in
            if let open = handle { _ = Glibc.close(open) }
            handle = nil
        }
    }
}
