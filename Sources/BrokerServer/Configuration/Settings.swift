/// The values of one node's configuration: what was given, checked against the table, with defaults for the rest.
package struct Settings: Hashable, Sendable {
    private let given: [String: String]
    /// What start-up has to say of keys that do not act or are not known, one sentence each.
    package let warnings: [String]

    /// Checks every given key.
    ///
    /// - Errors: a value of the wrong type or out of range, or a key that is unsafe to ignore.
    package init(_ properties: PropertiesFile) throws(ConfigurationError) {
        var given: [String: String] = [:]
        var warnings: [String] = []
        for key in properties.keys {
            let value = (properties[key] ?? "").trimmed
            if let setting = SettingTable.byName[key] {
                try Settings.check(value, setting)
                given[key] = value
            } else {
                try Settings.refuseUnsafe(key, value)
                warnings.append(Settings.warning(for: key))
            }
        }
        self.given = given
        self.warnings = warnings
    }

    /// The value of a key, given or default.
    package func optionalString(_ name: String) -> String? {
        guard let setting = SettingTable.byName[name] else { preconditionFailure("no setting \(name) in the table") }
        return given[name] ?? setting.defaultValue
    }

    /// The value of a key that has a default.
    package func string(_ name: String) -> String {
        guard let value = optionalString(name) else { preconditionFailure("\(name) has no default") }
        return value
    }

    /// Whether the key stands in the file or the overrides.
    package func isGiven(_ name: String) -> Bool { given[name] != nil }

    /// The number of a key, given or default; nil where there is none.
    package func optionalInteger(_ name: String) -> Int64? { optionalString(name).flatMap { Int64($0) } }

    /// The number of a key that has a default.
    package func integer(_ name: String) -> Int64 {
        guard let value = Int64(string(name)) else { preconditionFailure("\(name) was checked to be a number") }
        return value
    }

    /// The truth of a key that has a default.
    package func boolean(_ name: String) -> Bool { string(name).lowercased() == "true" }

    /// A comma-separated value; empty items are dropped.
    package func list(_ name: String) -> [String] { optionalString(name).map(Settings.items) ?? [] }

    private static func items(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
    }

    private static func check(_ value: String, _ setting: Setting) throws(ConfigurationError) {
        switch setting.kind {
        case .string, .list: return
        case .boolean:
            guard ["true", "false"].contains(value.lowercased()) else {
                throw ConfigurationError("\(setting.name)=\(value): expected true or false")
            }
        case .integer(let range):
            guard let number = Int64(value) else {
                throw ConfigurationError("\(setting.name)=\(value): expected a whole number")
            }
            guard range.contains(number) else {
                throw ConfigurationError(
                    "\(setting.name)=\(value): must be from \(range.lowerBound) to \(range.upperBound)")
            }
        }
    }

    /// Keys that would leave a cluster open or wrong if they were silently ignored.
    private static func refuseUnsafe(_ key: String, _ value: String) throws(ConfigurationError) {
        guard !value.isEmpty else { return }
        switch key {
        case "authorizer.class.name":
            throw ConfigurationError(
                "authorizer.class.name=\(value): access control is not built yet; a cluster that asks for it "
                    + "must not run open. Remove the key to run without access control.")
        case "sasl.enabled.mechanisms", "sasl.mechanism.inter.broker.protocol", "ssl.keystore.location",
            "ssl.client.auth":
            throw ConfigurationError(
                "\(key)=\(value): TLS and SASL are not built yet; remove the key and use PLAINTEXT listeners.")
        case "controller.quorum.bootstrap.servers":
            throw ConfigurationError(
                "controller.quorum.bootstrap.servers=\(value): dynamic voters are not built yet; name the voters in "
                    + "controller.quorum.voters=id@host:port,…")
        default: return
        }
    }

    private static func warning(for key: String) -> String {
        if KnownKeys.notActing.contains(key) || key.hasPrefix("listener.name.") {
            return "\(key) is a key of Kafka that does not act here yet; it is ignored"
        }
        let nearest = (SettingTable.all.map(\.name) + KnownKeys.notActing.sorted())
            .map { (name: $0, distance: EditDistance.between(key, $0)) }
            .min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= 3 else { return "\(key) is not a known key; it is ignored" }
        return "\(key) is not a known key; it is ignored. Did you mean \(nearest.name)?"
    }
}

/// How many insertions, removals and replacements lead from one word to another.
enum EditDistance {
    static func between(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        var row = Array(0...b.count)
        for (i, character) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let replaced = diagonal + (character == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j + 1] + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        var part = self[...]
        while let first = part.first, first.isWhitespace { part = part.dropFirst() }
        while let last = part.last, last.isWhitespace { part = part.dropLast() }
        return String(part)
    }
}
