import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `configs --describe`.
struct ConfigDescribing {
    private let entity: ConfigEntity
    private let showsAll: Bool
    private let isJSON: Bool

    init(_ given: GivenOptions, _ entity: ConfigEntity) {
        self.entity = entity
        showsAll = given.has(ConfigsOptions.all)
        isJSON = given.has(.json)
    }

    func run(_ admin: Admin) async throws {
        if let name = entity.name, !showsAll, !(try await exists(name, admin)) {
            let text = "The \(entity.type.singular) '\(name)' doesn't exist and doesn't have dynamic config."
            return isJSON ? print(JSONValue.array([])) : print(text)
        }
        let names: [String]
        if let name = entity.name { names = [name] } else { names = try await self.names(admin) }
        var documents: [JSONValue] = []
        for name in names {
            let found = try await admin.configs(of: try entity.target(named: name))
            let source = entity.ownSource(of: name)
            let shown = showsAll || source == nil ? found : found.filter { $0.source == source }
            if isJSON {
                documents += shown.map { ConfigDescribing.json($0, entity.type, name) }
                continue
            }
            print(title(of: name))
            for entry in shown { print(ConfigDescribing.line(entry)) }
        }
        if isJSON { print(JSONValue.array(documents)) }
    }

    private func title(of name: String) -> String {
        if name.isEmpty { return "Default configs for \(entity.type.rawValue) in the cluster are:" }
        return "\(showsAll ? "All" : "Dynamic") configs for \(entity.type.singular) \(name) are:"
    }

    /// `  retention.ms=86400000 sensitive=false synonyms={…}`.
    static func line(_ entry: ConfigEntry) -> String {
        let synonyms = entry.synonyms.map { synonym in
            "\(synonym.source?.name ?? "UNKNOWN"):\(synonym.name)=\(synonym.value ?? "null")"
        }.joined(separator: ", ")
        return "  \(entry.name)=\(entry.value ?? "null") sensitive=\(entry.isSensitive) synonyms={\(synonyms)}"
    }

    private static func json(_ entry: ConfigEntry, _ type: EntityType, _ name: String) -> JSONValue {
        [
            "entityType": .text(type.rawValue), "entityName": .text(orNull: name.isEmpty ? nil : name),
            "name": .text(entry.name), "value": .text(orNull: entry.value),
            "source": .text(orNull: entry.source?.name), "sensitive": .boolean(entry.isSensitive),
            "synonyms": .array(
                entry.synonyms.map {
                    [
                        "source": .text(orNull: $0.source?.name), "name": .text($0.name),
                        "value": .text(orNull: $0.value),
                    ]
                }),
        ]
    }

    private func exists(_ name: String, _ admin: Admin) async throws(ClientError) -> Bool {
        switch entity.type {
        case .brokers where name.isEmpty: return true
        case .topics where admin.cluster.configuration.usesControllers: return true
        case .topics, .brokers, .brokerLoggers, .groups, .clientMetrics:
            return try await names(admin).contains(name)
        case .users, .clients, .ips: return false
        }
    }

    /// All there are of this type; for brokers with the default last.
    private func names(_ admin: Admin) async throws(ClientError) -> [String] {
        switch entity.type {
        case .topics: return try await admin.topicNames()
        case .brokers, .brokerLoggers:
            return try await admin.describeNodes().brokers.map(\.brokerID).sorted().map(\.description) + [""]
        case .groups:
            let groups = try await admin.listGroups().map(\.groupID)
            return Set(groups + (try await admin.configResources(ofType: ConfigTarget.group("").type))).sorted()
        case .clientMetrics: return try await admin.configResources(ofType: ConfigTarget.clientMetrics("").type)
        case .users, .clients, .ips: return []
        }
    }
}
