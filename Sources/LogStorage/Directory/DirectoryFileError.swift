package import World

/// Why one of the small files of a log directory could not be used.
package enum DirectoryFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    /// It is there, but its content is not what it must be.
    case malformed(path: String, reason: String)

    package var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .malformed(let path, let reason): "\(path): \(reason)"
        }
    }
}
