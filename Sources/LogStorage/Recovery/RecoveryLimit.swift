import Primitives
import World

/// The file that bounds the recovery point of one log after a truncation.
///
/// The directory's checkpoint of recovery points is written every minute. Without this file: (1) it says 100; (2) the
/// log
/// is cut to 50 and grows to 120 with other records; (3) the machine loses what was not flushed; (4) recovery believes
/// 50 to 100 was flushed, and calls a torn tail there corruption, or skips it.
enum RecoveryLimit {
    static let fileName = "recovery-limit"

    static func write(_ offset: Offset, in directory: String, _ files: any FileStore) throws(FileError) {
        let least = min(offset, try read(in: directory, files) ?? offset)
        try files.replace(directory + "/" + fileName, with: content(least))
    }

    /// The same for a new log, durable with its first flush.
    static func create(_ offset: Offset, in directory: String, _ files: any FileStore) throws(FileError) -> any File {
        let file = try files.open(directory + "/" + fileName, .replace)
        try file.write([Bytes(content(offset))], at: 0)
        return file
    }

    private static func content(_ offset: Offset) -> [UInt8] { CheckpointText(lines: ["\(offset)"]).encoded }

    /// Nil when there is none; zero when it can't be read.
    static func read(in directory: String, _ files: any FileStore) throws(FileError) -> Offset? {
        let path = directory + "/" + fileName
        guard files.exists(path) else { return nil }
        let content = try files.readAll(path)
        let text = try? CheckpointText(encoded: content)
        guard let line = text?.lines.first, let offset = Int64(line), offset >= 0 else { return .zero }
        return Offset(offset)
    }

    static func remove(in directory: String, _ files: any FileStore) throws(FileError) {
        let path = directory + "/" + fileName
        if files.exists(path) { try files.remove(path) }
    }
}
