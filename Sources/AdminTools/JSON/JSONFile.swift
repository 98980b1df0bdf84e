import LiveWorld
import World

/// A JSON document in a file.
package enum JSONFile {
    /// - Errors: a file that can't be read, or that is no JSON.
    package static func read(_ path: String) throws(ToolFailure) -> JSONValue {
        let bytes: [UInt8]
        do { bytes = try PosixFileStore().readAll(path) } catch {
            throw ToolFailure("\(path) can't be read: \(error)")
        }
        do { return try JSONReader.parse(bytes) } catch { throw ToolFailure("\(path) is no valid JSON: \(error)") }
    }
}
