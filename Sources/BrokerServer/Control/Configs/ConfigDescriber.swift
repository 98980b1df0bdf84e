import Controller
import Metadata
package import Primitives
import WireMessages

/// Tells which values are in force, where each comes from, and what stands behind it.
package struct ConfigDescriber: Sendable {
    typealias Entry = DescribeConfigsResponse.DescribeConfigsResourceResult
    private typealias Synonym = DescribeConfigsResponse.DescribeConfigsSynonym

    private let nodeID: BrokerID
    private let fixed: Settings
    private let loggers: LoggerConfigs

    package init(nodeID: BrokerID, settings: Settings, logs: NodeLogs) {
        self.nodeID = nodeID
        loggers = LoggerConfigs(nodeID: nodeID, logs: logs)
        fixed = settings
    }

    /// All configuration of a resource, ordered by key.
    func entries(_ resource: ConfigResource, _ image: MetadataImage) throws(Refusal) -> [Entry] {
        switch resource.kind {
        case .topic: return try topicEntries(resource, image)
        case .broker where resource.name.isEmpty:
            return image.configs[.allBrokers].keys.sorted().map { defaultEntry($0, image) }
        case .broker:
            guard let id = Int32(resource.name) else {
                throw Refusal(.invalidRequest, "Broker id must be an integer, but it is: \(resource.name)")
            }
            guard BrokerID(id) == nodeID else {
                throw Refusal(
                    .invalidRequest,
                    "Unexpected broker id, expected \(nodeID) or empty string, but received \(resource.name)")
            }
            return SettingTable.all.sorted { $0.name < $1.name }.map { brokerEntry($0, image) }
        case .brokerLogger: return try loggers.entries(ofNode: resource.name)
        case .group: return GroupConfigs.all.map { groupEntry($0, image.configs[resource][$0.name], image) }
        case .clientMetrics: return []
        default:
            throw Refusal(.invalidRequest, "Unsupported resource type: \(resource.kind.value)")
        }
    }

    private func topicEntries(_ resource: ConfigResource, _ image: MetadataImage) throws(Refusal) -> [Entry] {
        if let complaint = TopicName.complaint(about: resource.name) {
            throw Refusal(.invalidTopicException, complaint)
        }
        guard image.topics[name: resource.name] != nil else {
            throw Refusal(.unknownTopicOrPartition, "This server does not host this topic-partition.")
        }
        let given = image.configs[resource]
        return TopicConfigs.all.map { topicEntry($0, given[$0.name], image) }
    }

    private func topicEntry(_ config: TopicConfig, _ given: String?, _ image: MetadataImage) -> Entry {
        var synonyms: [Synonym] = []
        if let given { synonyms.append(synonym(config.name, given, .dynamicTopic)) }
        if let key = config.brokerKey { synonyms += brokerSynonyms(of: key, isSensitive: false, image) }
        var entry = entry(config.name, config.meaning, config.kind.wireType, synonyms)
        // The value of an older name may be in another unit.
        entry.value = given ?? TopicDefaults.value(of: config, in: inForce(image)) ?? config.defaultValue
        return entry
    }

    private func groupEntry(_ config: TopicConfig, _ given: String?, _ image: MetadataImage) -> Entry {
        var synonyms: [Synonym] = []
        if let given { synonyms.append(synonym(config.name, given, .group)) }
        if let key = config.brokerKey { synonyms += brokerSynonyms(of: key, isSensitive: false, image) }
        var entry = entry(config.name, config.meaning, config.kind.wireType, synonyms)
        entry.value = given ?? config.brokerKey.flatMap { inForce(image).effectiveText($0) } ?? config.defaultValue
        return entry
    }

    private func brokerEntry(_ setting: Setting, _ image: MetadataImage) -> Entry {
        let synonyms = brokerSynonyms(of: setting.name, isSensitive: setting.isSensitive, image)
        var entry = entry(setting.name, setting.documentation, setting.wireType, synonyms)
        entry.value = setting.isSensitive ? nil : inForce(image).effectiveText(setting.name)
        entry.isSensitive = setting.isSensitive
        entry.readOnly = !setting.isDynamic
        return entry
    }

    /// What is set for all brokers.
    private func defaultEntry(_ name: String, _ image: MetadataImage) -> Entry {
        let setting = SettingTable.byName[name]
        let isSensitive = setting?.isSensitive ?? true
        let value = isSensitive ? nil : image.configs[.allBrokers][name]
        var synonym = Synonym()
        synonym.name = name
        synonym.value = value
        synonym.source = ConfigSource.dynamicDefaultBroker.rawValue
        var entry = entry(name, setting?.documentation ?? "", setting?.wireType ?? 0, [synonym])
        entry.value = value
        entry.isSensitive = isSensitive
        entry.readOnly = !(setting?.isDynamic ?? false)
        return entry
    }

    private func entry(_ name: String, _ documentation: String, _ type: Int8, _ synonyms: [Synonym]) -> Entry {
        var entry = Entry()
        entry.name = name
        entry.configSource = synonyms.first?.source ?? ConfigSource.defaultValue.rawValue
        entry.synonyms = synonyms
        entry.configType = type
        entry.documentation = documentation
        return entry
    }

    private func inForce(_ image: MetadataImage) -> Settings {
        fixed.overlaid(with: image.configs[.allBrokers], image.configs[ConfigResource(.broker, "\(nodeID)")])
    }

    /// Every value of a broker's key and of its older names, the one in force first.
    private func brokerSynonyms(of key: String, isSensitive: Bool, _ image: MetadataImage) -> [Synonym] {
        let names = SettingNames.inOrder(of: key)
        let own = image.configs[ConfigResource(.broker, "\(nodeID)")]
        let all = image.configs[.allBrokers]
        let layers: [(ConfigSource, (String) -> String?)] = [
            (.dynamicBroker, { own[$0] }), (.dynamicDefaultBroker, { all[$0] }), (.staticBroker, { fixed.given($0) }),
            (.defaultValue, { SettingTable.byName[$0]?.defaultValue }),
        ]
        return layers.flatMap { source, value in
            names.compactMap { name in
                value(name).map { value in
                    var synonym = synonym(name, value, source)
                    if isSensitive { synonym.value = nil }
                    return synonym
                }
            }
        }
    }

    private func synonym(_ name: String, _ value: String, _ source: ConfigSource) -> Synonym {
        var synonym = Synonym()
        synonym.name = name
        synonym.value = value
        synonym.source = source.rawValue
        return synonym
    }
}

extension Setting {
    /// Whether it can be set at run time.
    package var isDynamic: Bool { change != .readOnly }

    /// What DescribeConfigs says of it.
    var documentation: String {
        switch effect {
        case .acts: meaning
        case .ignored(let absence), .refused(let absence, _): "\(meaning) Does not act: \(absence.sentence)."
        }
    }
}
