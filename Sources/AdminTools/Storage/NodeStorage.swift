import Primitives
import WireMessages

/// What the storage tool needs of a node's `server.properties`.
struct NodeStorage {
    let id: BrokerID
    let directories: [String]
    let metadataDirectory: String
    let isController: Bool
    let hasVoters: Bool
    let hasBootstrapServers: Bool
    /// Where other nodes reach this one as a controller, the default listener first; none on a broker.
    let controllerEndpoints: [VoterPlace.Endpoint]

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
        hasBootstrapServers = !(properties.values["controller.quorum.bootstrap.servers"] ?? "").isEmpty
        controllerEndpoints = isController ? NodeStorage.endpoints(properties) : []
    }

    /// The directory of the metadata log.
    var metadataLog: String { metadataDirectory + "/__cluster_metadata-0" }

    private static func endpoints(_ properties: ClientProperties) -> [VoterPlace.Endpoint] {
        func listeners(_ key: String) -> [VoterPlace.Endpoint] {
            (properties.values[key] ?? "").split(separator: ",").compactMap { VoterPlace.Endpoint(listener: $0) }
        }
        let names = (properties.values["controller.listener.names"] ?? "CONTROLLER").split(separator: ",").map {
            ClientProperties.trimmed($0).uppercased()
        }
        let (bound, advertised) = (listeners("listeners"), listeners("advertised.listeners"))
        return names.compactMap { name in
            advertised.first { $0.name == name } ?? bound.first { $0.name == name }?.reachable
        }
    }
}

/// A voter as the tools name it: node, directory, addresses.
struct VoterPlace: Hashable {
    struct Endpoint: Hashable {
        let name: String
        let host: String
        let port: UInt16

        init(name: String, host: String, port: UInt16) {
            self.name = name
            self.host = host
            self.port = port
        }

        /// Reads `NAME://host:port`.
        init?(listener text: some StringProtocol) {
            let text = ClientProperties.trimmed(text)
            guard let slashes = text.firstRange(of: "://"),
                let address = Endpoint.address(text[slashes.upperBound...], mayBeOpen: true)
            else { return nil }
            self.init(name: text[..<slashes.lowerBound].uppercased(), host: address.host, port: address.port)
        }

        /// Reads `host:port`; an IPv6 address stands in brackets.
        static func address(_ text: some StringProtocol, mayBeOpen: Bool = false) -> (host: String, port: UInt16)? {
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0,
                mayBeOpen || colon != text.startIndex
            else { return nil }
            var host = String(text[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            return (host, port)
        }

        /// One that binds to every address is told as the local host.
        var reachable: Endpoint {
            ["", "0.0.0.0", "::"].contains(host) ? Endpoint(name: name, host: "localhost", port: port) : self
        }

        var text: String { "\(name)://\(host):\(port)" }
    }

    let id: BrokerID
    let directoryID: DirectoryID
    let endpoints: [Endpoint]

    /// The voter as it stands in the metadata log.
    var record: VotersRecord.Voter {
        var voter = VotersRecord.Voter()
        voter.voterID = id
        voter.voterDirectoryID = directoryID
        voter.endpoints = endpoints.map { known in
            var endpoint = VotersRecord.Endpoint()
            endpoint.name = known.name
            endpoint.host = known.host
            endpoint.port = known.port
            return endpoint
        }
        voter.kRaftVersionFeature.minSupportedVersion = 0
        voter.kRaftVersionFeature.maxSupportedVersion = 1
        return voter
    }
}
