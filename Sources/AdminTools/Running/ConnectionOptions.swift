package import ArgumentParser
package import MartletClient

/// How a tool reaches its cluster.
package struct ConnectionOptions: ParsableArguments {
    @Option(name: .customLong("bootstrap-server"), help: "The brokers to connect to: host:port,host:port.")
    package var bootstrapServer: String?

    @Option(name: .customLong("command-config"), help: "A file of client properties.")
    package var commandConfig: String?

    package init() {}

    /// The configuration of a client, from the options and the file.
    ///
    /// - Parameter controllers: where a tool is given controllers to connect to instead of brokers.
    /// - Errors: a missing address; a file that can't be read or asks for what is not built.
    package func configuration(
        clientID: String, controllers: String? = nil
    ) throws(ToolFailure) -> ClientConfiguration {
        guard let servers = controllers ?? bootstrapServer else { throw .missing("bootstrap-server") }
        var configuration = ClientConfiguration(bootstrapServers: servers, clientID: clientID)
        configuration.usesControllers = controllers != nil
        if let commandConfig { try ClientProperties(file: commandConfig).apply(to: &configuration) }
        return configuration
    }
}
