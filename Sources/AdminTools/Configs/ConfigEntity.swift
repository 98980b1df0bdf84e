import MartletClient

/// The one entity of a command line, or all of its type.
struct ConfigEntity {
    let type: EntityType
    /// Empty for the default of all; nil where no name was given.
    let name: String?

    /// - Errors: in the words of Kafka's tool, what makes no sense together.
    init(_ given: GivenOptions) throws(ToolFailure) {
        let flagged = ConfigsOptions.named.filter { given.has($0.option) }
        let defaulted = ConfigsOptions.defaults.filter { given.has($0.option) }
        let hasLongForm =
            given.has(ConfigsOptions.entityType) || given.has(ConfigsOptions.entityName)
            || given.has(ConfigsOptions.entityDefault)
        if hasLongForm, !flagged.isEmpty || !defaulted.isEmpty {
            throw ToolFailure(
                "--entity-{type,name,default} should not be used in conjunction with specific entity flags")
        }
        var types: [EntityType] = []
        for text in given.all(ConfigsOptions.entityType) { types.append(try ConfigEntity.type(text)) }
        types += flagged.map(\.type) + defaulted.map(\.type)
        guard let first = types.first else { throw ToolFailure("At least one entity type must be specified") }
        let repeated = EntityType.allCases.filter { type in types.count { $0 == type } > 1 }
        guard repeated.isEmpty else {
            throw ToolFailure("Duplicate entity type(s) specified: \(repeated.map(\.rawValue).joined(separator: ","))")
        }
        if types.count > 1, Set(types) != [.users, .clients] {
            throw ToolFailure("Only 'users' and 'clients' entity types may be specified together")
        }
        type = first
        var names = given.all(ConfigsOptions.entityName)
        for (option, _) in flagged { names += given.all(option) }
        if given.has(ConfigsOptions.entityDefault) || !defaulted.isEmpty { names.append("") }
        name = names.first
        try checkName(given)
    }

    private static func type(_ text: String) throws(ToolFailure) -> EntityType {
        guard let type = EntityType(rawValue: text) else {
            let known = EntityType.allCases.map(\.rawValue).joined(separator: ", ")
            throw ToolFailure(
                "Invalid entity type \(text), the entity type must be one of \(known) with a --bootstrap-server or "
                    + "--bootstrap-controller argument")
        }
        return type
    }

    private func checkName(_ given: GivenOptions) throws(ToolFailure) {
        if let name, !name.isEmpty, type == .brokers || type == .brokerLoggers, Int32(name) == nil {
            throw ToolFailure(
                "The entity name for \(type.rawValue) must be a valid integer broker id, but it is: \(name)")
        }
        let isNamed = !(name ?? "").isEmpty
        if given.has(ConfigsOptions.describe) {
            if type == .brokerLoggers, !isNamed {
                throw ToolFailure("an entity name must be specified with --describe of \(type.rawValue)")
            }
            return
        }
        switch type {
        case .users, .clients, .brokers, .ips:
            if name == nil {
                throw ToolFailure(
                    "an entity-name or default entity must be specified with --alter of users, clients, brokers or ips")
            }
        case .topics, .brokerLoggers, .clientMetrics, .groups:
            if !isNamed { throw ToolFailure("an entity name must be specified with --alter of \(type.rawValue)") }
        }
    }

    /// What the cluster is asked about for one name of this type.
    func target(named name: String) throws(ToolFailure) -> ConfigTarget {
        switch type {
        case .topics: return .topic(name)
        case .groups: return .group(name)
        case .clientMetrics: return .clientMetrics(name)
        case .brokers where name.isEmpty: return .broker(nil)
        case .brokers, .brokerLoggers:
            guard let id = Int32(name) else {
                throw ToolFailure(
                    "The entity name for \(type.rawValue) must be a valid integer broker id, found: \(name)")
            }
            return type == .brokers ? .broker(id) : .brokerLogger(id)
        case .users, .clients, .ips:
            throw ToolFailure(
                "Quotas and credentials of \(type.rawValue) are not supported yet, neither by the cluster nor by this "
                    + "tool"
            )
        }
    }

    /// Where a value comes from that was set for exactly this; nil where every value counts.
    func ownSource(of name: String) -> ConfigValueSource? {
        switch type {
        case .topics: .topic
        case .brokers: name.isEmpty ? .brokerDefault : .broker
        case .groups: .group
        case .clientMetrics: .clientMetrics
        case .brokerLoggers, .users, .clients, .ips: nil
        }
    }
}
