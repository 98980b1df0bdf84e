import Primitives
import World

/// The file that tells that offsets of a log have gaps, whatever `cleanup.policy` says now.
///
/// A log without it is held to be whole: recovery calls a missing offset corruption. A topic may be compacted for a
/// while and then be set to `delete`; its gaps stay.
enum GapMarker {
    static let fileName = "offset-gaps"

    static func exists(in directory: String, _ files: any FileStore) -> Bool {
        files.exists(directory + "/" + fileName)
    }

    /// Makes the file, to be made durable with its directory before a gap is.
    static func create(in directory: String, _ files: any FileStore) throws(FileError) -> any File {
        let file = try files.open(directory + "/" + fileName, .replace)
        try file.write([Bytes(CheckpointText(lines: []).encoded)], at: 0)
        return file
    }
}
