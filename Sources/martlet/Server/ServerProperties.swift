import BrokerServer
import Glibc
import World

/// Where a server's properties come from: a file or the defaults of a single node, then the overrides.
enum ServerProperties {
    /// The node that starts when no file is named: one combined node on 9092 with its data beside it.
    static let singleNode = """
        process.roles=broker,controller
        node.id=1
        listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093
        controller.listener.names=CONTROLLER
        log.dirs=./martlet-data
        offsets.topic.replication.factor=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        """

    /// Reads it all.
    ///
    /// - Errors: a file that can't be read, an override that is not `key=value`.
    static func load(file: String?, overrides: [String], files: any FileStore) throws(ConfigurationError)
        -> PropertiesFile
    {
        var properties: PropertiesFile
        if let file {
            do {
                let text = try files.readAll(file)
                properties = PropertiesFile(parsing: String(decoding: text, as: UTF8.self))
            } catch {
                throw ConfigurationError("can't read the configuration: \(error)")
            }
        } else {
            properties = PropertiesFile(parsing: singleNode)
        }
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
                throw ConfigurationError("--override \(override): expected key=value")
            }
            properties[String(override[..<equals])] = String(override[override.index(after: equals)...])
        }
        if properties["cluster.id"] == nil, let id = environment("CLUSTER_ID") { properties["cluster.id"] = id }
        return properties
    }

    private static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
