/// The properties of a node in a container, as Kafka's images make them from variables, arguments and a mounted file.
///
/// The file comes first, variables override it. Where Kafka's images would drop their defaults as soon as one variable
/// is set, only what is missing is filled in; `MARTLET_STRICT=true` leaves everything as it was given.
package struct ContainerConfiguration: Sendable {
    /// The id that Kafka's image gives a cluster that has none, so that its data can be used again.
    package static let defaultClusterID = "5L6g3nShT-eMCtK--X86sw"
    /// Where the image keeps data.
    package static let dataDirectory = "/var/lib/kafka/data"

    package internal(set) var properties: PropertiesFile
    /// What was filled in, derived or left out: one sentence each, for the log.
    package internal(set) var remarks: [String] = []
    let hostName: String
    let isStrict: Bool
    /// Neither variables nor a file say anything.
    let isBare: Bool

    /// - Errors: what Kafka's images refuse, in their words; an argument that is not `KEY=VALUE`.
    package init(_ surroundings: ContainerSurroundings) throws(ConfigurationError) {
        let variables = try surroundings.merged()
        hostName = surroundings.hostName
        isStrict = variables["MARTLET_STRICT"]?.lowercased() == "true"
        properties = PropertiesFile(parsing: surroundings.mountedFile ?? "")
        let read = try ContainerConfiguration.read(variables)
        for (key, value) in read.properties { properties[key] = value }
        if let id = read.clusterID { properties["cluster.id"] = id }
        isBare = surroundings.mountedFile == nil && read.properties.isEmpty
        if let level = read.logLevel { fill("log.level", level) }
        if let levels = read.loggerLevels { fill("log.levels", levels) }
        if !read.withoutMeaning.isEmpty {
            let names = read.withoutMeaning.joined(separator: ", ")
            remarks.append("Without meaning here, ignored: \(names)")
        }
        try completeRoles()
        try completeListeners()
        completeDefaults()
    }

    /// Takes the default id for a cluster that was given none, unless its directories know theirs.
    package mutating func completeClusterID(directoriesAreFormatted: Bool) {
        guard properties["cluster.id"] == nil, !directoriesAreFormatted else { return }
        let id = ContainerConfiguration.defaultClusterID
        properties["cluster.id"] = id
        remarks.append("CLUSTER_ID not set. Setting it to default value: \"\(id)\"")
    }

    /// Finds the networks of the container, where outside clients are told another address.
    package mutating func completeInsideNetworks(_ routes: RouteTable) {
        guard properties["outside.advertised.address"] != nil, properties["inside.networks"] == nil else { return }
        properties["inside.networks"] = routes.insideNetworks
        remarks.append("inside.networks found: \(routes.insideNetworks)")
    }

    /// The directories that must be writable.
    package var directories: [String] {
        ["log.dirs", "log.dir", "metadata.log.dir"].flatMap { list($0) }
    }

    func list(_ key: String) -> [String] {
        (properties[key] ?? "").split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
    }

    private struct Reading {
        var properties: [(String, String)] = []
        var clusterID: String?
        var logLevel: String?
        var loggerLevels: String?
        var withoutMeaning: [String] = []
    }

    private static func read(_ variables: [String: String]) throws(ConfigurationError) -> Reading {
        var reading = Reading()
        // By name, and KAFKA_CFG_X before KAFKA_X: the later one stays.
        let ordered = variables.sorted { left, right in
            let (first, second) = (left.key.hasPrefix("KAFKA_CFG_"), right.key.hasPrefix("KAFKA_CFG_"))
            return first == second ? left.key < right.key : first
        }
        for (name, value) in ordered {
            switch ContainerVariable(name: name, value: value) {
            case .property(let property): reading.properties.append((property, value))
            case .clusterID:
                if name == "CLUSTER_ID" || reading.clusterID == nil { reading.clusterID = value }
            case .logLevel: reading.logLevel = value
            case .loggerLevels: reading.loggerLevels = value
            case .withoutMeaning: reading.withoutMeaning.append(name)
            case .refused(let property):
                throw ConfigurationError("\(property) is deprecated. Please use KAFKA_ADVERTISED_LISTENERS instead.")
            case .ofKubernetes, .foreign: continue
            }
        }
        if reading.clusterID?.isEmpty == true { reading.clusterID = nil }
        return reading
    }
}
