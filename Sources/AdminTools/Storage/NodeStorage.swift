import Primitives

/// What the storage tool needs of a node's `server.properties`.
struct NodeStorage {
    let id: BrokerID
    let directories: [String]
    let metadataDirectory: String
    let isController: Bool
    let hasVoters: Bool

    init(_ properties: ClientProperties, file: String) throws(ToolFailure) {
        let brokerID = try properties.integer("broker.id")
        guard let id = try properties.integer("node.id") ?? brokerID, id >= 0 else {
            throw ToolFailure("\(file): node.id is not given")
        }
        if properties.values["zookeeper.connect"] != nil, properties.values["process.roles"] == nil {
            throw ToolFailure(
                "The kafka configuration file appears to be for a legacy cluster. Formatting is only supported for "
                    + "clusters in KRaft mode.")
        }
        self.id = BrokerID(Int32(id))
        let list = properties.values["log.dirs"] ?? properties.values["log.dir"] ?? "/tmp/kafka-logs"
        var directories = list.split(separator: ",").map { String($0.filter { $0 != " " }) }
        let metadata = properties.values["metadata.log.dir"] ?? directories.first ?? ""
        if !directories.contains(metadata) { directories.insert(metadata, at: 0) }
        self.directories = directories.filter { !$0.isEmpty }.sorted()
        metadataDirectory = metadata
        let roles = properties.values["process.roles"] ?? "broker,controller"
        isController = roles.split(separator: ",").contains { $0.filter { $0 != " " } == "controller" }
        hasVoters = !(properties.values["controller.quorum.voters"] ?? "").isEmpty
    }
}
