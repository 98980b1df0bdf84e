/// All that the configuration of a node in a container is made from.
package struct ContainerSurroundings: Sendable {
    package var variables: [String: String]
    /// `KEY=VALUE` words behind the run command; they go before the variables.
    package var arguments: [String]
    /// The text of the mounted `server.properties`, if there is one.
    package var mountedFile: String?
    package var hostName: String

    package init(
        variables: [String: String] = [:], arguments: [String] = [], mountedFile: String? = nil,
        hostName: String = "localhost"
    ) {
        self.variables = variables
        self.arguments = arguments
        self.mountedFile = mountedFile
        self.hostName = hostName
    }

    /// The variables with the arguments over them.
    ///
    /// - Errors: an argument that is not `KEY=VALUE`.
    func merged() throws(ConfigurationError) -> [String: String] {
        var merged = variables
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw ConfigurationError("\(argument): expected KEY=VALUE, such as KAFKA_NODE_ID=2")
            }
            merged[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
        }
        return merged
    }
}
