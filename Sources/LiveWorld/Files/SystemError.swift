import Glibc
import World

extension FileError {
    /// The error of a system call that just failed in `operation` on `path`.
    init(_ operation: String, _ path: String, code: Int32 = errno) {
        let kind: Kind =
            switch code {
            case ENOENT, ENOTDIR: .notFound
            case EEXIST: .alreadyExists
            case ENOSPC, EDQUOT: .noSpace
            case EACCES, EPERM, EROFS: .permission
            case EWOULDBLOCK: .lockedByAnother
            case EIO: .inputOutput
            default: .other
            }
        self.init(kind: kind, operation: operation, path: path, systemCode: code)
    }
}
