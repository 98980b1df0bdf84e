import HashTreeCollections
import WireMessages

/// What a dynamic configuration belongs to.
package struct ConfigResource: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Kafka's numbers of the kinds.
    package struct Kind: Hashable, Sendable {
        package let value: Int8
        package init(_ value: Int8) { self.value = value }
        package static let topic = Kind(2)
        package static let broker = Kind(4)
        package static let brokerLogger = Kind(8)
        package static let clientMetrics = Kind(16)
        package static let group = Kind(32)
    }

    package let kind: Kind
    /// Empty for the default of all brokers.
    package let name: String

    package init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// A topic, by its name.
    package static func topic(_ name: String) -> ConfigResource { ConfigResource(.topic, name) }

    package static func < (left: ConfigResource, right: ConfigResource) -> Bool {
        left.kind.value == right.kind.value ? left.name < right.name : left.kind.value < right.kind.value
    }

    package var description: String { "\(kind.value):\(name)" }
}

/// All dynamic configurations. Values are as they were given; what is not set here has its default.
package struct ConfigsImage: Hashable, Sendable {
    private var byResource: TreeDictionary<ConfigResource, [String: String]> = [:]

    package init() {}

    /// What is set for a resource.
    package subscript(_ resource: ConfigResource) -> [String: String] { byResource[resource] ?? [:] }

    /// One value that is set for a topic.
    package func value(ofTopic topic: String, _ key: String) -> String? { byResource[.topic(topic)]?[key] }

    /// The resources that have something set, in order.
    package var resources: [ConfigResource] { byResource.keys.sorted() }

    mutating func apply(_ record: ConfigRecord) {
        let resource = ConfigResource(ConfigResource.Kind(record.resourceType), record.resourceName)
        var values = byResource[resource] ?? [:]
        values[record.name] = record.value
        byResource[resource] = values.isEmpty ? nil : values
    }

    mutating func removeAll(of resource: ConfigResource) { byResource[resource] = nil }

    var records: [MetadataRecord] {
        resources.flatMap { resource in
            self[resource].sorted { $0.key < $1.key }.map { key, value in
                var record = ConfigRecord()
                record.resourceType = resource.kind.value
                record.resourceName = resource.name
                record.name = key
                record.value = value
                return .config(record)
            }
        }
    }
}
