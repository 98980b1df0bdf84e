import LiveWorld
package import MartletClient
import World

/// Client properties, `key=value`, from a file and from the command line.
package struct ClientProperties: Hashable, Sendable {
    package private(set) var values: [String: String] = [:]

    package init() {}

    /// Reads a file: one property a line, `#` before a comment.
    package init(file: String) throws(ToolFailure) {
        let text: String
        do { text = String(decoding: try PosixFileStore().readAll(file), as: UTF8.self) } catch {
            throw ToolFailure("\(file) can't be read: \(error)")
        }
        for line in text.split(separator: "\n") {
            let trimmed = line.drop { $0 == " " }
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            try set(String(trimmed))
        }
    }

    /// Takes one `key=value` in.
    package mutating func set(_ line: String) throws(ToolFailure) {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { throw ToolFailure("Invalid property, no key=value: \(line)") }
        let key = parts[0].reversed().drop { $0 == " " }.reversed()
        values[String(key)] = String(parts[1].drop { $0 == " " })
    }

    /// The named ones; others go before these.
    package mutating func merge(_ others: ClientProperties) { values.merge(others.values) { _, new in new } }

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
    }

    /// A property that is a number; nil if it is not given.
    package func integer(_ key: String) throws(ToolFailure) -> Int64? {
        guard let text = values[key] else { return nil }
        guard let value = Int64(text) else { throw ToolFailure("\(key)=\(text): expected a number") }
        return value
    }

    /// A property that is true or false; nil if it is not given.
    package func boolean(_ key: String) throws(ToolFailure) -> Bool? {
        guard let text = values[key] else { return nil }
        guard let value = Bool(text.lowercased()) else { throw ToolFailure("\(key)=\(text): expected true or false") }
        return value
    }
}
