/// One option of a tool, under the name that Kafka's tool has for it.
package struct ToolOption: Hashable, Sendable {
    /// What follows the option's name.
    package enum Value: Hashable, Sendable {
        /// Nothing: it is given or it is not.
        case nothing
        /// One value; the text names it in the help.
        case required(String)
        /// One value, or none: then `whenAlone` holds.
        case optional(String, whenAlone: String)
        /// Every word up to the next option.
        case words(String)
    }

    package let name: String
    package let value: Value
    /// Names that Kafka gave up, each with a warning that names the new one.
    package let oldNames: [String]
    /// Whether it may be given more than once.
    package let isRepeatable: Bool
    package let help: String

    package init(
        _ name: String, _ value: Value = .nothing, oldNames: [String] = [], isRepeatable: Bool = false, help: String
    ) {
        self.name = name
        self.value = value
        self.oldNames = oldNames
        self.isRepeatable = isRepeatable
        self.help = help
    }
}

/// Options that many tools have.
extension ToolOption {
    package static let bootstrapServer = ToolOption(
        "bootstrap-server", .required("host:port,..."), help: "REQUIRED: The brokers to connect to.")
    package static let bootstrapController = ToolOption(
        "bootstrap-controller", .required("host:port,..."), help: "The controllers to connect to instead of brokers.")
    package static let commandConfig = ToolOption(
        "command-config", .required("file"), help: "A file of client properties.")
    package static let json = ToolOption("json", help: "Print one JSON document instead of text. (Not in Kafka.)")
    package static let help = ToolOption("help", help: "Print usage information.")
    package static let version = ToolOption("version", help: "Display Kafka version.")
}
