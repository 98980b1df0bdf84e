package import MartletClient

/// How a tool reaches its cluster: from its options and property files to the configuration of a client.
package enum ToolClient {
    /// The configuration from `--bootstrap-server` (or, for tools that have it, `--bootstrap-controller`) and the file
    /// of `--command-config`.
    ///
    /// - Errors: a missing address; a file that can't be read or asks for what is not built.
    package static func configuration(
        _ given: GivenOptions, clientID: String
    ) throws(ToolFailure) -> ClientConfiguration {
        var properties = ClientProperties()
        if let file = try given.text(.commandConfig) { properties = try ClientProperties(file: file) }
        return try configuration(given, properties, clientID: clientID)
    }

    /// The configuration from `--bootstrap-server` and properties that were gathered already.
    package static func configuration(
        _ given: GivenOptions, _ properties: ClientProperties, clientID: String
    ) throws(ToolFailure) -> ClientConfiguration {
        let controllers = try given.text(.bootstrapController)
        let servers: String
        if let controllers { servers = controllers } else { servers = try given.needed(.bootstrapServer) }
        var configuration = ClientConfiguration(bootstrapServers: servers, clientID: clientID)
        configuration.usesControllers = controllers != nil
        try properties.apply(to: &configuration)
        return configuration
    }

    /// Properties from a file and, over them, those of the command line.
    package static func properties(
        _ given: GivenOptions, file: ToolOption, lines: ToolOption
    ) throws(ToolFailure) -> ClientProperties {
        var properties = ClientProperties()
        if let path = try given.text(file) { properties = try ClientProperties(file: path) }
        for line in given.all(lines) { try properties.set(line) }
        return properties
    }
}
