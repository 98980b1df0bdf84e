import ArgumentParser

/// `martlet container`: what the image runs.
struct ContainerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "container", abstract: "Run a node in a container, configured as Kafka's images are.",
        subcommands: [ContainerStartCommand.self, ContainerHealthCommand.self, ContainerLinkCommand.self])

    /// Where Kafka's image keeps the configuration that a node was started with.
    static let configurationFile = "/opt/kafka/config/server.properties"
    /// Where Kafka's image takes configuration files from.
    static let mountedFile = "/mnt/shared/config/server.properties"
}
