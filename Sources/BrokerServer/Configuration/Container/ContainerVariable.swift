/// What an environment variable of a container means, by the rules of Kafka's images.
package enum ContainerVariable: Hashable, Sendable {
    /// Sets a property of the node.
    case property(String)
    /// The id of the cluster, under one of its names.
    case clusterID
    /// The level of the log, in log4j's words.
    case logLevel
    /// The levels of single loggers: name=LEVEL,…
    case loggerLevels
    /// Meant for a Java process or for another image's scripts; named in one line, without effect.
    case withoutMeaning
    /// Kubernetes sets it for a service that is called kafka; not meant for the node.
    case ofKubernetes
    /// Refused by Kafka's images; names the deprecated property.
    case refused(String)
    /// None of ours.
    case foreign

    private static let namesWithoutMeaning: Set<String> = [
        "KAFKA_VERSION", "KAFKA_HOME", "KAFKA_DEBUG", "KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_LOG4J_OPTS",
        "KAFKA_TOOLS_LOG4J_LOGLEVEL", "KAFKA_JMX_OPTS", "KAFKA_JMX_PORT", "KAFKA_JMX_HOSTNAME",
        "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_GC_LOG_OPTS", "KAFKA_ENABLE_KRAFT", "KAFKA_CREATE_TOPICS",
    ]

    private static let refusedNames: [String: String] = [
        "KAFKA_ADVERTISED_PORT": "advertised.port", "KAFKA_ADVERTISED_HOST": "advertised.host",
        "KAFKA_ADVERTISED_HOST_NAME": "advertised.host.name", "KAFKA_HOST": "host.name",
    ]

    package init(name: String, value: String) {
        switch name {
        case "CLUSTER_ID", "KAFKA_KRAFT_CLUSTER_ID", "KAFKA_CLUSTER_ID": self = .clusterID
        case "KAFKA_LOG4J_ROOT_LOGLEVEL": self = .logLevel
        case "KAFKA_LOG4J_LOGGERS": self = .loggerLevels
        case _ where ContainerVariable.namesWithoutMeaning.contains(name): self = .withoutMeaning
        case _ where ContainerVariable.isOfKubernetes(name, value): self = .ofKubernetes
        case _ where name.hasPrefix("CONFLUENT_SUPPORT_") || name.hasPrefix("CONFLUENT_METRICS_"):
            self = .withoutMeaning
        case _ where name.hasPrefix("KAFKA_CFG_"): self = .property(ContainerVariable.propertyName(name.dropFirst(10)))
        case _ where name.hasPrefix("KAFKA_"):
            if let property = ContainerVariable.refusedNames[name] {
                self = .refused(property)
            } else {
                self = .property(ContainerVariable.propertyName(name.dropFirst(6)))
            }
        default: self = .foreign
        }
    }

    /// `LOG_RETENTION_HOURS` is `log.retention.hours`: one underscore stands for a dot, two for an underscore, three
    /// for a dash.
    package static func propertyName(_ name: some StringProtocol) -> String {
        var result = ""
        var underscores = 0
        func flush() {
            while underscores >= 3 {
                result += "-"
                underscores -= 3
            }
            if underscores > 0 { result += underscores == 2 ? "_" : "." }
            underscores = 0
        }
        for character in name.lowercased() {
            if character == "_" {
                underscores += 1
            } else {
                flush()
                result.append(character)
            }
        }
        flush()
        return result
    }

    /// A service `kafka` brings KAFKA_PORT, KAFKA_SERVICE_HOST and the like; a service `kafka-x` brings KAFKA_X_PORT.
    private static func isOfKubernetes(_ name: String, _ value: String) -> Bool {
        guard name.hasPrefix("KAFKA_") else { return false }
        if name == "KAFKA_PORT" || name.hasPrefix("KAFKA_SERVICE_") || name.hasPrefix("KAFKA_PORT_") { return true }
        if name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT") { return true }
        if name.contains("_SERVICE_PORT_") { return true }
        let isAddress = value.hasPrefix("tcp://") || value.hasPrefix("udp://")
        if name.hasSuffix("_PORT"), isAddress { return true }
        return name.contains("_TCP") && name.contains("_PORT_") && (isAddress || !name.hasSuffix("_TCP"))
    }
}
