import MartletClient

/// What `configs --alter` is to add and to take away.
struct ConfigChanges {
    private let added: [(name: String, value: String)]
    private let deleted: [String]

    /// - Errors: in the words of Kafka's tool, what can't be read or is missing.
    init(_ given: GivenOptions) throws(ToolFailure) {
        typealias Options = ConfigsOptions
        if given.has(Options.addConfig), given.has(Options.addConfigFile) {
            throw ToolFailure("Only one of --add-config or --add-config-file must be specified")
        }
        var added: [String: String] = [:]
        if let path = try given.text(Options.addConfigFile) { added = try ClientProperties(file: path).values }
        if let text = try given.text(Options.addConfig) {
            for (name, value) in try ConfigChanges.pairs(text) { added[name] = value }
        }
        let deleted = (try given.text(Options.deleteConfig) ?? "").split(separator: ",")
            .map { ClientProperties.trimmed($0) }
        guard !added.isEmpty || !deleted.isEmpty else {
            throw ToolFailure(
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter")
        }
        self.added = added.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        self.deleted = deleted
    }

    /// `k1=v1,k2=[v1,v2]`: commas and equals signs within brackets belong to the value; the brackets do not.
    static func pairs(_ text: String) throws(ToolFailure) -> [(String, String)] {
        var parts = [""]
        var depth = 0
        for character in text {
            if character == "[" { depth += 1 }
            if character == "]" { depth = max(0, depth - 1) }
            if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        var pairs: [(String, String)] = []
        for part in parts {
            let cut = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = ClientProperties.trimmed(cut[0])
            let value = cut.count == 2 ? ClientProperties.trimmed(cut[1]) : ""
            let isBracketed = value.hasPrefix("[") && value.hasSuffix("]") && value.count > 1
            guard cut.count == 2, !name.isEmpty, isBracketed || !value.contains("=") else {
                throw ToolFailure(
                    "Invalid entity config: all configs to be added must be in the format \"key=val\".")
            }
            pairs.append((name, value.filter { $0 != "[" && $0 != "]" }))
        }
        return pairs
    }

    func apply(to entity: ConfigEntity, _ admin: Admin) async throws {
        let name = entity.name ?? ""
        let target = try entity.target(named: name)
        try await check(target, entity, named: name, admin)
        let changes: [(name: String, change: ConfigChange)] =
            added.map { ($0.name, .set($0.value)) } + deleted.map { ($0, .delete) }
        try await admin.alterConfigs([(target, changes)])
        if name.isEmpty {
            print("Completed updating default config for \(entity.type.rawValue) in the cluster.")
        } else {
            print("Completed updating config for \(entity.type.singular) \(name).")
        }
    }

    /// Refuses to take away what was not set, and loggers that do not exist.
    private func check(
        _ target: ConfigTarget, _ entity: ConfigEntity, named name: String, _ admin: Admin
    ) async throws {
        if entity.type == .brokerLoggers {
            let known = Set(try await admin.configs(of: target).map(\.name))
            let invalid = (deleted + added.map(\.name)).filter { !known.contains($0) }
            guard invalid.isEmpty else {
                throw ToolFailure("Invalid broker logger(s): \(invalid.joined(separator: ","))")
            }
        } else if !deleted.isEmpty {
            let source = entity.ownSource(of: name)
            let own = Set(try await admin.configs(of: target).filter { $0.source == source }.map(\.name))
            let invalid = deleted.filter { !own.contains($0) }
            guard invalid.isEmpty else { throw ToolFailure("Invalid config(s): \(invalid.joined(separator: ","))") }
        }
    }
}
