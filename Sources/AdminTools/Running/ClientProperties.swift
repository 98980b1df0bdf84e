import LiveWorld
package import MartletClient
import World

/// Client properties, `key=value`, from a file and from the command line.
package struct ClientProperties: Hashable, Sendable {
    package private(set) var values: [String: String] = [:]

    package init() {}

    /// Reads a file of Java properties: `#` or `!` before a comment, `=`, `:` or a space behind the key, backslashes
    /// before what is meant by its letter and at the end of a line that goes on.
    package init(file: String) throws(ToolFailure) {
        let text: String
        do { text = String(decoding: try PosixFileStore().readAll(file), as: UTF8.self) } catch {
            throw ToolFailure("\(file) can't be read: \(error)")
        }
        for line in PropertyLines.logicalLines(text) {
            let (key, value) = try PropertyLines.pair(line, file: file)
            values[key] = value
        }
    }

    /// Takes one `key=value` of a command line in; the value is taken as it is.
    package mutating func set(_ line: String) throws(ToolFailure) {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let key = ClientProperties.trimmed(parts[0])
        guard parts.count == 2, !key.isEmpty else { throw ToolFailure("Invalid property, no key=value: \(line)") }
        values[key] = String(parts[1])
    }

    /// Sets a property unless there is one already.
    package mutating func setDefault(_ key: String, _ value: String) {
        if values[key] == nil { values[key] = value }
    }

    /// Sets a property, whatever there was.
    package mutating func replace(_ key: String, _ value: String) { values[key] = value }

    /// Takes others in; they go before these.
    package mutating func merge(_ others: ClientProperties) { values.merge(others.values) { _, new in new } }

    /// A text without the spaces around it.
    package static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }

    /// Moves what a client has into its configuration.
    ///
    /// - Errors: a security protocol other than PLAINTEXT, which is not built yet; a number that is none.
    package func apply(to configuration: inout ClientConfiguration) throws(ToolFailure) {
        if let security = values["security.protocol"], security.uppercased() != "PLAINTEXT" {
            throw ToolFailure("security.protocol=\(security) is not supported yet; use a PLAINTEXT listener")
        }
        if let clientID = values["client.id"] { configuration.clientID = clientID }
        if let timeout = try integer("request.timeout.ms") { configuration.requestTimeoutMilliseconds = timeout }
        if let timeout = try integer("default.api.timeout.ms") { configuration.callTimeoutMilliseconds = timeout }
        if let age = try integer("metadata.max.age.ms") { configuration.metadataAgeMillisecondsMax = age }
    }

    /// A property that is a number; nil if it is not given.
    package func integer(_ key: String) throws(ToolFailure) -> Int64? {
        guard let text = values[key] else { return nil }
        guard let value = Int64(ClientProperties.trimmed(text)) else {
            throw ToolFailure("Invalid value \(text) for configuration \(key): Not a number")
        }
        return value
    }

    /// A property that is a number of at least `least`; nil if it is not given.
    package func integer(_ key: String, atLeast least: Int64) throws(ToolFailure) -> Int64? {
        guard let value = try integer(key) else { return nil }
        guard value >= least else {
            throw ToolFailure("Invalid value \(value) for configuration \(key): Value must be at least \(least)")
        }
        return value
    }

    /// A property that is true or false; nil if it is not given.
    package func boolean(_ key: String) throws(ToolFailure) -> Bool? {
        guard let text = values[key] else { return nil }
        guard let value = Bool(ClientProperties.trimmed(text).lowercased()) else {
            throw ToolFailure(
                "Invalid value \(text) for configuration \(key): Expected value to be either true or false")
        }
        return value
    }
}
