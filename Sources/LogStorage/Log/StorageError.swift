package import Primitives
package import World

/// Why a log could not do what it was asked for.
package enum StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A read or write failed. The log is offline from now on: its directory must be taken out of service.
    case file(FileError)
    /// An earlier failure took this log offline; nothing is tried again on it.
    case offline(FileError)
    /// What is on our own disk is not what was written: the replica must be rebuilt from the leader.
    case corrupt(path: String, position: Int64, reason: String)
    /// The offset lies before the log's start or behind its end.
    case offsetOutOfRange(requested: Offset, start: Offset, end: Offset)
    /// Bytes to append are no well-formed batches, or their checksum is wrong.
    case invalidBatch(reason: String)
    /// A leader's batches do not follow this log's end.
    case notContiguous(expected: Offset, received: Offset)

    /// Whether the directory of the log must be taken offline.
    package var takesDirectoryOffline: Bool {
        switch self {
        case .file, .offline: true
        case .corrupt, .offsetOutOfRange, .invalidBatch, .notContiguous: false
        }
    }

    /// What it says about our own disk; nil where it says nothing.
    package var damage: LogDamage? {
        guard case .corrupt(let path, let position, let reason) = self else { return nil }
        return LogDamage(path: path, position: position, offset: nil, reason: reason)
    }

    /// The protocol's answer to a client.
    package var code: ErrorCode {
        switch self {
        case .file, .offline, .corrupt: .kafkaStorageError
        case .offsetOutOfRange: .offsetOutOfRange
        case .invalidBatch, .notContiguous: .corruptMessage
        }
    }

    package var description: String {
        switch self {
        case .file(let error): "storage failed: \(error)"
        case .offline(let error): "log is offline since a failure: \(error)"
        case .corrupt(let path, let position, let reason): "\(path) is corrupt at byte \(position): \(reason)"
        case .offsetOutOfRange(let requested, let start, let end):
            "offset \(requested) is outside the log, which goes from \(start) to \(end)"
        case .invalidBatch(let reason): "invalid batch: \(reason)"
        case .notContiguous(let expected, let received): "expected a batch at offset \(expected), received \(received)"
        }
    }
}
