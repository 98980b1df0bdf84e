/// The options of `configs`.
enum ConfigsOptions {
    static let alter = ToolOption("alter", help: "Alter the configuration of the entity.")
    static let describe = ToolOption("describe", help: "List configs of the entity.")
    static let all = ToolOption("all", help: "With --describe: list all configs, also defaults.")
    static let entityType = ToolOption(
        "entity-type", .required("type"), isRepeatable: true,
        help: "Type of entity: topics, brokers, broker-loggers, groups, client-metrics, users, clients, ips.")
    static let entityName = ToolOption(
        "entity-name", .required("name"), isRepeatable: true,
        help: "Name of entity: topic name, broker id, group id, user principal name, client id, ip.")
    static let entityDefault = ToolOption(
        "entity-default", isRepeatable: true, help: "The default entity of brokers, users, clients or ips.")
    static let addConfig = ToolOption(
        "add-config", .required("k1=v1,k2=[v1,v2]"),
        help: "Configs to add or change; brackets around a value that has commas.")
    static let addConfigFile = ToolOption(
        "add-config-file", .required("file"), help: "A properties file with configs to add or change.")
    static let deleteConfig = ToolOption("delete-config", .required("k1,k2"), help: "Configs to remove.")

    /// The short forms that name an entity, and the type that each stands for.
    static let named: [(option: ToolOption, type: EntityType)] = [
        ("topic", "The topic's name.", .topics), ("client", "The client's id.", .clients),
        ("user", "The user's principal name.", .users), ("broker", "The broker's id.", .brokers),
        ("broker-logger", "The id of the broker whose loggers are meant.", .brokerLoggers), ("ip", "The ip.", .ips),
        ("group", "The group's id.", .groups), ("client-metrics", "The name of the subscription.", .clientMetrics),
    ].map { name, help, type in (ToolOption(name, .required(name), help: help), type) }

    /// The short forms that name a default.
    static let defaults: [(option: ToolOption, type: EntityType)] = [
        ("client-defaults", EntityType.clients), ("user-defaults", .users), ("broker-defaults", .brokers),
        ("ip-defaults", .ips),
    ].map { name, type in (ToolOption(name, help: "The config defaults for all \(type.rawValue)."), type) }

    static let table = OptionTable(
        purpose: "This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, "
            + "client-metrics or group",
        [.bootstrapServer, .bootstrapController, .commandConfig, alter, describe, all, entityType, entityName]
            + [entityDefault, addConfig, addConfigFile, deleteConfig, .json] + named.map(\.option)
            + defaults.map(\.option))
}

/// The kinds of entities that have configurations.
enum EntityType: String, CaseIterable {
    case topics
    case clients
    case users
    case brokers
    case brokerLoggers = "broker-loggers"
    case ips
    case clientMetrics = "client-metrics"
    case groups

    /// Without the plural, as Kafka's tool says it.
    var singular: String { String(rawValue.dropLast()) }

    var needsQuotas: Bool { self == .clients || self == .users || self == .ips }
}
