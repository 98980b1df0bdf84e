/// The formatter that `--formatter` names, by Kafka's name of its class.
enum FormatterChoice {
    /// Names with which a class may be prefixed, the present ones and those of before 4.0.
    private static let packages = [
        "org.apache.kafka.tools.consumer.", "kafka.tools.", "kafka.coordinator.group.GroupMetadataManager$",
        "kafka.coordinator.transaction.TransactionLog$",
    ]

    static func formatter(_ given: GivenOptions) throws(ToolFailure) -> any RecordFormatter {
        let name = try given.text(ConsoleConsumerOptions.formatter) ?? "DefaultMessageFormatter"
        let properties = try properties(given)
        let prefix = packages.first { name.hasPrefix($0) } ?? ""
        switch String(name.dropFirst(prefix.count)) {
        case "DefaultMessageFormatter": return try RecordText(properties)
        case "LoggingMessageFormatter": return LoggingFormatter(try RecordText(properties))
        case "NoOpMessageFormatter": return NoFormatter()
        case "OffsetsMessageFormatter": return CoordinatorFormatter(.offsets)
        case "GroupMetadataMessageFormatter": return CoordinatorFormatter(.groupMetadata)
        case "TransactionLogMessageFormatter": return CoordinatorFormatter(.transactions)
        default:
            throw .usage(
                "\(name) is not a formatter that is built in. There are DefaultMessageFormatter, "
                    + "LoggingMessageFormatter, NoOpMessageFormatter, OffsetsMessageFormatter, "
                    + "GroupMetadataMessageFormatter and TransactionLogMessageFormatter.")
        }
    }

    private static func properties(_ given: GivenOptions) throws(ToolFailure) -> ClientProperties {
        var properties = ClientProperties()
        if let file = try given.text(ConsoleConsumerOptions.formatterConfig) {
            properties = try ClientProperties(file: file)
        }
        if let name = try given.text(ConsoleConsumerOptions.keyDeserializer), !name.isEmpty {
            properties.replace("key.deserializer", name)
        }
        if let name = try given.text(ConsoleConsumerOptions.valueDeserializer), !name.isEmpty {
            properties.replace("value.deserializer", name)
        }
        for line in given.all(ConsoleConsumerOptions.formatterProperty) { try properties.set(line) }
        return properties
    }
}
