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
            if let setting = SettingTable.setting(for: key) {
                // An empty value stands for none, where the type has no empty value.
                if value.isEmpty, !setting.hasEmptyValue { continue }
                if let complaint = setting.complaint(about: value) { throw ConfigurationError("\(key): \(complaint)") }
                given[key] = value
            }
            try StartupVerdict.refuse(key, value)
            if let warning = StartupVerdict.warning(for: key) { warnings.append(warning) }
        }
        self.given = given
        self.warnings = warnings
    }

    /// Those of a node that is given none.
    package static let defaults = Settings(given: [:], warnings: [])

    private init(given: [String: String], warnings: [String]) {
        self.given = given
        self.warnings = warnings
    }

    /// These settings below layers of others, the last of which goes before all.
    package func overlaid(with layers: [String: String]...) -> Settings {
        var merged = given
        for layer in layers { merged.merge(layer) { _, new in new } }
        return Settings(given: merged, warnings: warnings)
    }

    /// The keys that are given, in order.
    package var givenNames: [String] { given.keys.sorted() }

    /// The value of a key as it was given.
    package func given(_ name: String) -> String? { given[name] }

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

    /// The number of a key that is given for one listener, by the listener's name in lower case.
    package func integers(ofListeners name: String) -> [String: Int64] {
        var found: [String: Int64] = [:]
        for (key, value) in given where key.hasPrefix("listener.name.") && key.hasSuffix("." + name) {
            let listener = key.dropFirst("listener.name.".count).dropLast(name.count + 1)
            found[listener.lowercased()] = Int64(value)
        }
        return found
    }

    /// The truth of a key that has a default.
    package func boolean(_ name: String) -> Bool { string(name).lowercased() == "true" }

    /// A comma-separated value; empty items are dropped.
    package func list(_ name: String) -> [String] { optionalString(name).map(Settings.items) ?? [] }

    private static func items(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
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
