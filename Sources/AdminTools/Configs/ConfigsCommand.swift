package import ArgumentParser
import MartletClient

/// `martlet configs`, `kafka-configs`: shows and changes what is configured for topics, brokers, loggers and groups.
package struct ConfigsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "configs", abstract: "Describe and alter configurations of topics, brokers, loggers and groups.")

    package static var table: OptionTable { ConfigsOptions.table }

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        typealias Options = ConfigsOptions
        guard given.has(Options.alter) != given.has(Options.describe) else {
            throw ToolFailure.usage("Command must include exactly one action: --describe, --alter")
        }
        try given.exclude(Options.describe, [Options.addConfig, Options.addConfigFile, Options.deleteConfig])
        try given.exclude(Options.alter, [Options.all])
        if given.has(.bootstrapServer), given.has(.bootstrapController) {
            throw ToolFailure("Only one of --bootstrap-server or --bootstrap-controller can be specified")
        }
        if !given.has(.bootstrapServer), !given.has(.bootstrapController) {
            throw ToolFailure(
                "One of the required --bootstrap-server or --bootstrap-controller arguments must be specified")
        }
        let entity = try ConfigEntity(given)
        if entity.type.needsQuotas { _ = try entity.target(named: entity.name ?? "") }
        let changes = given.has(Options.alter) ? try ConfigChanges(given) : nil
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "admin-configs"))
            if let changes {
                try await changes.apply(to: entity, admin)
            } else {
                try await ConfigDescribing(given, entity).run(admin)
            }
        } catch let error as ClientError {
            throw ToolFailure(
                "Error while executing config command with args '\(given.commandLine)'\n\(ExceptionText.of(error))")
        }
    }
}
